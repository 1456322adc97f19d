// Making, changing, reading and removing resources through the native face, and what a request would do.
#include <gmock/gmock.h>

#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class NativeResourcesTest : public NativeTest {};

TEST_F(NativeResourcesTest, ACreationIsAcceptedAndSaysWhereToLook) {
    world.worker.paused = true;
    const Reply made = post("/api/v1/resources",
                            R"({"engine":"redis","plan":"small","name":"sessions","labels":{"team":"web"}})", user);
    ASSERT_EQ(made.status, 202) << made.body;
    const json::object resource = member(made, "resource");
    EXPECT_EQ(text(resource, "name"), "sessions");
    EXPECT_EQ(text(resource, "kind"), "cache");
    EXPECT_EQ(text(resource, "billing_code"), "team") << "the organization where nobody says another one";
    EXPECT_EQ(text(resource, "face"), "native");
    EXPECT_EQ(made.header("Location"), "/api/v1/resources/" + text(resource, "id"));
    EXPECT_EQ(made.header("ETag"), "\"1\"");
    const json::object operation = member(made, "operation");
    EXPECT_EQ(text(operation, "kind"), "provision");
    world.worker.paused = false;
    world.settle();
    EXPECT_EQ(text(get("/api/v1/resources/sessions", user).json(), "state"), "ready");
}

TEST_F(NativeResourcesTest, AWaitAnswersHowItIsThen) {
    const json::object ready = make();
    EXPECT_EQ(text(ready, "state"), "ready");
    world.worker.create_error = ProviderError{ErrorClass::permanent, "there is no memory left", "", "", {}};
    const Reply failed = post("/api/v1/resources", R"({"engine":"redis","plan":"small","wait_seconds":60})", user);
    EXPECT_EQ(failed.status, 202);
    EXPECT_EQ(text(member(failed, "operation"), "state"), "failed");
    EXPECT_EQ(text(member(failed, "resource"), "state"), "failed");
    EXPECT_EQ(text(member(failed, "resource"), "reason"), "there is no memory left");
    world.worker.create_error.reset();
    world.worker.paused = true;
    const TimePoint start = world.clock().now();
    const Reply still = post("/api/v1/resources", R"({"engine":"redis","plan":"small","wait_seconds":3})", user);
    EXPECT_EQ(still.status, 202);
    EXPECT_GE(world.clock().now() - start, std::chrono::seconds(3));
}

TEST_F(NativeResourcesTest, AnIdempotencyKeyBringsTheFirstAnswerBack) {
    const Fields keyed = with(user, "Idempotency-Key", "k1");
    const std::string body = R"({"engine":"redis","plan":"small","name":"once"})";
    const Reply first = post("/api/v1/resources", body, keyed);
    const Reply second = post("/api/v1/resources", body, keyed);
    EXPECT_EQ(text(member(second, "resource"), "id"), text(member(first, "resource"), "id"));
    const Reply other = post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"twice"})", keyed);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(text(other.json(), "code"), "idempotency_reuse");
    EXPECT_EQ(world.counts().resources, 1U);
}

TEST_F(NativeResourcesTest, ANameOfAnotherIsAConflict) {
    make(R"("name":"sessions")");
    const Reply taken = post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"sessions"})", user);
    EXPECT_EQ(taken.status, 409);
    EXPECT_THAT(fields_of(taken), ElementsAre("name"));
    EXPECT_EQ(post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"sessions"})", stranger).status,
              202);
}

TEST_F(NativeResourcesTest, AnAdministratorMakesThingsForAnotherOrganization) {
    const Reply made =
        post("/api/v1/resources", R"({"engine":"redis","plan":"small","organization":"team"})", admin);
    ASSERT_EQ(made.status, 202) << made.body;
    EXPECT_EQ(text(member(made, "resource"), "organization"), "team");
    EXPECT_EQ(text(member(made, "resource"), "billing_code"), "team");
    EXPECT_EQ(
        post("/api/v1/resources", R"({"engine":"redis","plan":"small","organization":"nobody"})", admin).status,
        404);
    EXPECT_EQ(
        post("/api/v1/resources", R"({"engine":"redis","plan":"small","organization":"team"})", stranger).status,
        403);
}

