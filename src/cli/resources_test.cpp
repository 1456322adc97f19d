// Making, changing, planning and removing, against recorded answers of the API (docs/api-native.md).
#include "cli/cli_test_support.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kResource =
    R"({"id":"res_1","name":"cache1","kind":"cache","engine":"redis","plan":"small","provider":"local",)"
    R"("external_name":"oct-00000001","generation":1,"organization":"default","face":"native","billing_code":"gwp",)"
    R"("labels":{"env":"prod"},"pooled":false,"host":"host_1","state":"STATE","operation":null,)"
    R"("endpoint":{"scheme":"redis","host":"cache1.localhost","port":20000},)"
    R"("health":{"status":"healthy","at":"2026-11-22T22:00:00.000Z","detail":null},"reason":null,"gone_at":null,)"
    R"("remnants":[],"created_at":"2026-11-22T22:00:00.000Z","updated_at":"2026-11-22T22:00:00.000Z","version":3})";

std::string resource(const std::string& state = "ready") {
    std::string text(kResource);
    return text.replace(text.find("STATE"), 5, state);
}
std::string step_of(const std::string& state, const std::string& reason = "null") {
    return fmt::format(R"({{"id":"op_1","kind":"provision","state":"{}","reason":{},"progress":)"
                       R"({{"done":0,"total":2,"sentence":"creating it"}}}})",
                       state, reason);
}
std::string made(const std::string& state, const std::string& operation) {
    return fmt::format(R"({{"resource":{},"operation":{}}})", resource(state), operation);
}

using ResourcesTest = CliTest;

TEST_F(ResourcesTest, CreatingWaitsAndSaysHowToConnect) {
    answer(202, made("requested", step_of("queued")));
    answer(200, step_of("running"));
    answer(200, step_of("succeeded"));
    answer(200, resource());
    EXPECT_EQ(run({"create", "redis", "small", "--name", "cache1", "--billing-code", "gwp", "--label", "env=prod",
                   "--label", "note=a=b", "--organization", "acme"}),
              0)
        << err.str();
    EXPECT_EQ(asked(),
              (std::vector<std::string>{"POST /api/v1/resources", "GET /api/v1/operations/op_1?wait=0",
                                        "GET /api/v1/operations/op_1?wait=2", "GET /api/v1/resources/res_1"}));
    EXPECT_EQ(calls[0].body,
              R"({"billing_code":"gwp","engine":"redis","labels":{"env":"prod","note":"a=b"},"name":"cache1",)"
              R"("organization":"acme","plan":"small"})");
    EXPECT_EQ(field(0, "Idempotency-Key"), "key-1");
    EXPECT_EQ(err.str(), "cache1: step 1 of 2: creating it\n");
    EXPECT_EQ(out.str(), "cache1 is made and ready\nits URL, with the password: slipway url cache1\n");
}

TEST_F(ResourcesTest, WhatIsReadyAtOnceIsNotWaitedFor) {
    answer(201, made("ready", "null"));
    EXPECT_EQ(run({"create", "redis", "small"}), 0);
    EXPECT_EQ(calls.size(), 1U);
    answer(201, made("ready", step_of("succeeded")));
    EXPECT_EQ(run({"create", "redis", "small", "-o", "name"}), 0);
    EXPECT_EQ(out.str(), "cache1\n") << "for NAME=$(slipway create ...)";
    answer(202, made("requested", step_of("queued")));
    EXPECT_EQ(run({"create", "redis", "small", "--no-wait"}), 0);
    EXPECT_EQ(out.str(), "cache1 is being worked on: op_1\n");
    answer(202, made("requested", step_of("queued")));
    EXPECT_EQ(run({"create", "redis", "small", "--no-wait", "--json"}), 0);
    EXPECT_TRUE(json::parse(out.str())->as_object().at("operation").is_object()) << out.str();
}

// A lost answer: the server may have accepted, and must not make two.
TEST_F(ResourcesTest, ALostAnswerIsAskedForAgainWithTheSameKey) {
    answers.emplace_back(fail(ErrorCode::unavailable, "reading the answer failed"));
    answer(201, made("ready", "null"));
    EXPECT_EQ(run({"create", "redis", "small"}), 0) << err.str();
    EXPECT_EQ(field(0, "Idempotency-Key"), field(1, "Idempotency-Key"));
    EXPECT_EQ(calls[0].body, calls[1].body);
    for (int i = 0; i < 3; ++i) nobody();
    EXPECT_EQ(run({"create", "redis", "small"}), 5);
    EXPECT_EQ(calls.size(), 5U) << "not for ever";
}

