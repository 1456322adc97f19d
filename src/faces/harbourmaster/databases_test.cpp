#include "faces/harbourmaster/harbourmaster_test_support.h"
#include "faces/harbourmaster/shapes.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(HephyDatabases, TheDocumentsFirstExampleIsAnsweredWithItsSixKeysAndNothingIsKnownYet) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    world.worker.paused = true;
    const Reply made = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_THAT(HephyWorld::text(made, "hephy_db_name"), MatchesRegex("cluster-[0-9]+"));
    EXPECT_EQ(HephyWorld::text(made, "hephy_db_user"), "hephy-" + HephyWorld::text(made, "hephy_db_name"));
    json::object rest = made.json();
    rest.erase("hephy_db_name");
    rest.erase("hephy_db_user");
    EXPECT_EQ(rest, (json::object{{"hephy_db_host", ""},
                                  {"hephy_db_port", ""},
                                  {"hephy_db_password", ""},
                                  {"state", "awaiting_provisioning"}}));
}

TEST(HephyDatabases, AllValuesAreThereOnceItIsReady) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme"), "{}").status, 201);
    world.settle();
    const Reply shown = world.as(key, Method::get, HephyWorld::path("acme"));
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(HephyWorld::text(shown, "state"), "ready");
    EXPECT_EQ(HephyWorld::text(shown, "hephy_instance_name"), "hephy-instance-0000001");
    for (const auto& [name, value] : shown.json()) EXPECT_NE(value, "") << std::string_view(name);
    EXPECT_EQ(shown.header("Cache-Control"), "no-store");
}

TEST(HephyDatabases, ASecondPostIsAnsweredWithTheSameDatabase) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const Reply first = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    world.settle();
    const Counts before = world.counts();
    const Reply second = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    EXPECT_EQ(second.status, 200) << second.body;
    EXPECT_EQ(HephyWorld::text(second, "hephy_db_name"), HephyWorld::text(first, "hephy_db_name"));
    EXPECT_EQ(HephyWorld::text(second, "state"), "ready");
    EXPECT_EQ(world.counts(), before);
}

TEST(HephyDatabases, ADeletedOneStaysToBeSeenAndTheNextPostMakesAnother) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const Reply first = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    world.settle();
    world.worker.paused = true;
    const Reply removed = world.as(key, Method::delete_, HephyWorld::path("acme"));
    ASSERT_EQ(removed.status, 200) << removed.body;
    EXPECT_EQ(HephyWorld::text(removed, "state"), "awaiting_decommissioning");
    EXPECT_NE(HephyWorld::text(removed, "hephy_db_password"), "") << "as the document says";
    world.worker.paused = false;
    world.settle();
    const Reply gone = world.as(key, Method::get, HephyWorld::path("acme"));
    EXPECT_EQ(HephyWorld::text(gone, "state"), "decommissioned");
    EXPECT_EQ(HephyWorld::text(gone, "hephy_db_password"), "");
    EXPECT_EQ(HephyWorld::text(gone, "hephy_instance_name"), "hephy-instance-0000001");
    EXPECT_EQ(world.as(key, Method::delete_, HephyWorld::path("acme")).status, 200) << "a second time";
    const Reply again = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    EXPECT_EQ(again.status, 201) << again.body;
    EXPECT_EQ(HephyWorld::text(again, "hephy_db_name"), HephyWorld::text(first, "hephy_db_name"));
}

TEST(HephyDatabases, AnotherOrganizationIsNotToldThatItExists) {
    HephyWorld world;
    const std::string acme = world.tenant("acme");
    const std::string rival = world.tenant("rival", "lab");
    ASSERT_EQ(world.as(acme, Method::post, HephyWorld::path("acme"), "{}").status, 201);
    const Counts before = world.counts();
    for (const Method method : {Method::get, Method::post, Method::delete_}) {
        const Reply refused = world.as(rival, method, HephyWorld::path("acme"), method == Method::post ? "{}" : "");
        EXPECT_EQ(refused.status, 404) << http::to_string(method) << refused.body;
        const Reply unknown =
            world.as(rival, method, HephyWorld::path("nobody"), method == Method::post ? "{}" : "");
        EXPECT_EQ(refused.body, unknown.body) << "the same words as for what there is not";
    }
    EXPECT_EQ(world.as(acme, Method::get, HephyWorld::path("acme", "other")).status, 404);
    EXPECT_EQ(world.counts(), before);
}

