// Keys, organizations, quotas, usage, webhooks and orphans through the native face.
#include <gmock/gmock.h>

#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class NativeKeysTest : public NativeTest {};

TEST_F(NativeKeysTest, AKeyIsShownOnceAndWorksUntilItIsRevoked) {
    const Reply made = post("/api/v1/keys", R"({"role":"reader","description":"for the screen"})", user);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.header("Cache-Control"), "no-store");
    const json::object record = made.json();
    const std::string path = "/api/v1/keys/" + text(record, "id");
    EXPECT_EQ(made.header("Location"), path);
    const Fields as_it = World::bearer(text(record, "key"));
    EXPECT_EQ(text(get("/api/v1/me", as_it).json(), "actor"), text(record, "id"));
    for (const std::string& place : {path, std::string("/api/v1/keys")}) {
        EXPECT_THAT(get(place, user).body, Not(HasSubstr(text(record, "key"))));
        EXPECT_THAT(get(place, user).body, HasSubstr("for the screen"));
        EXPECT_EQ(get(place, user).body.find("hash"), std::string::npos);
    }
    EXPECT_EQ(drop(path, stranger).status, 404);
    EXPECT_EQ(drop(path, reader).status, 403);
    EXPECT_EQ(drop(path, user).status, 204);
    EXPECT_EQ(drop(path, user).status, 204);
    EXPECT_EQ(get("/api/v1/me", as_it).status, 401);
    EXPECT_FALSE(get(path, user).json().at("revoked_at").is_null());
}

TEST_F(NativeKeysTest, AKeyEndsWhenItSaid) {
    const json::object record = post("/api/v1/keys", R"({"role":"user","expires_in_seconds":60})", user).json();
    EXPECT_EQ(text(record, "expires_at"), format_time(world.clock().now() + std::chrono::seconds(60)));
    const Fields as_it = World::bearer(text(record, "key"));
    EXPECT_EQ(get("/api/v1/me", as_it).status, 200);
    world.manual.advance(std::chrono::seconds(60));
    EXPECT_EQ(get("/api/v1/me", as_it).status, 401);
}

TEST_F(NativeKeysTest, ARepeatedRequestIsAnsweredTheSame) {
    const Fields keyed = with(user, "Idempotency-Key", "k");
    const Reply first = post("/api/v1/keys", R"({"role":"user"})", keyed);
    EXPECT_EQ(post("/api/v1/keys", R"({"role":"user"})", keyed).body, first.body);
    EXPECT_EQ(post("/api/v1/keys", R"({"role":"reader"})", keyed).status, 422);
    const Fields for_hooks = with(user, "Idempotency-Key", "h");
    const std::string hook = R"({"url":"https://example.org/x"})";
    EXPECT_EQ(post("/api/v1/webhooks", hook, for_hooks).body, post("/api/v1/webhooks", hook, for_hooks).body);
    const Fields for_others = with(admin, "Idempotency-Key", "o");
    EXPECT_EQ(post("/api/v1/organizations", R"({"id":"acme"})", for_others).status, 201);
    EXPECT_EQ(post("/api/v1/organizations", R"({"id":"acme"})", for_others).status, 201);
    EXPECT_EQ(post("/api/v1/organizations", R"({"id":"acme"})", admin).status, 409);
}

TEST_F(NativeKeysTest, TheLastAdministratorStays) {
    const std::string id = text(get("/api/v1/me", admin).json(), "actor");
    const Reply refused = drop("/api/v1/keys/" + id, admin);
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(text(refused.json(), "error"), HasSubstr("the last key of an administrator"));
    EXPECT_EQ(post("/api/v1/keys", R"({"role":"administrator"})", user).status, 403);
    EXPECT_EQ(post("/api/v1/keys", R"({"role":"administrator"})", admin).status, 201);
    EXPECT_EQ(drop("/api/v1/keys/" + id, admin).status, 204);
}

class NativeOrganizationsTest : public NativeTest {};