TEST_F(ResourcesTest, AFailedCreationSaysWhyAndWhereMoreStands) {
    answer(202, made("requested", step_of("queued")));
    answer(200, step_of("failed", R"("out of memory")"));
    answer(200, resource("failed"));
    EXPECT_EQ(run({"create", "redis", "small", "-q"}), 1);
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(err.str(), "slipway: cache1 failed: out of memory\n  fix: `slipway why res_1` tells what happened\n");
    answer(422, R"({"error":"plan must be one of small, large","code":"invalid_argument",)"
                R"("problems":[{"field":"plan","problem":"must be one of small, large"}]})");
    EXPECT_EQ(run({"create", "redis", "huge"}), 1);
    EXPECT_EQ(err.str(), "slipway: plan must be one of small, large\n");
}

TEST_F(ResourcesTest, WhoeverInterruptsACreationKeepsTheRequest) {
    interrupt_at = 2;
    answer(202, made("requested", step_of("queued")));
    EXPECT_EQ(run({"create", "redis", "small"}), 130);
    EXPECT_NE(err.str().find("the request is kept, and cache1 goes on"), std::string::npos) << err.str();
    EXPECT_NE(err.str().find("`slipway cancel op_1` stops and undoes it"), std::string::npos) << err.str();
    interrupt_at = 3;
    EXPECT_EQ(run({"create", "redis", "small"}), 130);
    EXPECT_NE(err.str().find("it may have accepted the request"), std::string::npos) << err.str();
    EXPECT_EQ(calls.size(), 3U) << "an interrupted request is not tried again";
}

TEST_F(ResourcesTest, TheUrlIsPrintedAlone) {
    answer(200, R"({"url":"redis://u:p@cache1.localhost:20000","scheme":"redis","password":"p"})");
    EXPECT_EQ(run({"url", "cache1"}), 0);
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/resources/cache1/credentials"});
    EXPECT_EQ(out.str(), "redis://u:p@cache1.localhost:20000\n");
    EXPECT_EQ(err.str(), "");
    answer(409, R"({"error":"cache1 has no endpoint yet","code":"conflict","problems":[]})");
    EXPECT_EQ(run({"url", "cache1"}), 1);
    EXPECT_EQ(out.str(), "");
    EXPECT_NE(err.str().find("fix: `slipway wait cache1`"), std::string::npos) << err.str();
}

TEST_F(ResourcesTest, ChangesAreNamedOneByOne) {
    answer(200, made("ready", "null"));
    EXPECT_EQ(run({"update", "cache1", "--rename", "cache2", "--billing-code", "", "--label", "a=1", "--unlabel",
                   "b", "--if-version", "3"}),
              0)
        << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"PATCH /api/v1/resources/cache1"});
    EXPECT_EQ(calls[0].body, R"({"billing_code":"","labels":{"a":"1","b":null},"name":"cache2"})");
    EXPECT_EQ(field(0, "If-Match"), "\"3\"");
    EXPECT_EQ(out.str(), "cache1 is changed and ready\nits URL, with the password: slipway url cache1\n");
    answer(412, R"({"error":"its version is 4"})");
    EXPECT_EQ(run({"update", "cache1", "--plan", "large", "--if-version", "3"}), 1);
    EXPECT_NE(err.str().find("fix: look at it with `slipway show`"), std::string::npos) << err.str();
    answer(202, made("updating", step_of("queued")));
    answer(200, step_of("cancelled", R"("not wanted")"));
    answer(200, resource());
    EXPECT_EQ(run({"update", "cache1", "--plan", "large", "-q"}), 1);
    EXPECT_NE(err.str().find("cache1 cancelled: not wanted"), std::string::npos) << err.str();
}

