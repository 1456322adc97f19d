// The native API on the built program with real engines: what unit tests show of its parts, in one piece.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Native : public ::testing::Test {
  protected:
    Site site_;

    Answer admin(const std::string& method, const std::string& target, const std::string& body = {}) {
        return site_.as_administrator(method, "/api/v1" + target, body);
    }
    static json::object member(const Answer& answer, std::string_view key) {
        const json::object all = answer.object();
        const auto* found = all.if_contains(key);
        EXPECT_TRUE(found != nullptr && found->is_object()) << answer.body;
        return found != nullptr && found->is_object() ? found->get_object() : json::object();
    }
    json::object make(const std::string& name) {
        const Answer made =
            admin("POST", "/resources",
                  fmt::format(R"({{"engine":"redis","plan":"small","name":"{}","wait_seconds":60}})", name));
        EXPECT_EQ(made.status, 201) << made.body;
        return made.status == 201 ? member(made, "resource") : json::object();
    }
    RedisUrl url_of(const std::string& name) {
        const Answer shown = admin("GET", "/resources/" + name + "/credentials");
        EXPECT_EQ(shown.status, 200) << shown.body;
        return RedisUrl(shown.text("url"));
    }
};

TEST_F(Native, AResourceIsMadeChangedAndRemovedByItsName) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer dry = admin("POST", "/plan", R"({"verb":"create","request":{"engine":"redis","plan":"small"}})");
    EXPECT_TRUE(dry.object().at("allowed").as_bool()) << dry.body;
    EXPECT_EQ(site_.engines().size(), 0U);
    const std::string external = json::get_string(make("sessions"), "external_name");
    const RedisUrl before = url_of("sessions");
    EXPECT_EQ(redis(before, {"SET", "k", "v"}), "+OK");
    EXPECT_EQ(admin("POST", "/resources", R"({"engine":"redis","plan":"small","name":"sessions"})").status, 409);

    const Answer changed =
        admin("PATCH", "/resources/sessions", R"({"plan":"large","labels":{"team":"web"},"wait_seconds":60})");
    ASSERT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(json::get_string(member(changed, "operation"), "state"), "succeeded") << changed.body;
    EXPECT_EQ(redis(url_of("sessions"), {"GET", "k"}), "v") << "its data is kept";
    EXPECT_EQ(site_.engines(external).size(), 1U);
    EXPECT_THAT(admin("GET", "/resources?selector=team%20in%20(web)").body, HasSubstr(external));

    const Answer removed = admin("DELETE", "/resources/sessions?wait_seconds=60");
    EXPECT_EQ(removed.status, 200) << removed.body;
    EXPECT_TRUE(eventually([&] { return site_.engines(external).empty(); }));
    const Answer usage = admin("GET", "/usage");
    EXPECT_EQ(usage.object().at("usage").as_array().size(), 2U) << "two plans, one after the other: " << usage.body;
}

TEST_F(Native, AStreamBringsEventsAndEndsWhenTheServerStops) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Connection listener(site_.port());
    ASSERT_TRUE(
        listener.send(fmt::format("GET /api/v1/events?after=now HTTP/1.1\r\nHost: x\r\n"
                                  "Accept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
                                  site_.admin_key())));
    const std::string head = listener.receive([](const std::string& got) { return got.contains("\n:\n\n"); });
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream"));
    const std::string id = json::get_string(make("sessions"), "id");
    const std::string events =
        listener.receive([](const std::string& got) { return got.contains("event: operation.succeeded"); });
    EXPECT_THAT(events, HasSubstr("event: resource.ready"));
    EXPECT_THAT(events, HasSubstr(id));
    EXPECT_EQ(site_.terminate(), 0);
    const std::string rest = listener.receive([](const std::string&) { return false; });
    EXPECT_TRUE(rest.ends_with("0\r\n\r\n")) << "the end is told, so that a client takes it up elsewhere: " << rest;
}

TEST_F(Native, KeysWorkUntilTheyAreRevokedAndOrganizationsAreApart) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_EQ(admin("POST", "/organizations", R"({"id":"acme","title":"Acme"})").status, 201);
    const Answer key = admin("POST", "/keys", R"({"role":"user","organization":"acme"})");
    ASSERT_EQ(key.status, 201) << key.body;
    const std::string as_acme = "Authorization: Bearer " + key.text("key") + "\r\n";
    EXPECT_EQ(site_.request("GET", "/api/v1/me", "", as_acme).text("organization"), "acme");
    make("sessions");
    EXPECT_EQ(site_.request("GET", "/api/v1/resources/sessions", "", as_acme).status, 404);
    ASSERT_EQ(admin("PUT", "/organizations/acme/quotas", R"({"quotas":[{"limit":0}]})").status, 200);
    EXPECT_EQ(site_.request("POST", "/api/v1/resources", R"({"engine":"redis","plan":"small"})", as_acme).status,
              429);
    EXPECT_EQ(admin("DELETE", "/keys/" + key.text("id")).status, 204);
    EXPECT_EQ(site_.request("GET", "/api/v1/me", "", as_acme).status, 401);
    EXPECT_EQ(site_.log_lines_with(key.text("key")).size(), 0U);
}

}  // namespace
}  // namespace slipway::testing