TEST_F(NativeOrganizationsTest, OnesOwnWithWhatItHasAndMayHave) {
    make();
    ASSERT_EQ(put("/api/v1/organizations/team/quotas",
                  R"({"quotas":[{"limit":7},{"kind":"cache","engine":"redis","plan":"large","limit":0}]})", admin)
                  .status,
              200);
    const json::object team = get("/api/v1/organizations/team", reader).json();
    EXPECT_EQ(team.at("live").as_array().at(0).as_object().at("live").as_int64(), 1);
    const json::array quotas = items(get("/api/v1/organizations/team/quotas", reader), "quotas");
    ASSERT_EQ(quotas.size(), 2U);
    EXPECT_TRUE(quotas.at(0).as_object().at("kind").is_null());
    EXPECT_EQ(quotas.at(0).as_object().at("limit").as_int64(), 7);
    EXPECT_EQ(quotas.at(0).as_object().at("used").as_int64(), 1);
    EXPECT_THAT(items(get("/api/v1/organizations", user), "organizations"), SizeIs(1));
    EXPECT_THAT(items(get("/api/v1/organizations", admin), "organizations"), SizeIs(3));
    EXPECT_EQ(get("/api/v1/organizations/other", user).status, 404);
    EXPECT_EQ(put("/api/v1/organizations/team/quotas", R"({"quotas":[]})", user).status, 403);
    EXPECT_THAT(items(put("/api/v1/organizations/team/quotas", R"({"quotas":[]})", admin), "quotas"), IsEmpty());
}

TEST_F(NativeOrganizationsTest, OneThatHasNothingIsDeletedForGood) {
    ASSERT_EQ(post("/api/v1/organizations", R"({"id":"acme"})", admin).status, 201);
    const json::object key = post("/api/v1/keys", R"({"role":"user","organization":"acme"})", admin).json();
    const Fields as_it = World::bearer(text(key, "key"));
    const std::string path = "/api/v1/organizations/acme";
    EXPECT_TRUE(get(path, as_it).json().at("deleted_at").is_null());
    const Reply made = post("/api/v1/resources", R"({"engine":"redis","plan":"small","wait_seconds":60})", as_it);
    ASSERT_EQ(made.status, 201) << made.body;

    EXPECT_EQ(drop(path, user).status, 403);
    const Reply refused = drop(path, admin);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(text(refused.json(), "error"), "resources must be removed first: 1");
    EXPECT_THAT(fields_of(refused), ElementsAre("resources"));
    const std::string resource = "/api/v1/resources/" + text(member(made, "resource"), "id");
    EXPECT_EQ(drop(resource + "?wait_seconds=60", as_it).status, 200);

    const Reply deleted = drop(path, admin);
    EXPECT_EQ(deleted.status, 200) << deleted.body;
    EXPECT_EQ(text(deleted.json(), "deleted_at"), format_time(world.clock().now()));
    EXPECT_EQ(drop(path, admin).body, deleted.body);
    EXPECT_EQ(get("/api/v1/me", as_it).status, 401);
    EXPECT_EQ(get(path, user).status, 404);
    EXPECT_EQ(drop("/api/v1/organizations/default", admin).status, 409);
    EXPECT_EQ(drop("/api/v1/organizations/nobody", admin).status, 404);
    EXPECT_EQ(drop(path + "?x=1", admin).status, 400);
    EXPECT_THAT(text(post("/api/v1/organizations", R"({"id":"acme"})", admin).json(), "error"),
                HasSubstr("was used before"));
    EXPECT_EQ(post("/api/v1/keys", R"({"role":"user","organization":"acme"})", admin).status, 404);
    EXPECT_THAT(items(get("/api/v1/events?organization=acme&limit=1000", admin), "events"), Not(IsEmpty()));
}

TEST_F(NativeOrganizationsTest, WrongQuotasAreAllNamed) {
    const Reply refused = put(
        "/api/v1/organizations/team/quotas",
        R"({"quotas":[{"limit":-1},{"kind":"cache","limit":1},{"limit":1,"bogus":2},7,{"kind":"x","engine":"e","plan":"p","limit":1}]})",
        admin);
    EXPECT_EQ(refused.status, 400);
    EXPECT_THAT(fields_of(refused),
                ElementsAre("quotas[0].limit", "quotas[1].plan", "quotas[2].bogus", "quotas[3]", "quotas[4].kind"));
    EXPECT_EQ(put("/api/v1/organizations/team/quotas", R"({"quotas":{}})", admin).status, 400);
    EXPECT_EQ(put("/api/v1/organizations/team/quotas",
                  R"({"quotas":[{"kind":"cache","engine":"redis","plan":"huge","limit":1}]})", admin)
                  .status,
              400);
}