// As it was given: the server reads it, and says what is wrong with it.
TEST_F(ResourcesTest, ALifetimeIsPassedOnAndItsEndIsTold) {
    const std::string lasting = [] {
        std::string text = resource();
        text.insert(1, R"("expires_at":"2026-11-22T22:00:00.000Z",)");
        return text;
    }();
    const std::string changed = R"({"resource":)" + lasting + R"(,"operation":null})";
    answer(201, changed);
    EXPECT_EQ(run({"create", "redis", "small", "--expires-in", "2h"}), 0) << err.str();
    EXPECT_EQ(calls[0].body, R"({"engine":"redis","expires_in":"2h","plan":"small"})");
    EXPECT_EQ(out.str(),
              "cache1 is made and ready\nit ends at 2026-11-22T22:00:00.000Z\n"
              "its URL, with the password: slipway url cache1\n");
    answer(200, changed);
    EXPECT_EQ(run({"update", "cache1", "--expires-in", "never"}), 0) << err.str();
    EXPECT_EQ(calls[1].body, R"({"expires_in":"never"})");
    answer(422, R"({"error":"expires_in must be at most 1d: the plan lab allows no more",)"
                R"("code":"invalid_argument","problems":[{"field":"expires_in",)"
                R"("problem":"must be at most 1d: the plan lab allows no more"}]})");
    EXPECT_EQ(run({"update", "cache1", "--expires-in", "25h"}), 1);
    EXPECT_EQ(err.str(), "slipway: expires_in must be at most 1d: the plan lab allows no more\n");
    EXPECT_EQ(run({"update", "cache1"}), 2);
    EXPECT_NE(err.str().find("--unlabel or --expires-in"), std::string::npos) << err.str();
    answer(200, lasting);
    EXPECT_EQ(run({"show", "cache1"}), 0);
    EXPECT_NE(out.str().find("ends"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("2026-11-22T22:00:00.000Z"), std::string::npos) << out.str();
}

TEST_F(ResourcesTest, APasswordIsRotatedAndThenConfirmed) {
    answer(202, made("updating", step_of("queued")));
    answer(200, step_of("succeeded"));
    answer(200, resource());
    EXPECT_EQ(run({"rotate", "cache1", "-q"}), 0) << err.str();
    EXPECT_EQ(asked().at(0), "POST /api/v1/resources/cache1/rotate");
    EXPECT_EQ(calls[0].body, "");
    EXPECT_EQ(out.str(), "cache1 is rotated and ready\nits URL, with the password: slipway url cache1\n");
    answer(200, made("ready", "null"));
    EXPECT_EQ(run({"rotate", "cache1", "--confirm"}), 0) << err.str();
    EXPECT_EQ(asked().back(), "POST /api/v1/resources/cache1/rotate/confirm");
    EXPECT_EQ(out.str(), "cache1 is confirmed and ready\nits URL, with the password: slipway url cache1\n");
    answer(409, R"({"error":"the last rotation is not confirmed","code":"conflict","problems":[]})");
    EXPECT_EQ(run({"rotate", "cache1"}), 1);
    EXPECT_NE(err.str().find("the last rotation is not confirmed"), std::string::npos) << err.str();
}

TEST_F(ResourcesTest, ListingsTakeEveryFilterAndForm) {
    answer(200, R"({"organization":"default","role":"administrator","actor":"key_1"})");
    answer(200, fmt::format(R"({{"next":null,"resources":[{}]}})", resource()));
    EXPECT_EQ(run({"ls", "-A", "--provider", "local", "-l", "zone in (a,b),!old", "--pooled", "--label", "empty="}),
              0)
        << err.str();
    EXPECT_EQ(asked().back(),
              "GET /api/v1/resources?provider=local&selector=zone%20in%20%28a%2Cb%29%2C%21old"
              "&pooled=true&label.empty=&limit=1000");
    EXPECT_NE(out.str().find("NAME    ORGANIZATION  KIND"), std::string::npos) << out.str();
    answer(200, R"({"organization":"acme","role":"user","actor":"key_1"})");
    EXPECT_EQ(run({"ls", "--all-organizations"}), 4) << "a listing that is not whole must not look so";
    EXPECT_NE(err.str().find("(acme)"), std::string::npos) << err.str();
    answer(200, fmt::format(R"({{"next":null,"resources":[{}]}})", resource()));
    EXPECT_EQ(run({"ls", "-o", "wide", "--organization", "acme"}), 0);
    EXPECT_NE(out.str().find("res_1"), std::string::npos);
    EXPECT_NE(out.str().find("env=prod"), std::string::npos);
    own();
    answer(200, fmt::format(R"({{"next":null,"resources":[{}]}})", resource()));
    EXPECT_EQ(run({"ls", "-o", "name"}), 0);
    EXPECT_EQ(out.str(), "cache1\n");
    own();
    answer(200, fmt::format(R"({{"next":null,"resources":[{}]}})", resource()));
    EXPECT_EQ(run({"ls", "-o", "json"}), 0);
    EXPECT_EQ(json::dump(json::parse(out.str())->as_array().at(0)), json::dump(*json::parse(resource())));
}

// What `rm -l X` would remove is what `ls -l X` shows: of an administrator's key, too, only its own organization's.
TEST_F(ResourcesTest, ListingAndRemovingMeanTheSameResources) {
    own();
    answer(200, fmt::format(R"({{"next":null,"resources":[{}]}})", resource()));
    EXPECT_EQ(run({"ls", "-l", "env=prod"}), 0) << err.str();
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?selector=env%3Dprod&organization=default&limit=1000");
    EXPECT_EQ(out.str().find("ORGANIZATION"), std::string::npos) << "there is only one";
    own();
    answer(200, R"({"next":null,"resources":[]})");
    EXPECT_EQ(run({"rm", "-l", "env=prod", "--yes"}), 0) << err.str();
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?selector=env%3Dprod&organization=default&limit=1000");
    answer(200, R"({"next":null,"resources":[]})");
    EXPECT_EQ(run({"ls", "--pooled"}), 0);
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?pooled=true&limit=1000") << "a pool's are nobody's yet";
}

// A million resources are not kept in memory, and whoever reads sees the first ones at once.
TEST_F(ResourcesTest, PagesBeyondAThousandAreFollowedAndShorterOnesAreNoEnd) {
    own();
    answer(200, R"({"next":"2","resources":[]})");
    answer(200, R"({"next":"3","resources":[{"name":"first"}]})");
    answer(200, R"({"next":null,"resources":[{"name":"a-longer-name"}]})");
    EXPECT_EQ(run({"ls", "-o", "name"}), 0) << err.str();
    EXPECT_EQ(out.str(), "first\na-longer-name\n");
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?organization=default&limit=1000&after=3");
    own();
    answer(200, R"({"next":"2","resources":[{"name":"first"}]})");
    answer(200, R"({"next":"2","resources":[{"name":"first"}]})");
    EXPECT_EQ(run({"ls"}), 1) << "a cursor that stands still would go on for ever";
}

TEST_F(ResourcesTest, PlansShowPoolsPricesAndWhatIsMissing) {
    answer(200,
           R"({"plans":[{"kind":"cache","engine":"redis","name":"small","title":"Small","description":"64 MiB",)"
           R"("provider":"local","parameters":{},"pool":{"target":2,"ready":1,"coming":1},)"
           R"("price":{"currency":"EUR","per_hour":0.012},"available":true,"reason":null},)"
           R"({"kind":"cache","engine":"memcached","name":"small","title":"Small","description":"64 MiB",)"
           R"("provider":"local","parameters":{},"pool":{"target":0,"ready":0,"coming":0},"price":null,)"
           R"("available":false,"reason":"memcached is not installed"}],"next":null})");
    EXPECT_EQ(run({"plans", "--engine", "redis", "--kind", "cache"}), 0);
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/plans?engine=redis&kind=cache"});
    EXPECT_NE(out.str().find("0.012 EUR  1/2   yes"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("-          -     no: memcached is not installed"), std::string::npos) << out.str();
}

TEST_F(ResourcesTest, ASelectorRemovesOnlyAfterAYes) {
    const std::string mine = R"({"organization":"default","role":"administrator","actor":"key_1"})";
    const std::string two = R"({"next":null,"resources":[{"name":"a","id":"res_1"},{"name":"b","id":"res_2"}]})";
    answer(200, mine);
    answer(200, two);
    EXPECT_EQ(run({"rm", "-l", "env=test"}), 2) << "nobody is there";
    EXPECT_NE(err.str().find("fix: say --yes"), std::string::npos) << err.str();
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?selector=env%3Dtest&organization=default&limit=1000")
        << "an administrator means its own organization unless it says otherwise";
    said = false;
    answer(200, mine);
    answer(200, two);
    EXPECT_EQ(run({"rm", "-l", "env=test"}), 1);
    EXPECT_EQ(questions.back(), "remove 2 resources and their data: a b?");
    said = true;
    answer(200, mine);
    answer(200, two);
    for (int i = 0; i < 2; ++i) answer(202, operation("queued"));
    for (int i = 0; i < 2; ++i) answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "-l", "env=test"}), 0) << err.str();
    EXPECT_EQ(out.str(), "a is removed\nb is removed\n");
    EXPECT_EQ(asked().at(6), "DELETE /api/v1/resources/res_1") << "by id: a name may be another's by then";
    answer(200, R"({"next":null,"resources":[]})");
    EXPECT_EQ(run({"rm", "-l", "env=none", "--organization", "acme", "--yes"}), 0);
    EXPECT_EQ(err.str(), "slipway: nothing matches\n");
}

