// Who may do what through the EC2 API, and where its passwords are never seen.
#include "faces/ec2/ec2_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Ec2Test, AnonymousIsForLoopbackOrWhereItWasAllowed) {
    make();
    world.loopback = false;
    for (const auto& [method, path] :
         {std::pair(Method::post, "/create"), std::pair(Method::post, "/create-async"),
          std::pair(Method::post, "/instances"), std::pair(Method::get, "/instances"),
          std::pair(Method::get, "/status/01563e3a-b5d3-d676-4c61-efb99302bd5b"),
          std::pair(Method::get, "/delete/10.77.0.2"), std::pair(Method::get, "/delete-async/10.77.0.2"),
          std::pair(Method::delete_, "/instances/10.77.0.2")}) {
        const Reply refused = world.ask(method, path, method == Method::post ? kSuitepad : "");
        EXPECT_EQ(refused.status, 401) << path;
        EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer realm=\"slipway\"");
        EXPECT_EQ(json::get_string(refused.json(), "status"), "FAILURE");
    }
    world.context.options.anonymous = {"redis"};
    EXPECT_EQ(create().status, 401) << "another face was allowed";
    world.context.options.anonymous = {"ec2"};
    EXPECT_EQ(create().status, 200);
    EXPECT_EQ(listed().size(), 2U);
}

// A page in a browser can have an image whose address is that of a deletion.
TEST_F(Ec2Test, WebPagesRemoveNothing) {
    const std::string ip = make();
    const Counts before = world.counts();
    for (const Fields& fields : {Fields{{"Origin", "http://evil.example"}},
                                 Fields{{"Sec-Fetch-Site", "cross-site"}}, Fields{{"Host", "evil.example:5000"}}}) {
        for (const std::string path : {"/delete/", "/delete-async/"}) {
            EXPECT_EQ(world.ask(Method::get, path + ip, {}, fields).status, 403) << fields[0].first;
        }
        EXPECT_EQ(create(kSuitepad, fields).status, 403) << fields[0].first;
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_F(Ec2Test, OthersMachinesDoNotExist) {
    const Fields ours = World::bearer(world.key("ours", Role::user));
    const Fields theirs = World::bearer(world.key("theirs", Role::user));
    const std::string ip = make(ours);
    const std::string task = begin(kSuitepad, ours);
    world.settle();
    const Counts before = world.counts();
    for (const Fields& stranger : {theirs, Fields()}) {
        EXPECT_EQ(world.ask(Method::get, "/delete/" + ip, {}, stranger).status, 404);
        EXPECT_EQ(world.ask(Method::get, "/delete-async/" + ip, {}, stranger).status, 404);
        EXPECT_EQ(world.ask(Method::delete_, "/instances/" + ip, {}, stranger).status, 404);
        EXPECT_EQ(status(task, stranger).status, 404);
        EXPECT_TRUE(listed(stranger).empty());
    }
    EXPECT_EQ(world.counts(), before);
    const Fields reader = World::bearer(world.key("ours", Role::reader));
    EXPECT_EQ(status(task, reader).status, 200);
    EXPECT_EQ(listed(reader).size(), 2U);
    EXPECT_EQ(create(kSuitepad, reader).status, 403);
    const Reply refused = world.ask(Method::get, "/delete/" + ip, {}, reader);
    EXPECT_EQ(refused.body, R"({"error":"this key may only read","ip":")" + ip + R"(","status":"FAILURE"})");
    EXPECT_EQ(world.counts(), before);
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip, {}, ours).status, 200);
}

// One key of two organizations is two keys.
TEST_F(Ec2Test, AnIdempotencyKeyBelongsToItsOrganization) {
    Fields ours = World::bearer(world.key("ours", Role::user));
    Fields theirs = World::bearer(world.key("theirs", Role::user));
    ours.emplace_back("Idempotency-Key", "one");
    theirs.emplace_back("Idempotency-Key", "one");
    EXPECT_NE(begin(kSuitepad, ours), begin(kSuitepad, theirs));
    EXPECT_NE(begin(kSuitepad, {{"Idempotency-Key", "one"}}), "");
    EXPECT_EQ(world.counts().resources, 3U);
}

TEST_F(Ec2Test, ThePasswordIsInNothingThatIsToldOrKept) {
    const std::string password = "canary-4711-password";
    const std::string body = R"({"username":"suitepad","password":")" + password + "\"}";
    const std::string hex = world.sealer.seal(Secret(password), "").ciphertext;
    const Fields admin = World::bearer(world.key("anonymous", Role::administrator));
    const auto said = [&] {
        std::string all = world.ask(Method::get, "/instances").body;
        for (const std::string path : {"/api/v1/resources?include_gone=true", "/api/v1/operations",
                                       "/api/v1/events", "/api/v1/usage", "/api/v1/plans"}) {
            all += world.ask(Method::get, path, {}, admin).body;
        }
        return all;
    };
    const Reply made = create(body, {{"Idempotency-Key", "one"}});
    ASSERT_EQ(made.status, 200);
    fail_creations("the image does not boot");
    std::string answers = made.body + create(body).body + create(body, {{"Idempotency-Key", "one"}}).body;
    answers += create(R"({"username":"root","password":")" + password + "\"}").body;
    answers += create(R"({"username":"a","password":")" + password + "\",}").body;
    answers += world.ask(Method::get, "/delete/" + password).body + status(password).body + said();
    EXPECT_THAT(answers, Not(HasSubstr(password)));
    std::string kept;
    const auto state = world.store.snapshot();
    state.for_each_resource([&](const Resource& each) {
        kept += json::dump(each.parameters);
        for (const auto& [name, secret] : each.secrets) kept += name + secret.ciphertext;
    });
    if (const auto* record = state.idempotency("anonymous/ec2", "one", world.clock().now())) {
        kept += record->request_hash;
    }
    EXPECT_THAT(kept, HasSubstr("suitepad"));
    EXPECT_THAT(kept, Not(HasSubstr(password)));
    EXPECT_THAT(kept, Not(HasSubstr(hex))) << "not sealed either: all of them have ended";
}

}  // namespace
}  // namespace slipway::faces::test