// Two organizations may have chosen the same billing code, and each pays its own.
TEST_F(NativeOrganizationsTest, TotalsOfUsageAreOfOneOrganizationEach) {
    make(R"("billing_code":"b")");
    const std::string same = R"({"engine":"redis","plan":"small","billing_code":"b","wait_seconds":60})";
    ASSERT_EQ(post("/api/v1/resources", same, stranger).status, 201);
    world.manual.advance(std::chrono::hours(2));
    const auto totals = items(get("/api/v1/usage", admin), "totals");
    ASSERT_EQ(totals.size(), 2U);
    EXPECT_EQ(text(totals.at(0).as_object(), "organization"), "other");
    EXPECT_EQ(text(totals.at(1).as_object(), "organization"), "team");
    for (const auto& total : totals) EXPECT_EQ(text(total.as_object(), "billing_code"), "b");
}

TEST_F(NativeOrganizationsTest, UsageIsHoursAndMoneyByBillingCode) {
    make(R"("billing_code":"b")");
    world.manual.advance(std::chrono::hours(2));
    const json::object usage = get("/api/v1/usage", user).json();
    const json::object line = usage.at("usage").as_array().at(0).as_object();
    EXPECT_EQ(text(line, "billing_code"), "b");
    EXPECT_NEAR(line.at("hours").to_number<double>(), 2.0, 0.01);
    const json::object total = usage.at("totals").as_array().at(0).as_object();
    EXPECT_NEAR(total.at("costs").as_array().at(0).as_object().at("amount").to_number<double>(), 0.024, 0.0001);
    EXPECT_EQ(text(usage, "from"), "2016-05-01T00:00:00.000Z") << "this month";
    EXPECT_THAT(get("/api/v1/usage", stranger).json().at("usage").as_array(), IsEmpty());
    EXPECT_THAT(items(get("/api/v1/usage?billing_code=x", user), "usage"), IsEmpty());
    EXPECT_EQ(get("/api/v1/usage?organization=team", stranger).status, 403);
    const Reply wrong = get("/api/v1/usage?from=yesterday&to=2016-13-01T00:00:00Z", user);
    EXPECT_THAT(fields_of(wrong), ElementsAre("to", "from"));
    EXPECT_EQ(get("/api/v1/usage?from=2016-05-02T00:00:00Z&to=2016-05-01T00:00:00Z", user).status, 400);
    EXPECT_EQ(get("/api/v1/usage?from=2014-05-02T00:00:00Z&to=2016-05-01T00:00:00Z", user).status, 400);
    EXPECT_EQ(get("/api/v1/usage?from=2016-05-02T02:00:00%2B02:00&to=2016-05-03T00:00:00.5Z", user).status, 200);
}

class NativeWebhooksTest : public NativeTest {};