TEST_F(ResourcesTest, PlanningShowsStepsCostQuotasAndTime) {
    answer(200, R"({"verb":"create","allowed":true,"error":null,"code":null,"problems":[],"from_pool":true,)"
                R"("steps":[{"kind":"update","what":"gives it its owner's password"}],)"
                R"("price":{"before":null,"after":{"currency":"EUR","per_hour":0.5}},)"
                R"("quotas":[{"scope":"organization","limit":100,"used":3,"after":4}],)"
                R"("expected_seconds":{"median":0.0042,"p95":0.25,"samples":12},)"
                R"("expires_at":"2026-11-22T22:00:00.000Z"})");
    EXPECT_EQ(run({"plan", "create", "redis", "small", "--label", "a=b"}), 0) << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"POST /api/v1/plan"});
    EXPECT_EQ(calls[0].body, R"({"request":{"engine":"redis","labels":{"a":"b"},"plan":"small"},"verb":"create"})");
    EXPECT_EQ(out.str(),
              "create redis small: allowed, from the pool\n"
              "steps:\n"
              "  1. update: gives it its owner's password\n"
              "cost:     nothing now, 0.5 EUR an hour then\n"
              "takes:    4 ms (95 of 100 within 250 ms; seen 12 times)\n"
              "ends:     2026-11-22T22:00:00.000Z\n"
              "quotas:\n"
              "  SCOPE         LIMIT  USED  AFTER\n"
              "  organization    100     3      4\n"
              "nothing was changed\n");
}