TEST_F(NativeResourcesTest, AQuotaIsNamedWhereItRefuses) {
    ASSERT_EQ(put("/api/v1/organizations/team/quotas",
                  R"({"quotas":[{"kind":"cache","engine":"redis","plan":"small","limit":1}]})", admin)
                  .status,
              200);
    make();
    const Reply full = post("/api/v1/resources", R"({"engine":"redis","plan":"small"})", user);
    EXPECT_EQ(full.status, 429);
    EXPECT_THAT(text(full.json(), "error"), HasSubstr("organization team for redis/small"));
    EXPECT_NE(full.header("Retry-After"), "");
}

TEST_F(NativeResourcesTest, LabelsAndNameChangeAtOnce) {
    const std::string id = text(make(R"("labels":{"team":"web","old":"1"})"), "id");
    const Reply changed =
        patch("/api/v1/resources/" + id,
              R"({"name":"sessions","billing_code":"b","labels":{"team":"data","old":null}})", user);
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_TRUE(changed.json().at("operation").is_null());
    const json::object now = get("/api/v1/resources/sessions", user).json();
    EXPECT_EQ(now.at("labels").as_object(), (json::object{{"team", "data"}}));
    EXPECT_EQ(text(now, "billing_code"), "b");
    EXPECT_EQ(text(get("/api/v1/resources/" + text(now, "external_name"), user).json(), "id"), id);
}

TEST_F(NativeResourcesTest, AnotherPlanIsAnOperationThatCanBeWaitedFor) {
    const std::string id = text(make(), "id");
    const Reply waited = patch("/api/v1/resources/" + id, R"({"plan":"large","wait_seconds":60})", user);
    ASSERT_EQ(waited.status, 200) << waited.body;
    EXPECT_EQ(text(member(waited, "operation"), "state"), "succeeded");
    EXPECT_EQ(text(member(waited, "resource"), "plan"), "large");
    world.worker.paused = true;
    EXPECT_EQ(patch("/api/v1/resources/" + id, R"({"plan":"small"})", user).status, 202);
    EXPECT_EQ(patch("/api/v1/resources/" + id, R"({"plan":"medium"})", user).status, 409);
    EXPECT_EQ(patch("/api/v1/resources/" + id, R"({"plan":"open"})", user).status, 400);
}

TEST_F(NativeResourcesTest, IfMatchHoldsTheVersion) {
    const std::string path = "/api/v1/resources/" + text(make(), "id");
    const Reply shown = get(path, user);
    const std::string tag = shown.header("ETag");
    EXPECT_EQ(patch(path, R"({"labels":{"a":"1"}})", with(user, "If-Match", "\"99\"")).status, 412);
    EXPECT_EQ(patch(path, R"({"labels":{"a":"1"}})", with(user, "If-Match", tag)).status, 200);
    const Reply late = patch(path, R"({"labels":{"a":"2"}})", with(user, "If-Match", tag));
    EXPECT_EQ(late.status, 412);
    EXPECT_EQ(text(late.json(), "code"), "precondition_failed");
    EXPECT_EQ(patch(path, R"({"labels":{"a":"3"}})", with(user, "If-Match", "*")).status, 200);
    for (const std::string wrong : {"7", "\"\"", "W/\"7\"", "\"seven\"", "\"-1\"", "\"7\", \"8\""}) {
        const Reply refused = patch(path, R"({"labels":{"a":"4"}})", with(user, "If-Match", wrong));
        EXPECT_EQ(refused.status, 400) << wrong;
        EXPECT_THAT(fields_of(refused), ElementsAre("If-Match"));
    }
}

TEST_F(NativeResourcesTest, CredentialsAreForTheirOrganizationAlone) {
    const json::object made = make();
    const std::string path = "/api/v1/resources/" + text(made, "id") + "/credentials";
    const Reply shown = get(path, user);
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(shown.header("Cache-Control"), "no-store");
    const json::object credentials = shown.json();
    EXPECT_EQ(text(credentials, "password").size(), 32U);
    EXPECT_EQ(text(credentials, "username"), "default");
    EXPECT_EQ(text(credentials, "url"), fmt::format("redis://default:{}@{}:{}", text(credentials, "password"),
                                                    text(credentials, "host"), credentials.at("port").as_int64()));
    EXPECT_EQ(get(path, reader).status, 403);
    EXPECT_EQ(get(path, admin).status, 403) << "not even an administrator of another organization";
    EXPECT_EQ(get(path, stranger).status, 404);
    const json::object open =
        get("/api/v1/resources/" + text(make("", "open"), "id") + "/credentials", user).json();
    EXPECT_TRUE(open.at("password").is_null() && open.at("username").is_null());
    world.worker.paused = true;
    const Reply asked = post("/api/v1/resources", R"({"engine":"redis","plan":"small"})", user);
    EXPECT_EQ(get(asked.header("Location") + "/credentials", user).status, 409) << "there is nothing to reach yet";
}

