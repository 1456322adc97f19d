// Whatever comes in: a clear 4xx that names what is wrong, and a store that nothing happened to; and secrets that
// come in, or go out once, stand nowhere else.
#include <gmock/gmock.h>

#include "base/log.h"
#include "faces/native/native_test_support.h"
#include "faces/native/requests.h"
#include "faces/request_body.h"
#include "faces/trace.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class NativeBadInputTest : public NativeTest {
  protected:
    Reply refused(Method method, const std::string& path, const std::string& body, const Fields& as) {
        const Counts before = world.counts();
        Reply reply = world.ask(method, path, body, as);
        EXPECT_GE(reply.status, 400) << body;
        EXPECT_LT(reply.status, 500) << body;
        EXPECT_EQ(world.counts(), before) << body;
        return reply;
    }
};

TEST_F(NativeBadInputTest, EveryWrongFieldOfACreationIsNamed) {
    for (const auto& [body, fields] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {R"({})", {"engine", "plan"}},
             {R"({"engine":7,"plan":[]})", {"engine", "plan"}},
             {R"({"engine":"","plan":"small"})", {"engine"}},
             {R"({"engine":"redis","plan":"huge"})", {"plan"}},
             {R"({"engine":"oracle","plan":"small"})", {"engine"}},
             {R"({"engine":"redis","plan":"small","kind":"cluster"})", {"engine"}},
             {R"({"engine":"redis","plan":"small","kind":"thing"})", {"kind"}},
             {R"({"engine":"redis","plan":"small","bogus":1,"other":2})", {"bogus", "other"}},
             {R"({"engine":"redis","plan":"small","wait_seconds":61})", {"wait_seconds"}},
             {R"({"engine":"redis","plan":"small","wait_seconds":"1"})", {"wait_seconds"}},
             {R"({"engine":"redis","plan":"small","wait_seconds":1.5})", {"wait_seconds"}},
             {R"({"engine":"redis","plan":"small","labels":[]})", {"labels"}},
             {R"({"engine":"redis","plan":"small","labels":{"a":1}})", {"labels.a"}},
             {R"({"engine":"redis","plan":"small","labels":{"a b":"c"}})", {"labels"}},
             {R"({"engine":"redis","plan":"small","labels":{"a":"c\u0000d"}})", {"labels.a"}},
             {R"({"engine":"redis","plan":"small","billing_code":""})", {"billing_code"}},
             {R"({"engine":"redis","plan":"small","billing_code":"a\nb"})", {"billing_code"}},
             {R"({"engine":"redis","plan":"small","name":"oct-deadbeef"})", {"name"}},
             {R"({"engine":"redis","plan":"small","organization":7})", {"organization"}},
         }) {
        const Reply reply = refused(Method::post, "/api/v1/resources", body, user);
        EXPECT_EQ(reply.status, 400) << body;
        EXPECT_THAT(fields_of(reply), testing::UnorderedElementsAreArray(fields)) << body << reply.body;
    }
}

TEST_F(NativeBadInputTest, WhatIsNoObjectIsRefused) {
    for (const std::string& body :
         {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("7"),
          std::string(R"({"engine":"redis","engine":"redis","plan":"small"})"),
          std::string(R"({"engine":"redis","plan":"small","labels":{"a":"1","a":"2"}})"),
          std::string(R"({"engine":"redis","plan":"small"} x)"), std::string("{\"engine\":\"\xff\"}"),
          std::string(R"({"a":)") + std::string(40, '[') + std::string(40, ']') + "}"}) {
        EXPECT_EQ(refused(Method::post, "/api/v1/resources", body, user).status, 400) << body;
    }
}