TEST_F(ResourcesTest, PlanningSaysWhatWouldBeRefused) {
    const std::string refused =
        R"({"verb":"update","allowed":false,"error":"the plan is of another engine","code":"invalid_argument",)"
        R"("problems":[{"field":"plan","problem":"is of another engine"}],"from_pool":false,"steps":[],)"
        R"("price":{"before":null,"after":null},"quotas":[],"expected_seconds":null})";
    answer(200, refused);
    EXPECT_EQ(run({"plan", "update", "cache1", "--plan", "x"}), 1);
    EXPECT_EQ(calls[0].body, R"({"request":{"plan":"x"},"resource":"cache1","verb":"update"})");
    EXPECT_NE(out.str().find("update cache1: refused"), std::string::npos) << out.str();
    // "none: it is done at once", "nothing" would be no words about what is not done at all.
    for (const char* word : {"steps:", "cost:", "takes:"}) {
        EXPECT_EQ(out.str().find(word), std::string::npos) << out.str();
    }
    EXPECT_EQ(err.str(), "slipway: it would be refused: the plan is of another engine\n");
    answer(200, refused);
    EXPECT_EQ(run({"plan", "rm", "cache1", "--json"}), 1);
    EXPECT_EQ(json::dump(*json::parse(out.str())), json::dump(*json::parse(refused)));
    EXPECT_EQ(calls[1].body, R"({"resource":"cache1","verb":"delete"})");
}

TEST_F(ResourcesTest, EveryVerbIsPlanned) {
    const std::string planned =
        R"({{"verb":"{}","allowed":true,"error":null,"code":null,"problems":[],"from_pool":false,"steps":[],)"
        R"("price":{{"before":null,"after":null}},"quotas":[],"expected_seconds":null}})";
    const auto plan = [&](const std::string& verb, std::vector<std::string> words) {
        answer(200, fmt::format(fmt::runtime(planned), verb));
        words.insert(words.begin(), "plan");
        EXPECT_EQ(run(words), 0) << err.str();
        return calls.back().body;
    };
    EXPECT_EQ(plan("backup", {"backup", "shopdb", "--name", "b1"}),
              R"({"request":{"name":"b1"},"resource":"shopdb","verb":"backup"})");
    EXPECT_EQ(plan("rotate", {"rotate", "shopdb"}), R"({"resource":"shopdb","verb":"rotate"})");
    EXPECT_EQ(plan("confirm", {"rotate", "shopdb", "--confirm"}), R"({"resource":"shopdb","verb":"confirm"})");
    EXPECT_EQ(plan("cancel", {"cancel", "op_1"}), R"({"operation":"op_1","verb":"cancel"})");
    EXPECT_EQ(plan("adopt", {"adopt", "local", "oct-1", "--plan", "small"}),
              R"({"name":"oct-1","provider":"local","request":{"plan":"small"},"verb":"adopt"})");
    answer(200, R"({"id":"res_b1","name":"b1","kind":"backup","engine":"mysql","organization":"acme"})");
    EXPECT_EQ(plan("restore", {"restore", "b1", "--plan", "shared", "--name", "copy"}),
              R"({"request":{"engine":"mysql","kind":"database","name":"copy","organization":"acme",)"
              R"("plan":"shared","restore_from":"res_b1"},"verb":"restore"})");
    EXPECT_NE(out.str().find("takes:    as long as its data need"), std::string::npos) << out.str();
    answer(200, resource());
    EXPECT_EQ(run({"plan", "cancel", "cache1"}), 1) << "nothing is under way";
}