TEST_F(NativeResourcesTest, ARemovalCanBeWaitedFor) {
    const std::string id = text(make(), "id");
    const Reply removed = drop("/api/v1/resources/" + id + "?wait_seconds=60", user);
    EXPECT_EQ(removed.status, 200);
    EXPECT_EQ(text(removed.json(), "state"), "succeeded");
    EXPECT_EQ(text(get("/api/v1/resources/" + id, user).json(), "state"), "gone") << "by its id it is still told";
    EXPECT_EQ(drop("/api/v1/resources/" + id, user).status, 404);
}

TEST_F(NativeResourcesTest, SelectorsChooseByLabels) {
    make(R"("name":"a","labels":{"env":"prod","zone":"1"})");
    make(R"("name":"b","labels":{"env":"test","zone":"2"})");
    make(R"("name":"c")");
    const auto names = [&](const std::string& selector) {
        std::vector<std::string> found;
        for (const json::value& each : items(get("/api/v1/resources?selector=" + selector, user), "resources")) {
            found.push_back(text(each.as_object(), "name"));
        }
        return found;
    };
    EXPECT_THAT(names("env=prod"), ElementsAre("a"));
    EXPECT_THAT(names("env!=prod"), ElementsAre("b", "c"));
    EXPECT_THAT(names("zone%20in%20(1,2)"), ElementsAre("a", "b"));
    EXPECT_THAT(names("!env"), ElementsAre("c"));
    EXPECT_THAT(names("env,zone%20notin%20(1)"), ElementsAre("b"));
    const Reply wrong = get("/api/v1/resources?selector=env%20near%20prod", user);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(text(wrong.json(), "error"), HasSubstr("at character 5"));
}

TEST_F(NativeResourcesTest, PlansSayWhetherTheyCanBeHad) {
    const json::array plans = items(get("/api/v1/plans?engine=redis&kind=cache", reader), "plans");
    ASSERT_EQ(plans.size(), 5U);
    const json::object small = plans.at(0).as_object();
    EXPECT_EQ(text(small, "name"), "small");
    EXPECT_TRUE(small.at("available").as_bool());
    EXPECT_EQ(small.at("price").as_object(), (json::object{{"currency", "EUR"}, {"per_hour", 0.012}}));
    world.directory.available = false;
    const json::object without = items(get("/api/v1/plans", reader), "plans").at(0).as_object();
    EXPECT_FALSE(without.at("available").as_bool());
    EXPECT_THAT(text(without, "reason"), HasSubstr("scripts/setup"));
    EXPECT_THAT(items(get("/api/v1/plans?engine=postgres", reader), "plans"), IsEmpty());
}

TEST_F(NativeResourcesTest, MeIsWhoseKeyItIs) {
    const json::object me = get("/api/v1/me", reader).json();
    EXPECT_EQ(text(me, "organization"), "team");
    EXPECT_EQ(text(me, "role"), "reader");
    EXPECT_TRUE(text(me, "actor").starts_with("key_"));
}

class NativePreviewTest : public NativeTest {
  protected:
    Reply preview(const std::string& body, const Fields& as) {
        const Counts before = world.counts();
        Reply reply = post("/api/v1/plan", body, as);
        EXPECT_EQ(world.counts(), before) << "a dry run changes nothing";
        return reply;
    }
};