TEST(HephyDatabases, ThePasswordIsShownToTheOwnersKeysAlone) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    world.settle();
    const std::string reader = world.key("acme", Role::reader);
    EXPECT_NE(HephyWorld::text(world.as(key, Method::get, HephyWorld::path("acme")), "hephy_db_password"), "");
    for (const std::string& other : {world.admin, reader}) {
        const Reply shown = world.as(other, Method::get, HephyWorld::path("acme"));
        EXPECT_EQ(shown.status, 200) << shown.body;
        EXPECT_EQ(HephyWorld::text(shown, "hephy_db_password"), "");
    }
    EXPECT_EQ(world.as(reader, Method::delete_, HephyWorld::path("acme")).status, 403);
}

TEST(HephyDatabases, HeadersAreAskedForAfterTheKey) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const std::string path = HephyWorld::path("acme");
    EXPECT_EQ(world.ask(Method::post, path, "{}", {}).status, 401);
    EXPECT_EQ(world.ask(Method::post, path, "{}", {{"Authorization", "wrong"}}).status, 401);
    const Reply unacceptable = world.ask(Method::get, path, "", {{"Authorization", key}, {"Accept", "text/html"}});
    EXPECT_EQ(unacceptable.status, 406);
    EXPECT_THAT(HephyWorld::text(unacceptable, "error"), HasSubstr("Accept: application/json"));
    EXPECT_EQ(world.ask(Method::get, path, "", {{"Authorization", key}}).status, 406) << "the document requires it";
    const Fields untyped{{"Authorization", key}, {"Accept", "*/*"}, {"Content-Length", "2"}};
    EXPECT_EQ(world.ask(Method::post, path, "{}", untyped).status, 415);
    EXPECT_EQ(
        world.ask(Method::post, path, "", {{"Authorization", "Bearer " + key}, {"Accept", "application/*"}}).status,
        201)
        << "a request without a body needs no Content-Type";
}

TEST(HephyDatabases, AnAdministratorMayNameTheInstanceAndOnlyOneThatIsRegistered) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(world.admin, Method::post, "/v1/hephy/instances", R"({"name":"first","user":"eyk-central"})")
                  .status,
              201);
    world.settle();
    const Reply available = world.as(world.admin, Method::get, "/v2/hephy/available");
    ASSERT_EQ(available.status, 200) << available.body;
    EXPECT_EQ(HephyWorld::text(available, "hephy_instance_user"), "eyk-central");
    const Counts before = world.counts();
    const auto post = [&](const std::string& who, const json::object& body) {
        return world.as(who, Method::post, HephyWorld::path("acme"), json::dump(body));
    };
    json::object elsewhere = available.json();
    elsewhere["hephy_instance_host"] = "attacker.example";
    EXPECT_EQ(post(world.admin, elsewhere).status, 422);
    json::object guessed = available.json();
    guessed["hephy_instance_password"] = "guessed";
    EXPECT_EQ(post(world.admin, guessed).status, 422);
    EXPECT_EQ(post(world.admin, {{"hephy_instance_name", "no-such"}}).status, 422);
    EXPECT_EQ(post(world.admin, {{"hephy_instance_host", "attacker.example"}}).status, 422);
    EXPECT_EQ(post(key, available.json()).status, 403) << "only administrators choose";
    EXPECT_EQ(world.counts(), before);
    const Reply made = post(world.admin, available.json());
    EXPECT_EQ(made.status, 201) << made.body;
    world.settle();
    EXPECT_EQ(HephyWorld::text(world.as(key, Method::get, HephyWorld::path("acme")), "hephy_instance_name"),
              "first");
}

