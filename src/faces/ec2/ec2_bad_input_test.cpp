// Whatever comes in: a 400 that names what is wrong and repeats no secret, and a store that nothing happened to; or
// the very bytes that were given.
#include "faces/ec2/ec2_test_support.h"
#include "faces/ec2/task_id.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kUserRule = "username must be 1 to 32 of a-z 0-9 _ -, and begin with a letter or _";

struct Bad {
    std::string body;
    std::string says;  // part of the answer
};

std::string with(const std::string& username, const std::string& password) {
    return json::dump(json::object{{"username", username}, {"password", password}});
}

std::vector<Bad> bad_bodies() {
    return {
        {"", "empty"},
        {"username=suitepad&password=suitepad", "malformed JSON"},
        {"{", "malformed JSON"},
        {"null", "must be a JSON object"},
        {R"(["suitepad","suitepad"])", "must be a JSON object"},
        {"{}", "username is required. password is required"},
        {R"({"username":"suitepad"})", "password is required"},
        {R"({"password":"suitepad"})", "username is required"},
        {R"({"username":null,"password":null})", "username is required. password is required"},
        {R"({"username":7,"password":true})", "username must be a string. password must be a string"},
        {R"({"username":["suitepad"],"password":{"is":"suitepad"}})", "username must be a string"},
        {with("suitepad", ""), "password must not be empty"},
        {with("", "suitepad"), "username must not be empty"},
        {R"({"username":"a","username":"b","password":"x"})", "more than once"},
        {R"({"username":"a","password":"x","password":"y"})", "more than once"},
        {"{\"username\":\"a\",\"password\":\"\xff\xfe\"}", "malformed JSON"},
        {R"({"username":"a","password":"\ud800"})", "malformed JSON"},
        {R"({"username":"a","password":"x\u0000y"})", "password must not hold control characters"},
        {R"({"username":"a","password":"x\ny"})", "password must not hold control characters"},
        {R"({"username":"a","password":"\u001b[2J"})", "password must not hold control characters"},
        {with("a", std::string(101, 'p')), "password must be 1 to 100 bytes"},
        {with("a", std::string(4096, 'p')), "password must be 1 to 100 bytes"},
        {with("a", "ä" + std::string(99, 'p')), "password must be 1 to 100 bytes"},
        {with(std::string(33, 'a'), "x"), std::string(kUserRule)},
        {with(std::string(4096, 'a'), "x"), std::string(kUserRule)},
        {R"({"username":"a\nb","password":"x"})", "username must not hold control characters"},
        {R"({"username":"a\u0000","password":"x"})", "username must not hold control characters"},
    };
}

TEST_F(Ec2Test, NoBadBodyMakesAnything) {
    const Counts before = world.counts();
    for (const Bad& bad : bad_bodies()) {
        for (const std::string path : {"/create", "/create-async", "/instances"}) {
            const Reply reply = world.ask(Method::post, path, bad.body);
            EXPECT_EQ(reply.status, 400) << path << " " << bad.body;
            EXPECT_THAT(reply.body, HasSubstr(bad.says)) << bad.body;
            EXPECT_EQ(json::get_string(reply.json(), "status"), "FAILURE");
        }
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_F(Ec2Test, NoHostileUsernameIsTakenOrRepeated) {
    const Counts before = world.counts();
    for (const std::string bad : {"Suitepad", "9lives", "-rf",  "a b",    "a;reboot", "a|b", "a&b",   "$(id)",
                                  "`id`",     "a'b",    "a\"b", "a\\b",   "../etc",   "a/b", "a:b",   "a.b",
                                  "ü",        "用户",   "a#b",  "{a: b}", "!ENV",     "a,b", "root ", " root"}) {
        const Reply reply = create(with(bad, "suitepad"));
        EXPECT_EQ(reply.status, 400) << bad;
        EXPECT_THAT(reply.body, HasSubstr(std::string(kUserRule)));
    }
    for (const std::string taken : {"root", "daemon", "sshd", "nobody", "www-data", "systemd-network"}) {
        const Reply reply = create(with(taken, "suitepad"));
        EXPECT_EQ(reply.status, 400) << taken;
        EXPECT_THAT(reply.body, HasSubstr("username is a name that the system of the machine keeps for itself"));
    }
    EXPECT_EQ(world.counts(), before);
}

// What a shell, YAML, cloud-init or a terminal would read otherwise is carried to the provider as it came.
TEST_F(Ec2Test, EveryPasswordThatIsTakenIsCarriedExactly) {
    world.worker.paused = true;
    for (const std::string password : {"a'b\"c",    "$(reboot)",
                                       "`id`",      "a;b|c&d",
                                       "\\n",       "#cloud-config",
                                       "- name: x", "{a: b}",
                                       "%s%n",      " ",
                                       "  x  ",     "-",
                                       "--",        "*",
                                       "!x",        "~",
                                       ":",         "pässwörd",
                                       "密码🧀",    "$6$salt$hash",
                                       "\\u0000",   "<b>",
                                       "a,b",       "null",
                                       "yes"}) {
        const Reply begun = world.ask(Method::post, "/create-async", with("suitepad", password));
        ASSERT_EQ(begun.status, 200) << password << " " << begun.body;
        const auto operation = operation_of(task_in(begun));
        ASSERT_TRUE(operation);
        const auto state = world.store.snapshot();
        const Resource& machine = *state.resource(state.operation(*operation)->resource);
        const auto kept = world.sealer.open(machine.secrets.at("password"), secret_context(machine.id, "password"));
        ASSERT_TRUE(kept);
        EXPECT_EQ(kept->reveal(), password);
    }
}

// Of 100 bytes, the most that every image takes.
TEST_F(Ec2Test, TheLongestPasswordIsTaken) {
    EXPECT_EQ(create(with(std::string(32, 'a'), std::string(100, 'p'))).status, 200);
    EXPECT_EQ(create(with("a", "ä" + std::string(98, 'p'))).status, 200);
}

// Members that nobody knows are ignored, as the original did.
TEST_F(Ec2Test, UnknownMembersAreIgnored) {
    EXPECT_EQ(create(R"({"username":"a","password":"b","image":"x","cpus":[1]})").status, 200);
}

TEST_F(Ec2Test, BadIdempotencyKeysAreRefused) {
    const Counts before = world.counts();
    for (const Fields& fields :
         {Fields{{"Idempotency-Key", ""}}, Fields{{"Idempotency-Key", std::string(129, 'k')}},
          Fields{{"Idempotency-Key", "a b"}}, Fields{{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}}) {
        const Reply reply = create(kSuitepad, fields);
        EXPECT_EQ(reply.status, 400) << fields[0].second;
        EXPECT_THAT(reply.body, HasSubstr("Idempotency-Key"));
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_F(Ec2Test, WrongMethodsAndParametersAreTold) {
    const std::string ip = make();
    const Counts before = world.counts();
    EXPECT_EQ(world.ask(Method::get, "/create").status, 405);
    EXPECT_EQ(world.ask(Method::post, "/delete/" + ip, "{}").status, 405);
    EXPECT_EQ(world.ask(Method::delete_, "/instances").status, 405) << "there is no deleting of everything";
    EXPECT_EQ(world.ask(Method::delete_, "/delete/" + ip).status, 405);
    EXPECT_EQ(world.ask(Method::get, "/delete").status, 404);
    EXPECT_EQ(world.ask(Method::get, "/status").status, 404);
    EXPECT_EQ(world.ask(Method::get, "/delete/" + ip + "?force=true").status, 400);
    EXPECT_EQ(world.ask(Method::get, "/instances?user=x").status, 400);
    EXPECT_EQ(world.ask(Method::get, "/instances?limit=0").status, 400);
    EXPECT_EQ(world.counts(), before);
}

}  // namespace
}  // namespace slipway::faces::test
