// Rotation of passwords through the two faces that have it.
#include "faces/harbourmaster/harbourmaster_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;

class HephyRotation : public ::testing::Test {
  protected:
    HephyRotation() {
        world_.as(key_, Method::post, HephyWorld::path("acme"), "{}");
        world_.settle();
    }
    Reply rotate(const std::string& body = "{}", const std::string& key = "") {
        return world_.as(key.empty() ? key_ : key, Method::post, HephyWorld::path("acme") + "/rotate", body);
    }
    Reply shown() { return world_.as(key_, Method::get, HephyWorld::path("acme")); }
    static std::string password(const Reply& reply) { return HephyWorld::text(reply, "hephy_db_password"); }
    static std::string state(const Reply& reply) {
        const json::object body = reply.json();
        return body.contains("rotation") ? json::get_string(body.at("rotation").as_object(), "state") : "none";
    }
    static std::string until(const Reply& reply) {
        return json::get_string(reply.json().at("rotation").as_object(), "former_valid_until");
    }

    HephyWorld world_;
    std::string key_ = world_.tenant("acme");
};

TEST_F(HephyRotation, BothPasswordsAreGoodUntilTheNewOneIsConfirmed) {
    const Reply before = shown();
    EXPECT_EQ(state(before), "none") << "the document's keys and no other";
    world_.worker.paused = true;
    const Reply begun = rotate();
    ASSERT_EQ(begun.status, 200) << begun.body;
    EXPECT_EQ(state(begun), "in_progress");
    EXPECT_EQ(until(begun), format_time(world_.manual.now() + std::chrono::hours(24)));
    EXPECT_EQ(password(begun), password(before)) << "the new one was not seen to work yet";
    EXPECT_EQ(HephyWorld::text(begun, "state"), "ready") << "it answers all the time";
    EXPECT_EQ(HephyWorld::text(begun, "hephy_instance_name"), "hephy-instance-0000001");
    EXPECT_EQ(begun.header("Cache-Control"), "no-store");
    EXPECT_EQ(rotate().status, 409) << "while one is under way";
    world_.worker.paused = false;
    world_.settle();
    const Reply rotated = shown();
    EXPECT_EQ(state(rotated), "unconfirmed");
    EXPECT_EQ(until(rotated), until(begun));
    EXPECT_NE(password(rotated), password(before));
    const Reply early = rotate();
    EXPECT_EQ(early.status, 409) << early.body;
    EXPECT_THAT(early.body, HasSubstr("confirm it, or wait until " + until(begun)));

    world_.worker.paused = true;
    const Reply confirming = rotate(R"({"confirm":true})");
    ASSERT_EQ(confirming.status, 200) << confirming.body;
    EXPECT_EQ(state(confirming), "in_progress");
    EXPECT_EQ(rotate(R"({"confirm":true})").status, 200) << "a second time";
    world_.worker.paused = false;
    world_.settle();
    const Reply confirmed = shown();
    EXPECT_EQ(state(confirmed), "confirmed");
    EXPECT_EQ(until(confirmed), "");
    EXPECT_EQ(password(confirmed), password(rotated));
    EXPECT_EQ(state(rotate(R"({"confirm":true})")), "confirmed");
    EXPECT_EQ(rotate("").status, 200) << "the next one, without a body";
}

TEST_F(HephyRotation, OneThatFailsIsAsIfNobodyHadAsked) {
    const Reply before = shown();
    ProviderError refused;
    refused.error_class = ErrorClass::permanent;
    refused.message = "this server cannot rotate";
    world_.worker.update_error = refused;
    ASSERT_EQ(rotate().status, 200);
    world_.settle();
    EXPECT_EQ(shown().body, before.body);
}

TEST_F(HephyRotation, NothingToConfirmIsAnsweredAsItIs) {
    const Counts before = world_.counts();
    const Reply nothing = rotate(R"({"confirm":true})");
    ASSERT_EQ(nothing.status, 200) << nothing.body;
    EXPECT_EQ(state(nothing), "confirmed");
    EXPECT_EQ(password(nothing), password(shown()));
    EXPECT_EQ(world_.counts(), before);
}