// The field was called "server_name", which this API does not have, and the engine had to be said again.
TEST(HephyDatabases, ANamedInstanceSaysTheEngineAndIsCalledAsInTheBody) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world
                  .as(world.admin, Method::post, "/v1/hephy/instances",
                      R"({"name":"maria","user":"hephy","engine":"mysql"})")
                  .status,
              201);
    world.settle();
    const auto post = [&](const std::string& body) {
        return world.as(world.admin, Method::post, HephyWorld::path("acme"), body);
    };
    const Reply other = post(R"({"hephy_instance_name":"maria","engine":"postgres"})");
    EXPECT_EQ(other.status, 422) << other.body;
    EXPECT_EQ(HephyWorld::fields_of(other), (std::set<std::string>{"hephy_instance_name"}));
    EXPECT_THAT(other.body, HasSubstr("names an instance of mysql"));
    world.worker.paused = true;
    ASSERT_EQ(world.as(world.admin, Method::delete_, "/v1/hephy/instances/maria").status, 200);
    const Reply leaving = post(R"({"hephy_instance_name":"maria"})");
    EXPECT_EQ(HephyWorld::fields_of(leaving), (std::set<std::string>{"hephy_instance_name"}));
    EXPECT_THAT(leaving.body, HasSubstr("takes no new databases"));
    world.worker.paused = false;
    world.settle();
    ASSERT_EQ(world
                  .as(world.admin, Method::post, "/v1/hephy/instances",
                      R"({"name":"maria","user":"hephy","engine":"mysql"})")
                  .status,
              201);
    const Reply made = post(R"({"hephy_instance_name":"maria"})");
    EXPECT_EQ(made.status, 201) << made.body;
    world.settle();
    EXPECT_EQ(HephyWorld::text(world.as(key, Method::get, HephyWorld::path("acme")), "hephy_instance_name"),
              "maria");
}

// The first look that found fault ended the search.
TEST(HephyDatabases, EveryFaultIsListedAtOnce) {
    HephyWorld world;
    (void)world.tenant("acme");
    const Reply wrong = world.as(
        world.admin, Method::post, HephyWorld::path("acme"),
        R"({"engine":"oracle","hephy_instance_name":"none","hephy_instance_port":7,"restore_from":"none"})");
    EXPECT_EQ(wrong.status, 422) << wrong.body;
    EXPECT_EQ(HephyWorld::fields_of(wrong),
              (std::set<std::string>{"engine", "hephy_instance_name", "hephy_instance_port", "restore_from"}));
    const Reply twice = world.as(world.admin, Method::post, HephyWorld::path("acme"),
                                 R"({"engine":"mysql","eng\u0069ne":"mysql"})");
    EXPECT_EQ(twice.status, 422) << twice.body;
    EXPECT_EQ(HephyWorld::fields_of(twice), (std::set<std::string>{"engine"})) << "however it is spelt";
}

TEST(HephyDatabases, AWrongBodyIsToldFieldByFieldAndChangesNothing) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const Counts before = world.counts();
    const Reply malformed = world.as(key, Method::post, HephyWorld::path("acme"), "{\"engine\" \"mysql\"}");
    EXPECT_EQ(malformed.status, 400) << malformed.body;
    const Reply list = world.as(key, Method::post, HephyWorld::path("acme"), "[]");
    EXPECT_EQ(list.status, 422) << list.body;
    const Reply wrong =
        world.as(key, Method::post, HephyWorld::path("acme"), R"({"engine":"oracle","hephy_instance_host":7})");
    EXPECT_EQ(wrong.status, 422) << wrong.body;
    EXPECT_EQ(wrong.json().at("details").as_array().size(), 2U) << wrong.body;
    EXPECT_EQ(world.counts(), before);
}

