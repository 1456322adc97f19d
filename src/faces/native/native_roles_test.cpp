// Who may do what: every operation that api/native.yaml describes, for callers of every role.
#include <array>

#include <gmock/gmock.h>

#include "broker/console_test_support.h"
#include "faces/native/native_test_support.h"
#include "faces/native/openapi.h"

namespace slipway::faces::test {
namespace {

struct Row {
    Method method;
    std::string path;  // as described; {…} stand for things of the team
    std::string body;
    // Of nobody, a reader and a user of the team, an administrator of another organization, a user of another one.
    std::array<int, 5> expected;
};

constexpr auto kGet = Method::get;
constexpr auto kPost = Method::post;
constexpr auto kPatch = Method::patch;
constexpr auto kPut = Method::put;
constexpr auto kDelete = Method::delete_;

const std::vector<Row>& rows() {
    static const std::string kMake = R"({"engine":"redis","plan":"small"})";
    static const std::string kHook = R"({"url":"https://example.org/x"})";
    static const std::string kQuotas = R"({"quotas":[]})";
    static const std::string kTry = R"({"verb":"delete","resource":"mine"})";
    static const std::string kAdopt = R"({"plan":"small"})";
    static const std::vector<Row> table{
        {kGet, "/api/v1/openapi.yaml", "", {200, 200, 200, 200, 200}},
        {kGet, "/api/v1/openapi/redis.yaml", "", {200, 200, 200, 200, 200}},
        {kGet, "/api/v1/openapi/memcached.yaml", "", {200, 200, 200, 200, 200}},
        {kGet, "/api/v1/openapi/harbourmaster.yaml", "", {200, 200, 200, 200, 200}},
        {kGet, "/api/v1/openapi/ec2.yaml", "", {200, 200, 200, 200, 200}},
        {kGet, "/api/v1/me", "", {401, 200, 200, 200, 200}},
        {kGet, "/api/v1/plans", "", {401, 200, 200, 200, 200}},
        {kPost, "/api/v1/plan", kTry, {401, 200, 200, 200, 404}},
        {kGet, "/api/v1/resources", "", {401, 200, 200, 200, 200}},
        {kPost, "/api/v1/resources", kMake, {401, 403, 202, 202, 202}},
        {kGet, "/api/v1/resources/{name}", "", {401, 200, 200, 200, 404}},
        {kPatch, "/api/v1/resources/{name}", R"({"labels":{"a":"b"}})", {401, 403, 200, 200, 404}},
        {kDelete, "/api/v1/resources/{name}", "", {401, 403, 202, 202, 404}},
        {kGet, "/api/v1/resources/{name}/credentials", "", {401, 403, 200, 403, 404}},
        {kPost, "/api/v1/resources/{name}/backups", "", {401, 403, 400, 400, 404}},
        {kGet, "/api/v1/resources/{name}/backups", "", {401, 200, 200, 200, 404}},
        // Of a cache, which has none.
        {kPost, "/api/v1/resources/{name}/rotate", "", {401, 403, 409, 403, 404}},
        {kPost, "/api/v1/resources/{name}/rotate/confirm", "", {401, 403, 409, 403, 404}},
        {kGet, "/api/v1/resources/{name}/console", "", {401, 403, 409, 409, 404}},
        {kPost, "/api/v1/resources/{name}/console", "x", {401, 403, 409, 409, 404}},
        {kGet, "/api/v1/resources/{name}/events", "", {401, 200, 200, 200, 404}},
        {kGet, "/api/v1/operations", "", {401, 200, 200, 200, 200}},
        {kGet, "/api/v1/operations/{id}", "", {401, 200, 200, 200, 404}},
        {kGet, "/api/v1/operations/{id}/log", "", {401, 200, 200, 200, 404}},
        {kPost, "/api/v1/operations/{id}/cancel", "", {401, 403, 200, 200, 404}},
        {kGet, "/api/v1/events", "", {401, 200, 200, 200, 200}},
        {kGet, "/api/v1/webhooks", "", {401, 200, 200, 200, 200}},
        {kPost, "/api/v1/webhooks", kHook, {401, 403, 201, 201, 201}},
        {kGet, "/api/v1/webhooks/{id}", "", {401, 200, 200, 200, 404}},
        {kPatch, "/api/v1/webhooks/{id}", R"({"enabled":false})", {401, 403, 200, 200, 404}},
        {kDelete, "/api/v1/webhooks/{id}", "", {401, 403, 204, 204, 404}},
        {kPost, "/api/v1/webhooks/{id}/test", "", {401, 403, 200, 200, 404}},
        {kGet, "/api/v1/keys", "", {401, 200, 200, 200, 200}},
        {kPost, "/api/v1/keys", R"({"role":"reader"})", {401, 403, 201, 201, 201}},
        {kGet, "/api/v1/keys/{id}", "", {401, 200, 200, 200, 404}},
        {kDelete, "/api/v1/keys/{id}", "", {401, 403, 204, 204, 404}},
        {kGet, "/api/v1/organizations", "", {401, 200, 200, 200, 200}},
        {kPost, "/api/v1/organizations", R"({"id":"new"})", {401, 403, 403, 201, 403}},
        {kGet, "/api/v1/organizations/{id}", "", {401, 200, 200, 200, 404}},
        {kDelete, "/api/v1/organizations/{id}", "", {401, 403, 403, 409, 403}},
        {kGet, "/api/v1/organizations/{id}/quotas", "", {401, 200, 200, 200, 404}},
        {kPut, "/api/v1/organizations/{id}/quotas", kQuotas, {401, 403, 403, 200, 403}},
        {kGet, "/api/v1/usage", "", {401, 200, 200, 200, 200}},
        {kGet, "/api/v1/orphans", "", {401, 403, 403, 200, 403}},
        {kDelete, "/api/v1/orphans/{provider}/{name}", "", {401, 403, 403, 200, 403}},
        {kPost, "/api/v1/orphans/{provider}/{name}/adopt", kAdopt, {401, 403, 403, 202, 403}},
        {kPost, "/api/v1/sweep", "", {401, 403, 403, 200, 403}},
        {kGet, "/api/v1/doctor", "", {401, 403, 403, 200, 403}},
        {kGet, "/healthz", "", {200, 200, 200, 200, 200}},
        {kGet, "/readyz", "", {200, 200, 200, 200, 200}},
    };
    return table;
}

// One row in a world of its own, so that no row sees what another did.
class NativeRolesTest : public NativeTest {
  protected:
    NativeRolesTest() {
        serve_ports();
        world.ports.consoles = &consoles_;
        lost();
        resource_ = text(make(R"("name":"mine")"), "id");
        key_ = text(post("/api/v1/keys", R"({"role":"reader"})", user).json(), "id");
        webhook_ = text(post("/api/v1/webhooks", R"({"url":"https://example.org/x"})", user).json(), "id");
        world.worker.paused = true;
        operation_ = text(
            member(post("/api/v1/resources", R"({"engine":"redis","plan":"small"})", user), "operation"), "id");
    }
    std::string target(const Row& row) const {
        std::string path = row.path;
        const auto put_in = [&](const std::string& name, const std::string& value) {
            if (const auto at = path.find(name); at != std::string::npos) path.replace(at, name.size(), value);
        };
        put_in("{provider}", "local");
        if (path.starts_with("/api/v1/orphans")) put_in("{name}", "oct-0badcafe");
        put_in("{name}", resource_);
        if (path.starts_with("/api/v1/operations")) put_in("{id}", operation_);
        if (path.starts_with("/api/v1/webhooks")) put_in("{id}", webhook_);
        if (path.starts_with("/api/v1/keys")) put_in("{id}", key_);
        if (path.starts_with("/api/v1/organizations")) put_in("{id}", "team");
        return path;
    }

  private:
    broker_test::ScriptedConsoles console_;
    broker_test::ManualScheduler scheduler_{world.manual};
    ConsoleOperations consoles_{{world.broker, world.store, world.clock(), scheduler_, console_}};
    std::string resource_;
    std::string operation_;
    std::string webhook_;
    std::string key_;
};

class EveryRow : public NativeRolesTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(EveryRow, IsForWhomItIs) {
    const Row& row = rows()[GetParam() / 5];
    const std::size_t who = GetParam() % 5;
    const std::array<Fields, 5> callers{Fields(), reader, user, admin, stranger};
    const std::array<std::string_view, 5> names{"nobody", "a reader", "a user", "an administrator",
                                                "a user of another organization"};
    const Counts before = world.counts();
    const Reply reply = world.ask(row.method, target(row), row.body, callers.at(who));
    EXPECT_EQ(reply.status, row.expected.at(who))
        << http::to_string(row.method) << ' ' << row.path << " by " << names.at(who) << ": " << reply.body;
    if (reply.status >= 400) EXPECT_EQ(world.counts(), before) << "what is refused changes nothing";
}

INSTANTIATE_TEST_SUITE_P(NativeRoles, EveryRow, testing::Range<std::size_t>(0, rows().size() * 5));

// A request that nobody thought of here would be one that nobody checked.
TEST(NativeRolesTable, HasEveryOperationOfTheDescription) {
    std::set<std::string> described;
    std::istringstream lines{std::string(kNativeOpenApi)};
    std::string path;
    for (std::string line; std::getline(lines, line) && line != "components:";) {
        if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
        for (const std::string_view method : {"get", "put", "post", "patch", "delete"}) {
            if (line == fmt::format("    {}:", method)) described.insert(fmt::format("{} {}", method, path));
        }
    }
    // No face's: the server adds it, and tests/serve/observe_test.cpp asks who may read it.
    EXPECT_EQ(described.erase("get /metrics"), 1U);
    std::set<std::string> tested;
    for (const Row& row : rows()) {
        std::string method(http::to_string(row.method));
        std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
        tested.insert(fmt::format("{} {}", method, row.path));
    }
    EXPECT_EQ(tested, described);
}

}  // namespace
}  // namespace slipway::faces::test
