// The EC2 API word for word: what its document shows, and what it says of tasks that run, fail and are revoked.
#include "faces/ec2/ec2_test_support.h"
#include "faces/ec2/task_id.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Ec2Test, EveryExampleOfTheDocument) {
    const Reply made = world.ask(Method::post, "/create", kSuitepad, {{"Content-Type", "application/json"}});
    EXPECT_EQ(golden(made), R"(200 {"ip":"IP","status":"SUCCESS"})");
    EXPECT_EQ(made.content_type, "application/json; charset=UTF-8");
    const std::string ip = json::get_string(made.json(), "ip");

    const Reply later = world.ask(Method::post, "/create-async", kSuitepad, {{"Content-Type", "application/json"}});
    EXPECT_EQ(golden(later),
              R"(200 {"message":"the machine is being made; ask GET /status/UUID","task_id":"UUID"})");
    const std::string task = json::get_string(later.json(), "task_id");
    world.settle();
    const Reply done = status(task);
    EXPECT_EQ(golden(done), R"(200 {"ip":"IP","status":"SUCCESS"})");
    const std::string other = json::get_string(done.json(), "ip");
    EXPECT_NE(other, ip) << "every create is its own machine";

    EXPECT_EQ(golden(world.ask(Method::get, "/delete/" + ip)), R"(200 {"ip":"IP","status":"SUCCESS"})");
    const Reply leaving = world.ask(Method::get, "/delete-async/" + other);
    EXPECT_EQ(golden(leaving),
              R"(200 {"message":"the machine is being removed; ask GET /status/UUID","task_id":"UUID"})");
    world.settle();
    const Reply gone = status(json::get_string(leaving.json(), "task_id"));
    EXPECT_EQ(gone.body, R"({"ip":")" + other + R"(","status":"SUCCESS"})");
    EXPECT_TRUE(listed().empty());
}

TEST_F(Ec2Test, BodiesAreReadWhateverTheirTypeAndPathsTakeASlash) {
    const Fields curl{{"Content-Type", "application/x-www-form-urlencoded"}};
    for (const Fields& fields : {Fields(), curl, Fields{{"Content-Type", "text/plain"}}}) {
        const Reply made = world.ask(Method::post, "/create/", kSuitepad, fields);
        ASSERT_EQ(made.status, 200) << made.body;
        const std::string ip = json::get_string(made.json(), "ip");
        EXPECT_EQ(world.ask(Method::get, "/delete/" + ip + "/").status, 200);
    }
    const std::string task = task_in(world.ask(Method::post, "/create-async/", kSuitepad));
    EXPECT_EQ(status(task + "/").status, 200);
    EXPECT_EQ(world.ask(Method::get, "/instances/").status, 200);
}

TEST_F(Ec2Test, ATaskIsToldInCelerysWords) {
    world.worker.paused = true;
    const std::string task = begin();
    EXPECT_EQ(golden(status(task)), R"(200 {"ip":"Not Applicable","status":"PENDING"})");
    world.worker.paused = false;
    ProviderError again;
    again.error_class = ErrorClass::transient;
    again.message = "no memory is free now";
    world.worker.create_error = again;
    world.settle();
    EXPECT_EQ(golden(status(task)), R"(200 {"ip":"Not Applicable","status":"RETRY"})");
    world.worker.create_error.reset();
    world.pass(std::chrono::minutes(2));
    EXPECT_EQ(golden(status(task)), R"(200 {"ip":"IP","status":"SUCCESS"})");
}

TEST_F(Ec2Test, ARunningTaskIsStarted) {
    world.worker.paused = true;
    const std::string task = begin();
    LeaseRequest request;
    request.duration = std::chrono::seconds(30);
    request.capacity = {{"dummy", 1}};
    ASSERT_EQ(world.run(world.store.lease(std::move(request)))->work.size(), 1U);
    EXPECT_EQ(golden(status(task)), R"(200 {"ip":"Not Applicable","status":"STARTED"})");
    EXPECT_THAT(golden(world.ask(Method::get, "/instances")), HasSubstr(R"("status":"STARTED")"));
}