TEST(HephyDatabases, ItsEngineCanBeChosen) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme"), R"({"engine":"mysql","unknown":1})").status,
              201);
    world.settle();
    EXPECT_EQ(HephyWorld::text(world.as(key, Method::get, HephyWorld::path("acme")), "state"), "ready");
    const Reply instance = world.as(world.admin, Method::get, "/v1/hephy/instances/hephy-instance-0000001");
    EXPECT_EQ(HephyWorld::text(instance, "engine"), "mysql");
}

// A plan's name says which kind is meant where an engine is of two.
TEST(HephyDatabases, OneIsMadeThroughTheNativeApiToo) {
    HephyWorld world;
    const auto post = [&](const std::string& body) {
        return world.ask(Method::post, "/api/v1/resources", body, World::bearer(world.admin));
    };
    const Reply made = post(R"({"engine":"postgres","plan":"shared","name":"shopdb"})");
    EXPECT_EQ(made.status, 202) << made.body;
    EXPECT_EQ(post(R"({"engine":"postgres","plan":"none"})").status, 400);
    world.settle();
    const Reply credentials =
        world.ask(Method::get, "/api/v1/resources/shopdb/credentials", "", World::bearer(world.admin));
    ASSERT_EQ(credentials.status, 200) << credentials.body;
    const Reply events = world.ask(Method::get, "/api/v1/resources/shopdb/events", "", World::bearer(world.admin));
    EXPECT_THAT(events.body, HasSubstr("it will live on hephy-instance-0000001, which is made first"));
}

TEST(HephyDatabases, WhereNoInstanceMayBeMadeItIsUnavailableAndSaysWhenToComeBack) {
    HephyWorld world;
    std::vector<Plan> plans = world.catalog.plans();
    for (Plan& plan : plans) {
        if (plan.placement) plan.placement->make_hosts = false;
    }
    world.catalog = Catalog(std::move(plans));
    const std::string key = world.tenant("acme");
    const Reply refused = world.as(key, Method::post, HephyWorld::path("acme"), "{}");
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_NE(refused.header("Retry-After"), "");
}

// It is there under another name until the claim is done: nobody is told where it is before.
TEST(HephyDatabases, OneFromThePoolIsReadyWhenItHasItsNames) {
    ClusterDatabase found;
    found.database.emplace();
    found.database->kind = Kind::database;
    found.database->parameters = {{"database", "cluster-1"}, {"user", "hephy-1"}};
    found.database->handle = {{"user", "oct-1"}};
    found.database->state = resource_state::Ready{Endpoint{"postgres", "h", 5432}, OperationId("op_1")};
    found.operation.emplace();
    found.operation->kind = OperationKind::claim;
    const auto shown = [&] { return database_json(found, Secret("secret"), DatabaseForm::mapping); };
    for (const auto& [state, word] :
         {std::pair<OperationState, std::string>(operation_state::Queued{}, "awaiting_provisioning"),
          std::pair<OperationState, std::string>(operation_state::Running{}, "provisioning"),
          std::pair<OperationState, std::string>(operation_state::Failed{}, "provisioning")}) {
        found.operation->state = state;
        EXPECT_EQ(json::get_string(shown(), "state"), word);
        EXPECT_EQ(json::get_string(shown(), "hephy_db_user"), "hephy-1");
        EXPECT_EQ(json::get_string(shown(), "hephy_db_password"), "");
        EXPECT_EQ(json::get_string(shown(), "hephy_db_host"), "");
    }
    // It was done between the two looks.
    found.operation->state = operation_state::Succeeded{};
    EXPECT_EQ(json::get_string(shown(), "state"), "ready");
    EXPECT_EQ(json::get_string(shown(), "hephy_db_user"), "hephy-1");
    EXPECT_EQ(json::get_string(shown(), "hephy_db_password"), "secret");
    found.operation->kind = OperationKind::repair;
    found.operation->state = operation_state::Running{};
    EXPECT_EQ(json::get_string(shown(), "state"), "ready") << "one that is looked after is in use";
}

}  // namespace
}  // namespace slipway::faces::test