TEST_F(NativeBadInputTest, NamesThatWouldBeSomethingElsewhereAreJustWrongNames) {
    for (const std::string& name :
         {std::string("'; DROP TABLE resources;--"), std::string("../../etc/passwd"), std::string("$(reboot)"),
          std::string("a\r\nSet-Cookie: x"), std::string("<script>"), std::string("%00"), std::string("{{7*7}}"),
          std::string(5'000, 'a'), std::string("\xc3\xbc")}) {
        const std::string quoted = json::dump(json::value(name));
        const Reply reply = refused(Method::post, "/api/v1/resources",
                                    fmt::format(R"({{"engine":"redis","plan":"small","name":{}}})", quoted), user);
        EXPECT_EQ(reply.status, 400) << name;
        EXPECT_THAT(fields_of(reply), ElementsAre("name")) << name;
        EXPECT_EQ(
            refused(Method::post, "/api/v1/organizations", fmt::format(R"({{"id":{}}})", quoted), admin).status,
            400);
    }
    for (const std::string path : {"/api/v1/resources/%27%20OR%201=1", "/api/v1/resources/%3Cscript%3E",
                                   "/api/v1/operations/%24(reboot)", "/api/v1/keys/*", "/api/v1/webhooks/%25"}) {
        EXPECT_EQ(refused(Method::get, path, "", user).status, 404) << path;
    }
    EXPECT_EQ(items(get("/api/v1/resources?name=%27%20OR%20%271%27=%271", user), "resources").size(), 0U);
}

TEST_F(NativeBadInputTest, EveryOtherBodyIsAsStrict) {
    const std::string id = text(make(), "id");
    const std::string resource = "/api/v1/resources/" + id;
    for (const auto& [method, path, body, field] :
         std::vector<std::tuple<Method, std::string, std::string, std::string>>{
             {Method::patch, resource, R"({"state":"gone"})", "state"},
             {Method::patch, resource, R"({"labels":{"a":1}})", "labels.a"},
             {Method::patch, resource, R"({"labels":7})", "labels"},
             {Method::patch, resource, R"({"name":7})", "name"},
             {Method::post, "/api/v1/keys", R"({})", "role"},
             {Method::post, "/api/v1/keys", R"({"role":"root"})", "role"},
             {Method::post, "/api/v1/keys", R"({"role":"user","expires_in_seconds":59})", "expires_in_seconds"},
             {Method::post, "/api/v1/keys", R"({"role":"user","expires_in_seconds":-1})", "expires_in_seconds"},
             {Method::post, "/api/v1/keys", R"({"role":"user","key":"slk_mine"})", "key"},
             {Method::post, "/api/v1/webhooks", R"({})", "url"},
             {Method::post, "/api/v1/webhooks", R"({"url":"http://example.org"})", "url"},
             {Method::post, "/api/v1/webhooks", R"({"url":"https://127.0.0.1/"})", "url"},
             {Method::post, "/api/v1/webhooks", R"({"url":"https://example.org","types":"resource."})", "types"},
             {Method::post, "/api/v1/webhooks", R"({"url":"https://example.org","types":["*"]})", "types"},
             {Method::post, "/api/v1/webhooks", R"({"url":"https://example.org","secret":"x"})", "secret"},
             {Method::post, "/api/v1/organizations", R"({"id":"a","title":7})", "title"},
             {Method::post, "/api/v1/orphans/local/x/adopt", R"({})", "plan"},
             {Method::post, "/api/v1/orphans/local/x/adopt", R"({"plan":"small","kind":"x"})", "kind"},
             {Method::post, "/api/v1/orphans/local/x/adopt", R"({"plan":"small","server":5})", "server"},
             {Method::post, "/api/v1/sweep", R"({"remove":true})", "remove"},
             {Method::post, "/api/v1/operations/x/cancel", R"({"why":"x"})", "why"},
         }) {
        const Reply reply = refused(method, path, body, admin);
        EXPECT_EQ(reply.status, 400) << path << body << reply.body;
        EXPECT_THAT(fields_of(reply), ElementsAre(field)) << path << body;
    }
}

TEST_F(NativeBadInputTest, QueriesTakeWhatTheyKnow) {
    for (const std::string path :
         {"/api/v1/me", "/api/v1/plans", "/api/v1/resources", "/api/v1/keys", "/api/v1/webhooks", "/api/v1/usage",
          "/api/v1/organizations", "/api/v1/organizations/team", "/api/v1/organizations/team/quotas",
          "/api/v1/events", "/api/v1/operations", "/api/v1/orphans", "/api/v1/doctor", "/api/v1/resources/x",
          "/api/v1/resources/x/credentials", "/api/v1/resources/x/events", "/api/v1/keys/x",
          "/api/v1/webhooks/x"}) {
        const Reply reply = refused(Method::get, path + "?bogus=1", "", admin);
        EXPECT_EQ(reply.status, 400) << path;
        EXPECT_THAT(fields_of(reply), ElementsAre("bogus")) << path;
    }
    EXPECT_EQ(refused(Method::delete_, "/api/v1/resources/x?wait_seconds=61", "", user).status, 400);
    EXPECT_EQ(refused(Method::delete_, "/api/v1/resources/x?wait=1", "", user).status, 400);
    const std::string long_text(2'000, 'x');
    EXPECT_EQ(refused(Method::get, "/api/v1/resources?selector=" + long_text, "", user).status, 400);
    EXPECT_EQ(refused(Method::get, "/api/v1/resources?after=" + long_text, "", user).status, 400);
}

TEST_F(NativeBadInputTest, IdempotencyKeysHaveTheirRules) {
    const std::string body = R"({"engine":"redis","plan":"small"})";
    for (const std::string& key :
         {std::string(), std::string("a b"), std::string(129, 'k'), std::string("\xc3\xbc")}) {
        const Reply reply = [&] {
            const Counts before = world.counts();
            Reply answer = post("/api/v1/resources", body, with(user, "Idempotency-Key", key));
            EXPECT_EQ(world.counts(), before);
            return answer;
        }();
        EXPECT_EQ(reply.status, 400) << key;
        EXPECT_THAT(fields_of(reply), ElementsAre("Idempotency-Key"));
    }
}

// A secret in a place where none belongs is not repeated, and one that is shown once stands nowhere else.
TEST_F(NativeBadInputTest, SecretsStandNowhereElse) {
    const std::string canary = "canary-5f3c9a7e";
    std::string logged;
    log::capture([&](std::string_view line) { logged.append(line); });
    std::string answered;
    const auto ask = [&](Method method, const std::string& path, const std::string& body, const Fields& as) {
        const Reply reply = world.ask(method, path, body, as);
        answered += reply.body;
        for (const auto& [name, value] : reply.headers) answered += name + value;
        return reply;
    };
    const std::string quoted = "\"" + canary + "\"";
    for (const std::string field : {"engine", "plan", "kind", "wait_seconds", "labels", "bogus"}) {
        ask(Method::post, "/api/v1/resources", fmt::format(R"({{"{}":{}}})", field, quoted), user);
    }
    ask(Method::post, "/api/v1/resources", R"({"engine":"redis","plan":")" + canary + "\"}", user);
    ask(Method::post, "/api/v1/resources", R"({"engine":"redis","plan":"small","name":"oct-)" + canary + "_\"}",
        user);
    ask(Method::post, "/api/v1/resources", R"({"engine":"redis","plan":"small","organization":)" + quoted + "}",
        admin);
    ask(Method::post, "/api/v1/resources", "{" + canary, user);
    ask(Method::post, "/api/v1/resources", R"({"engine":"redis","plan":"small"})",
        with(user, "Idempotency-Key", canary + " x"));
    ask(Method::get, "/api/v1/resources/" + canary, "", user);
    ask(Method::get, "/api/v1/resources?selector=a%20" + canary, "", user);
    ask(Method::get, "/api/v1/resources?limit=" + canary, "", user);
    ask(Method::get, "/api/v1/me", "", World::bearer(canary));
    ask(Method::get, "/api/v1/me", "", {{"X-Auth-Token", canary}});
    ask(Method::get, "/api/v1/me", "", {{"Authorization", "Basic " + canary}});
    ask(Method::get, "/api/v1/me", "", with(user, "traceparent", canary));
    ask(Method::post, "/api/v1/webhooks", R"({"url":"https://u:)" + canary + R"(@example.org/"})", user);
    ask(Method::put, "/api/v1/organizations/team/quotas",
        fmt::format(R"({{"quotas":[{{"kind":"cache","engine":{0},"plan":{0},"limit":1}}]}})", quoted), admin);
    EXPECT_THAT(answered, Not(HasSubstr(canary)));

    const std::string id = text(make(), "id");
    const std::string key = text(post("/api/v1/keys", R"({"role":"user"})", user).json(), "key");
    const std::string secret =
        text(post("/api/v1/webhooks", R"({"url":"https://example.org/x"})", user).json(), "secret");
    const std::string password = text(get("/api/v1/resources/" + id + "/credentials", user).json(), "password");
    for (const std::string path :
         {"/api/v1/resources", "/api/v1/operations", "/api/v1/events?limit=1000", "/api/v1/keys",
          "/api/v1/webhooks", "/api/v1/plans", "/api/v1/usage", "/api/v1/organizations"}) {
        ask(Method::get, path, "", admin);
        ask(Method::get, path, "", user);
    }
    ask(Method::get, "/api/v1/me", "", World::bearer(key));
    log::capture({});
    for (const Event& event : world.store.snapshot().events({}, 0, 1000).items) {
        answered += event.body.message + json::dump(event.body.data) + event.body.actor;
    }
    for (const std::string& planted : {canary, key, secret, password, admin.at(0).second.substr(7)}) {
        ASSERT_GE(planted.size(), 15U);
        EXPECT_THAT(answered, Not(HasSubstr(planted)));
        EXPECT_THAT(logged, Not(HasSubstr(planted)));
    }
}

TEST(Traceparent, OnlyWhatTheSpecificationCallsOneIsTaken) {
    const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    EXPECT_TRUE(valid_traceparent(good));
    EXPECT_TRUE(valid_traceparent("cc" + good.substr(2) + "-what-the-future-brings"));
    for (const std::string& bad : std::vector<std::string>{
             std::string(), good.substr(1), good + "-more", good + "0", "ff" + good.substr(2),
             "0G" + good.substr(2), "00-00000000000000000000000000000000-b7ad6b7169203331-01",
             "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
             "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00_" + good.substr(3),
             "cc" + good.substr(2) + "more", "cc" + good.substr(2) + "-" + std::string(200, 'x'),
             "cc" + good.substr(2) + "-a b"}) {
        EXPECT_FALSE(valid_traceparent(bad)) << bad;
    }
}

TEST_F(NativeBadInputTest, ATraceStaysWithWhatItCaused) {
    const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const Reply made = post("/api/v1/resources", R"({"engine":"redis","plan":"small","wait_seconds":60})",
                            with(user, "traceparent", trace));
    EXPECT_EQ(text(member(made, "operation"), "trace"), trace);
    EXPECT_EQ(made.header("traceparent"), "") << "it is only passed on";
    for (const json::value& each : items(get(made.header("Location") + "/events", user), "events")) {
        EXPECT_EQ(text(each.as_object(), "trace"), trace) << each;
    }
    const Reply later = post("/api/v1/resources", R"({"engine":"redis","plan":"small"})",
                             with(user, "traceparent", "cc" + trace.substr(2) + "-what-the-future-brings"));
    EXPECT_EQ(text(member(later, "operation"), "trace"), trace) << "what is not understood is not kept";
    const Reply without = post("/api/v1/resources", R"({"engine":"redis","plan":"small"})",
                               with(user, "traceparent", "00-not-a-trace"));
    EXPECT_EQ(without.status, 202);
    EXPECT_TRUE(member(without, "operation").at("trace").is_null());
}

TEST(Times, AreThoseOfTheirSpecification) {
    const auto at = [](std::string_view text) {
        const auto time = parse_time(text);
        return time ? format_time(*time) : std::string("none");
    };
    EXPECT_EQ(at("2016-05-20T04:28:03.758Z"), "2016-05-20T04:28:03.758Z");
    EXPECT_EQ(at("2016-05-20t04:28:03z"), "2016-05-20T04:28:03.000Z");
    EXPECT_EQ(at("2016-05-20T04:28:03.123456789+02:00"), "2016-05-20T02:28:03.123Z");
    EXPECT_EQ(at("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
    EXPECT_EQ(at("2016-02-29T00:00:00-05:30"), "2016-02-29T05:30:00.000Z");
    for (const std::string_view bad :
         {"", "2016", "2016-05-20", "2016-05-20T04:28Z", "2016-05-20T04:28:03", "2016-05-20 04:28:03Z",
          "2015-02-29T00:00:00Z", "2016-13-01T00:00:00Z", "2016-05-20T24:00:00Z", "2016-05-20T04:28:03.Z",
          "2016-05-20T04:28:03.1234567890Z", "2016-05-20T04:28:03+2:00", "2016-05-20T04:28:03Zx",
          "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "-016-05-20T04:28:03Z", "2200-12-31T23:59:60Z",
          "2200-12-31T23:59:59-00:01"}) {
        EXPECT_EQ(at(bad), "none") << bad;
    }
}

}  // namespace
}  // namespace slipway::faces::test