TEST_F(Ec2Test, AFailureSaysWhyAndNothingIsLeft) {
    fail_creations("the image does not boot");
    EXPECT_EQ(
        golden(create()),
        R"(502 {"error":"the image does not boot","ip":"Not Applicable","status":"FAILURE","task_id":"UUID"})");
    const std::string task = begin();
    world.settle();
    EXPECT_EQ(golden(status(task)),
              R"(200 {"error":"the image does not boot","ip":"Not Applicable","status":"FAILURE"})");
    for (const json::value& each : listed()) {
        EXPECT_EQ(json::get_string(each.as_object(), "status"), "FAILURE");
        EXPECT_EQ(json::get_string(each.as_object(), "ip"), "Not Applicable");
        EXPECT_EQ(json::get_string(each.as_object(), "error"), "the image does not boot");
    }
}

// What could not be undone is no secret.
TEST_F(Ec2Test, WhatAFailureLeftBehindIsSaid) {
    fail_creations("the image does not boot");
    ProviderError stuck;
    stuck.error_class = ErrorClass::permanent;
    stuck.message = "it cannot be removed";
    world.worker.remove_error = stuck;
    const Fields key{{"Idempotency-Key", "one"}};
    const std::string task = begin(kSuitepad, key);
    world.worker.put(json::get_string(listed().at(0).as_object(), "name"));  // something of it came all the same
    for (int minutes = 0; minutes < 45; ++minutes) world.pass(std::chrono::minutes(1));
    EXPECT_EQ(golden(status(task)),
              R"(200 {"error":"the image does not boot","ip":"Not Applicable","status":"FAILURE"})");
    const Reply failed = create(kSuitepad, key);
    EXPECT_EQ(failed.status, 502) << failed.body;
    EXPECT_THAT(failed.body, HasSubstr("the image does not boot; this may be left: oct-"));
}

TEST_F(Ec2Test, ACancelledCreationIsRevoked) {
    world.worker.paused = true;
    const std::string task = begin();
    const Fields admin = World::bearer(world.key("anonymous", Role::administrator));
    const std::string operation = json::get_string(
        world.ask(Method::get, "/api/v1/operations", {}, admin).json().at("operations").at(0).as_object(), "id");
    ASSERT_EQ(
        world.ask(Method::post, "/api/v1/operations/" + operation + "/cancel", R"({"reason":"no need"})", admin)
            .status,
        200);
    EXPECT_EQ(golden(status(task)), R"(200 {"error":"no need","ip":"Not Applicable","status":"REVOKED"})");
}

TEST_F(Ec2Test, PastItsLimitACallNamesItsTask) {
    world.worker.paused = true;
    const Reply late = create();
    EXPECT_EQ(golden(late), R"(504 {"error":"the machine is still being made; ask GET /status/UUID",)"
                            R"("ip":"Not Applicable","status":"PENDING","task_id":"UUID"})");
    const std::string task = json::get_string(late.json(), "task_id");
    EXPECT_EQ(late.header("Location"), "/status/" + task);
    world.worker.paused = false;
    world.settle();
    const std::string ip = json::get_string(status(task).json(), "ip");
    EXPECT_THAT(ip, HasSubstr("10.77.0.")) << "nobody waited for it, and it was made";

    world.worker.paused = true;
    const Reply slow = world.ask(Method::get, "/delete/" + ip);
    EXPECT_EQ(slow.status, 504);
    EXPECT_EQ(json::get_string(slow.json(), "ip"), ip);
    EXPECT_EQ(json::get_string(slow.json(), "status"), "PENDING");
    const std::string removal = json::get_string(slow.json(), "task_id");
    EXPECT_EQ(golden(status(removal)), R"(200 {"ip":"Not Applicable","status":"PENDING"})");
    EXPECT_EQ(json::get_string(world.ask(Method::get, "/delete-async/" + ip).json(), "task_id"), removal)
        << "asked for again it is the same removal";
    world.worker.paused = false;
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip).status, 200);
}

TEST_F(Ec2Test, ARemovalThatFailsIsToldAndCanBeRepeated) {
    const std::string ip = make();
    ProviderError stuck;
    stuck.error_class = ErrorClass::permanent;
    stuck.message = "the disk is busy";
    world.worker.remove_error = stuck;
    world.context.options.wait_limit = std::chrono::hours(3);
    const Reply failed = world.ask(Method::get, "/delete/" + ip);
    EXPECT_EQ(failed.status, 502) << failed.body;
    EXPECT_THAT(failed.body, HasSubstr("the disk is busy; this may be left: oct-"));
    EXPECT_EQ(json::get_string(failed.json(), "ip"), ip);
    EXPECT_EQ(json::get_string(failed.json(), "status"), "FAILURE");
    world.worker.remove_error.reset();
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip).body, R"({"ip":")" + ip + R"(","status":"SUCCESS"})");
}