TEST_F(NativeWebhooksTest, AWebhookShowsItsSecretOnce) {
    const Reply made = post("/api/v1/webhooks", R"({"url":"https://example.org/x","types":["resource."]})", user);
    ASSERT_EQ(made.status, 201) << made.body;
    const json::object record = made.json();
    EXPECT_TRUE(text(record, "secret").starts_with("whsec_"));
    EXPECT_EQ(text(record, "organization"), "team");
    const std::string path = made.header("Location");
    for (const std::string& place : {path, std::string("/api/v1/webhooks")}) {
        EXPECT_THAT(get(place, reader).body, Not(HasSubstr("secret")));
        EXPECT_THAT(get(place, reader).body, HasSubstr("https://example.org/x"));
    }
    EXPECT_EQ(get(path, stranger).status, 404);
    const Reply off = patch(path, R"({"enabled":false,"types":[]})", user);
    EXPECT_FALSE(off.json().at("enabled").as_bool());
    EXPECT_THAT(off.json().at("types").as_array(), IsEmpty());
    EXPECT_EQ(patch(path, R"({"url":"https://user:pw@example.org/"})", user).status, 400);
    EXPECT_EQ(patch(path, R"({"enabled":1})", user).status, 400);
    EXPECT_EQ(patch(path, R"({"enabled":true})", reader).status, 403);
    EXPECT_EQ(drop(path, stranger).status, 404);
    EXPECT_EQ(drop(path, user).status, 204);
    EXPECT_EQ(get(path, user).status, 404);
}

TEST_F(NativeWebhooksTest, EventsOfEveryOrganizationAreForAdministrators) {
    EXPECT_EQ(post("/api/v1/webhooks", R"({"url":"https://example.org/x","organization":"*"})", user).status, 403);
    const Reply made = post("/api/v1/webhooks", R"({"url":"https://example.org/x","organization":"*"})", admin);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(text(made.json(), "organization"), "*");
    EXPECT_THAT(items(get("/api/v1/webhooks?organization=*", admin), "webhooks"), SizeIs(1));
    EXPECT_THAT(items(get("/api/v1/webhooks", user), "webhooks"), IsEmpty());
}

TEST_F(NativeWebhooksTest, ATestIsPostedByWhomItIsWiredTo) {
    WebhookId asked;
    world.ports.test_webhook = [&](WebhookId id) -> Task<Result<Delivery>> {
        asked = id;
        co_return Delivery{true, 204, ""};
    };
    const std::string path =
        post("/api/v1/webhooks", R"({"url":"https://example.org/x"})", user).header("Location");
    const Reply posted = post(path + "/test", "", user);
    EXPECT_EQ(posted.body, R"({"delivered":true,"error":null,"status":204})");
    EXPECT_EQ("/api/v1/webhooks/" + asked.str(), path);
    EXPECT_EQ(post(path + "/test", "", reader).status, 403);
    EXPECT_EQ(post(path + "/test", "", stranger).status, 404);
    EXPECT_EQ(post(path + "/test", R"({"x":1})", user).status, 400);
}

class NativeOrphansTest : public NativeTest {};

TEST_F(NativeOrphansTest, ALostThingIsTakenOver) {
    lost();
    const Reply alone = post("/api/v1/orphans/local/oct-0badcafe/adopt", R"({"plan":"small","server":"x"})", admin);
    EXPECT_EQ(alone.status, 400) << "a plan without shared servers";
    EXPECT_THAT(alone.body, HasSubstr("server"));
    const Reply adopted = post("/api/v1/orphans/local/oct-0badcafe/adopt",
                               R"({"plan":"small","organization":"team","name":"found","wait_seconds":60})", admin);
    ASSERT_EQ(adopted.status, 200) << adopted.body;
    EXPECT_EQ(text(member(adopted, "operation"), "state"), "succeeded");
    const json::object resource = member(adopted, "resource");
    EXPECT_EQ(text(resource, "state"), "ready");
    EXPECT_EQ(text(resource, "id"), "res_lost");
    EXPECT_EQ(text(get("/api/v1/resources/found/credentials", user).json(), "password").size(), 32U);
    EXPECT_EQ(post("/api/v1/orphans/local/oct-0badcafe/adopt", R"({"plan":"small"})", admin).status, 404);
}

TEST_F(NativeOrphansTest, OnlyAdministratorsTouchThem) {
    lost("foreign");
    serve_ports();
    for (const Fields& as : {user, reader, stranger}) {
        EXPECT_EQ(post("/api/v1/orphans/local/oct-0badcafe/adopt", R"({"plan":"small"})", as).status, 403);
        EXPECT_EQ(drop("/api/v1/orphans/local/oct-0badcafe", as).status, 403);
        EXPECT_EQ(get("/api/v1/orphans", as).status, 403);
    }
    EXPECT_EQ(post("/api/v1/orphans/local/oct-0badcafe/adopt", R"({"plan":"small"})", admin).status, 409);
    EXPECT_EQ(post("/api/v1/orphans/local/oct-0badcafe/adopt", R"({"plan":"huge"})", admin).status, 400);
    EXPECT_TRUE(drop("/api/v1/orphans/local/oct-0badcafe", admin).json().at("removed").as_bool());
    EXPECT_EQ(drop("/api/v1/orphans/local/oct-00000000", admin).status, 404);
}

TEST(NativeDescriptionTest, ItIsReadWithoutAKey) {
    World world;
    const Reply native = world.ask(Method::get, "/api/v1/openapi.yaml");
    EXPECT_EQ(native.status, 200);
    EXPECT_EQ(native.content_type, "application/yaml; charset=UTF-8");
    EXPECT_THAT(native.body, testing::StartsWith("openapi: 3.1.0\n"));
    EXPECT_THAT(native.body, HasSubstr("/api/v1/orphans/{provider}/{name}/adopt:"));
    EXPECT_THAT(world.ask(Method::get, "/api/v1/openapi/redis.yaml").body, HasSubstr("/v1/redis/plans:"));
    EXPECT_EQ(world.ask(Method::get, "/api/v1/openapi/memcached.yaml").status, 200);
}

}  // namespace
}  // namespace slipway::faces::test