TEST_F(HephyRotation, StrangersReadersAndWrongBodiesChangeNothing) {
    const std::string rival = world_.tenant("rival", "lab");
    const std::string reader = world_.key("acme", Role::reader);
    world_.add_cluster(key_, "acme", "bare");
    const Counts before = world_.counts();
    EXPECT_EQ(rotate("{}", rival).status, 404);
    EXPECT_EQ(rotate("{}", reader).status, 403);
    EXPECT_EQ(rotate("{}", world_.admin).status, 403) << "passwords are their owner's alone";
    EXPECT_EQ(rotate("{").status, 400);
    const Reply wrong = rotate(R"({"confirm":"yes"})");
    EXPECT_EQ(wrong.status, 422) << wrong.body;
    EXPECT_THAT(wrong.body, HasSubstr("confirm"));
    EXPECT_EQ(world_.as(key_, Method::post, HephyWorld::path("acme", "bare") + "/rotate", "{}").status, 404)
        << "it never had a database";
    EXPECT_EQ(world_.counts(), before);
}

class NativeRotation : public HephyRotation {
  protected:
    NativeRotation() {
        const Reply listed = ask(Method::get, "/api/v1/resources?kind=database");
        id_ = json::get_string(listed.json().at("resources").as_array().at(0).as_object(), "id");
    }
    Reply ask(Method method, const std::string& target, const std::string& body = "") {
        return world_.ask(method, target, body, World::bearer(key_));
    }
    Reply ask_rotation(const std::string& rest = "", const std::string& body = "") {
        return ask(Method::post, "/api/v1/resources/" + id_ + "/rotate" + rest, body);
    }
    std::string native_password() {
        return json::get_string(ask(Method::get, "/api/v1/resources/" + id_ + "/credentials").json(), "password");
    }
    std::string id_;
};

TEST_F(NativeRotation, IsAnOperationThatCanBeWaitedFor) {
    const std::string first = native_password();
    const Reply begun = ask_rotation();
    ASSERT_EQ(begun.status, 202) << begun.body;
    EXPECT_EQ(json::get_string(begun.json().at("operation").as_object(), "kind"), "update");
    world_.settle();
    const std::string second = native_password();
    EXPECT_NE(second, first);
    const Reply early = ask_rotation();
    EXPECT_EQ(early.status, 409) << early.body;
    EXPECT_EQ(json::get_string(early.json(), "code"), "conflict");
    const Reply confirmed = ask_rotation("/confirm", R"({"wait_seconds":5})");
    EXPECT_EQ(confirmed.status, 200) << confirmed.body;
    EXPECT_EQ(native_password(), second);
    const Reply nothing = ask_rotation("/confirm");
    EXPECT_EQ(nothing.status, 200) << nothing.body;
    EXPECT_TRUE(nothing.json().at("operation").is_null());
    const std::string events = ask(Method::get, "/api/v1/resources/" + id_ + "/events").body;
    EXPECT_THAT(events, HasSubstr("gets a new password"));
    EXPECT_THAT(events, HasSubstr("the new password is in use; the former one ends"));
}

TEST_F(NativeRotation, WhatIsWrongIsSaid) {
    const Counts before = world_.counts();
    EXPECT_EQ(ask_rotation("", R"({"confirm":true})").status, 400) << "no field of this face";
    EXPECT_EQ(ask_rotation("?x=1").status, 400);
    EXPECT_EQ(ask(Method::post, "/api/v1/resources/none/rotate").status, 404);
    const std::string reader = world_.key("acme", Role::reader);
    EXPECT_EQ(world_.ask(Method::post, "/api/v1/resources/" + id_ + "/rotate", "", World::bearer(reader)).status,
              403);
    EXPECT_EQ(world_.counts(), before);
}

TEST(NativeRotationOfCaches, IsRefusedWithWhatCanBeRotated) {
    World world;
    const std::string admin = world.key("default", Role::administrator);
    const Reply made = world.ask(Method::post, "/api/v1/resources",
                                 R"({"engine":"redis","plan":"small","name":"c"})", World::bearer(admin));
    ASSERT_EQ(made.status, 202) << made.body;
    world.settle();
    for (const std::string rest : {"", "/confirm"}) {
        const Reply refused =
            world.ask(Method::post, "/api/v1/resources/c/rotate" + rest, "", World::bearer(admin));
        EXPECT_EQ(refused.status, 409) << refused.body;
        EXPECT_THAT(refused.body, HasSubstr("only passwords of databases are rotated: c is a cache (redis)"));
    }
}

}  // namespace
}  // namespace slipway::faces::test