TEST_F(Ec2Test, WhatIsNotThereIsNotFound) {
    for (const std::string& path : {std::string("/delete/10.77.0.99"), std::string("/delete-async/10.77.0.99"),
                                    std::string("/delete/fe80::1")}) {
        const Reply reply = world.ask(Method::get, path);
        EXPECT_EQ(reply.status, 404) << path;
        EXPECT_EQ(json::get_string(reply.json(), "status"), "FAILURE");
        EXPECT_EQ(json::get_string(reply.json(), "error"), "no such machine");
    }
    EXPECT_EQ(world.ask(Method::delete_, "/instances/10.77.0.99").body,
              R"({"error":"no such machine","ip":"10.77.0.99","status":"FAILURE"})");
    const std::string unknown = R"({"error":"there is no such task","ip":"Not Applicable","status":"UNKNOWN"})";
    for (const std::string& id : {std::string("01563e3a-b5d3-d676-4c61-efb99302bd5b"), std::string("17"),
                                  std::string("op_01arz3ndektsv4rrffq69g5fav"), std::string(3000, 'a')}) {
        const Reply reply = status(id);
        EXPECT_EQ(reply.status, 404) << id;
        EXPECT_EQ(reply.body, unknown);
    }
    const std::string ip = make();
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip).status, 200);
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip).status, 404) << "it is gone";
}

// Every spelling of an address is that machine, and no other text is repeated.
TEST_F(Ec2Test, AnAddressIsReadAsOneAndNothingElseIsRepeated) {
    for (const std::string& text : {std::string("hunter2"), std::string("10.77.0"), std::string("10.77.0.256"),
                                    std::string("%3Bid"), std::string("10.77.0.2%20"), std::string("0x0a4d0002")}) {
        const Reply reply = world.ask(Method::get, "/delete/" + text);
        EXPECT_EQ(reply.status, 404) << text;
        EXPECT_EQ(reply.body, R"({"error":"no such machine","ip":"Not Applicable","status":"FAILURE"})");
    }
}

// Operations on other things have no task here, whoever may see them.
TEST_F(Ec2Test, OnlyMachinesHaveTasks) {
    const Reply cache = world.ask(Method::post, "/v1/redis/instance", R"({"plan":"small","billingcode":"x"})");
    ASSERT_EQ(cache.status, 200) << cache.body;
    std::string operation;
    world.store.snapshot().for_each_operation([&](const Operation& each) { operation = each.id.str(); });
    EXPECT_EQ(status(task_id_of(OperationId(operation))).status, 404);
    EXPECT_TRUE(listed().empty());
}

TEST_F(Ec2Test, TheListTellsEverythingButThePassword) {
    make();
    world.worker.paused = true;
    begin(R"({"username":"other","password":"secret-4711"})");
    const Reply list = world.ask(Method::get, "/instances");
    EXPECT_EQ(
        golden(list),
        R"(200 {"instances":[)"
        R"({"created_at":"TIME","expires_at":null,"ip":"IP","name":"NAME","plan":"tiny","state":"ready","status":"SUCCESS",)"
        R"("task_id":null,"username":"suitepad"},)"
        R"({"created_at":"TIME","expires_at":null,"ip":"Not Applicable","name":"NAME","plan":"tiny","state":"requested",)"
        R"("status":"PENDING","task_id":"UUID","username":"other"}],"next":null})");
    const Reply page = world.ask(Method::get, "/instances?limit=1");
    ASSERT_EQ(page.json().at("instances").as_array().size(), 1U);
    const std::string next = json::get_string(page.json(), "next");
    const Reply rest = world.ask(Method::get, "/instances?limit=1&after=" + next);
    EXPECT_EQ(rest.json().at("instances").as_array().size(), 1U);
    EXPECT_TRUE(rest.json().at("next").is_null());
}

TEST_F(Ec2Test, OursIsMadeAndRemovedByTheVerbsForThat) {
    const Reply made = world.ask(Method::post, "/instances", kSuitepad);
    EXPECT_EQ(golden(made),
              R"(202 {"message":"the machine is being made; ask GET /status/UUID","task_id":"UUID"})");
    const std::string task = json::get_string(made.json(), "task_id");
    EXPECT_EQ(made.header("Location"), "/status/" + task);
    world.settle();
    const std::string ip = json::get_string(status(task).json(), "ip");
    const Reply removed = world.ask(Method::delete_, "/instances/" + ip);
    EXPECT_EQ(golden(removed),
              R"(202 {"message":"the machine is being removed; ask GET /status/UUID","task_id":"UUID"})");
    world.settle();
    EXPECT_EQ(json::get_string(status(json::get_string(removed.json(), "task_id")).json(), "status"), "SUCCESS");
    EXPECT_EQ(world.ask(Method::delete_, "/instances/" + ip).status, 404);
}