// Nobody could see which databases live on a server.
TEST_F(ResourcesTest, DatabasesAndTheirServersAreShownTogether) {
    answer(200, R"({"next":null,"resources":[{"name":"shopdb","kind":"database","server":"hephy-1"}]})");
    EXPECT_EQ(run({"ls", "--shared-server", "hephy-1", "-o", "wide"}), 0) << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/resources?server=hephy-1&limit=1000"});
    EXPECT_NE(out.str().find("hephy-1"), std::string::npos) << out.str();
    answer(200, R"({"name":"shopdb","kind":"database","server":"hephy-1","database":"shop","username":"u1"})");
    EXPECT_EQ(run({"show", "shopdb"}), 0) << err.str();
    for (const char* word : {"hephy-1", "shop\n", "u1"}) EXPECT_NE(out.str().find(word), std::string::npos) << word;
    answer(200, R"({"name":"hephy-1","kind":"database-server","serves":4,"places":51,"current":true})");
    EXPECT_EQ(run({"show", "hephy-1"}), 0) << err.str();
    EXPECT_NE(out.str().find("4 of at most 51 databases"), std::string::npos) << out.str();
}

TEST_F(ResourcesTest, OperationsAreListedAndCancelledByTheResourcesName) {
    answer(200, R"({"next":null,"operations":[{"id":"op_1","kind":"provision","state":"failed","actor":"key_1",)"
                R"("created_at":"2026-11-22T22:00:00.000Z","ended_at":"2026-11-22T22:00:02.500Z",)"
                R"("progress":{"done":1,"total":2,"sentence":"failed: no room"}}]})");
    EXPECT_EQ(run({"ops", "--resource", "a b", "--state", "failed", "--kind", "provision", "--open"}), 0);
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/operations?resource=a%20b&kind=provision&state=failed"
                                                "&open=true&limit=1000"});
    EXPECT_NE(out.str().find("2.5 s  failed: no room"), std::string::npos) << out.str();
    answer(200, R"({"name":"a","state":"provisioning","operation":"op_1"})");
    answer(202, operation("running"));
    answer(200, operation("cancelled"));
    EXPECT_EQ(run({"cancel", "a"}), 0) << err.str();
    EXPECT_EQ(asked().at(2), "POST /api/v1/operations/op_1/cancel");
    answer(200, R"({"name":"a","state":"ready","operation":null})");
    EXPECT_EQ(run({"cancel", "a"}), 1);
    EXPECT_NE(err.str().find("nothing to cancel"), std::string::npos) << err.str();
}

TEST_F(ResourcesTest, OneResourceIsShownFieldByField) {
    answer(200, resource());
    EXPECT_EQ(run({"show", "cache1"}), 0);
    EXPECT_NE(out.str().find("state          ready\n"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("labels         env=prod\n"), std::string::npos) << out.str();
    EXPECT_EQ(out.str().find("reason"), std::string::npos) << "what says nothing is left out";
    EXPECT_EQ(out.str().find('\033'), std::string::npos);
    environment.out_terminal = {.width = 80, .colour = true};
    answer(200, resource("failed"));
    EXPECT_EQ(run({"show", "cache1"}), 0);
    EXPECT_NE(out.str().find("\033[31mfailed\033[0m"), std::string::npos) << out.str();
    answer(200, resource());
    EXPECT_EQ(run({"show", "cache1", "-o", "name"}), 0);
    EXPECT_EQ(out.str(), "cache1\n");
}

}  // namespace
}  // namespace slipway::cli