TEST_F(NativePreviewTest, EveryVerbTellsWhatItWouldDo) {
    const std::string id = text(make(), "id");
    const json::object creation =
        preview(R"({"verb":"create","request":{"engine":"redis","plan":"small","wait_seconds":5}})", user).json();
    EXPECT_TRUE(creation.at("allowed").as_bool());
    EXPECT_EQ(creation.at("steps").as_array().size(), 2U);
    EXPECT_EQ(creation.at("expected_seconds").as_object().at("samples").as_int64(), 1);
    EXPECT_EQ(creation.at("quotas").as_array().at(0).as_object().at("after").as_int64(), 2);
    const json::object change =
        preview(fmt::format(R"({{"verb":"update","resource":"{}","request":{{"plan":"large"}}}})", id), user)
            .json();
    EXPECT_TRUE(change.at("allowed").as_bool());
    EXPECT_EQ(text(change.at("steps").as_array().at(0).as_object(), "kind"), "change");
    const json::object removal = preview(fmt::format(R"({{"verb":"delete","resource":"{}"}})", id), user).json();
    EXPECT_TRUE(removal.at("allowed").as_bool());
    EXPECT_TRUE(removal.at("price").as_object().at("after").is_null());
}

TEST_F(NativePreviewTest, WhatWouldBeRefusedIsAnAnswer) {
    const json::object unknown =
        preview(R"({"verb":"create","request":{"engine":"redis","plan":"huge","bogus":1}})", user).json();
    EXPECT_FALSE(unknown.at("allowed").as_bool());
    EXPECT_EQ(text(unknown, "code"), "invalid_argument");
    EXPECT_THAT(text(unknown, "error"), HasSubstr("bogus is unknown"));
    const json::object reading =
        preview(R"({"verb":"create","request":{"engine":"redis","plan":"small"}})", reader).json();
    EXPECT_FALSE(reading.at("allowed").as_bool());
    EXPECT_EQ(text(reading, "code"), "forbidden");
}

TEST_F(NativePreviewTest, WhatIsNoDryRunIsRefused) {
    for (const auto& [body, field] :
         {std::pair(R"({})", "verb"), std::pair(R"({"verb":"destroy"})", "verb"),
          std::pair(R"({"verb":"create"})", "request"), std::pair(R"({"verb":"create","request":7})", "request"),
          std::pair(R"({"verb":"create","request":{},"resource":"x"})", "resource"),
          std::pair(R"({"verb":"update","request":{}})", "resource"),
          std::pair(R"({"verb":"delete","resource":"x","request":{}})", "request"),
          std::pair(R"({"verb":"delete","resource":"x","bogus":1})", "bogus")}) {
        const Reply refused = preview(body, user);
        EXPECT_EQ(refused.status, 400) << body;
        EXPECT_THAT(fields_of(refused), ElementsAre(field)) << body;
    }
    EXPECT_EQ(preview(R"({"verb":"delete","resource":"nothing"})", user).status, 404);
}

Catalog with_pool() {
    Plan plan;
    plan.engine = "redis";
    plan.name = "small";
    plan.title = "Small";
    plan.provider = "local";
    plan.pool = 1;
    return Catalog({plan});
}

class NativePoolTest : public NativeTest {
  protected:
    NativePoolTest() : NativeTest(with_pool()) {}
    void fill() {
        ProvisionDraftRequest wanted;
        wanted.plan = world.catalog.find(Kind::cache, "redis", "small");
        wanted.traits = *world.directory.traits("local", Kind::cache, "redis");
        wanted.organization = OrganizationId(kSystemOrganization);
        wanted.face = "pool";
        wanted.billing_code = kPoolBillingCode;
        wanted.name_prefix = "oct";
        wanted.pooled = true;
        wanted.time_limit = std::chrono::minutes(15);
        SeededRandom random(3);
        Commit commit = accept(draft_provision(wanted, world.clock().now(), random, world.sealer));
        EXPECT_TRUE(world.run(world.store.commit(std::move(commit))));
        world.settle();
    }
};

TEST_F(NativePoolTest, AClaimIsReadyAtOnce) {
    fill();
    EXPECT_EQ(items(get("/api/v1/plans", user), "plans").at(0).as_object().at("pool").as_object().at("ready"), 1);
    const Reply dry =
        post("/api/v1/plan", R"({"verb":"create","request":{"engine":"redis","plan":"small"}})", user);
    EXPECT_TRUE(dry.json().at("from_pool").as_bool());
    EXPECT_TRUE(dry.json().at("steps").as_array().empty());
    const Reply made = post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"mine"})", user);
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_TRUE(made.json().at("operation").is_null());
    EXPECT_EQ(text(member(made, "resource"), "name"), "mine");
}

}  // namespace
}  // namespace slipway::faces::test