TEST_F(Ec2Test, AKeyBringsARequestBackWhicheverWayItIsAskedAgain) {
    const Fields key{{"Idempotency-Key", "one"}};
    world.worker.paused = true;
    const std::string task = begin(kSuitepad, key);
    EXPECT_EQ(begin(kSuitepad, key), task);
    EXPECT_EQ(json::get_string(world.ask(Method::post, "/instances", kSuitepad, key).json(), "task_id"), task);
    world.worker.paused = false;
    const Reply made = create(kSuitepad, key);
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(create(kSuitepad, key).body, made.body);
    EXPECT_EQ(listed().size(), 1U);
    for (const std::string other : {R"({"username":"suitepad","password":"suitepad2"})",
                                    R"({"username":"suitepad2","password":"suitepad"})"}) {
        for (const std::string path : {"/create", "/create-async", "/instances"}) {
            const Reply refused = world.ask(Method::post, path, other, key);
            EXPECT_EQ(refused.status, 422) << path;
            EXPECT_EQ(json::get_string(refused.json(), "status"), "FAILURE");
            EXPECT_THAT(refused.body, HasSubstr("this Idempotency-Key came before with another request"));
        }
    }
    const std::string ip = json::get_string(made.json(), "ip");
    ASSERT_EQ(world.ask(Method::get, "/delete/" + ip).status, 200);
    const Reply deleted = create(kSuitepad, key);
    EXPECT_EQ(deleted.status, 409);
    EXPECT_THAT(deleted.body, HasSubstr("was deleted since; use a new key"));
}

// Whoever asks for the head of a GET, or follows a link ahead, means that nothing happens.
TEST_F(Ec2Test, AHeadRemovesNothing) {
    const std::string ip = make();
    const Counts before = world.counts();
    for (const std::string path : {"/delete/", "/delete-async/"}) {
        const Reply head = world.ask(Method::head, path + ip);
        EXPECT_EQ(head.status, 405) << path;
        EXPECT_EQ(head.header("Allow"), "GET, OPTIONS");
    }
    EXPECT_EQ(world.ask(Method::head, "/instances").status, 200);
    EXPECT_EQ(world.counts(), before);
}

TEST_F(Ec2Test, TheConfigurationSaysWhichPlanItMakes) {
    World other(false, machine_catalog());
    other.ec2 = {"container", "light"};
    ASSERT_EQ(other.ask(Method::post, "/create", kSuitepad).status, 200);
    EXPECT_THAT(other.ask(Method::get, "/instances").body, HasSubstr(R"("plan":"light")"));

    World none;  // its catalog has caches only
    const Reply refused = none.ask(Method::post, "/create", kSuitepad);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("Retry-After"), "5");
    EXPECT_THAT(refused.body, HasSubstr("this server has no plan tiny of machines of engine vm"));
    EXPECT_EQ(json::get_string(refused.json(), "status"), "FAILURE");
}

TEST_F(Ec2Test, WhereNothingCanBeMadeOrNoMoreThatIsSaid) {
    world.directory.available = false;
    EXPECT_EQ(create().status, 503);
    world.directory.available = true;
    Commit commit;
    commit.writes.emplace_back(write::PutQuota{{OrganizationId("anonymous"), Kind::machine, "vm", "tiny", 1}});
    ASSERT_TRUE(world.run(world.store.commit(std::move(commit))));
    make();
    const Reply full = create();
    EXPECT_EQ(full.status, 429);
    EXPECT_THAT(full.body, HasSubstr("the quota of organization anonymous for vm/tiny is used up: 1 machine"));
}

TEST_F(Ec2Test, ItsDescriptionIsServedToAnybody) {
    const Reply reply = world.ask(Method::get, "/api/v1/openapi/ec2.yaml");
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.content_type.starts_with("application/yaml")) << reply.content_type;
    EXPECT_THAT(reply.body, HasSubstr("/delete-async/{ip}:"));
}

}  // namespace
}  // namespace slipway::faces::test
