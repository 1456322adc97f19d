// Databases that are made ahead of need, through the whole program with a real PostgreSQL.
#include <set>
#include <thread>

#include "databases_test_support.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;
using ::testing::StartsWith;

class ServePool : public DatabasesOverHttp {
  protected:
    ServePool() : DatabasesOverHttp("postgres") {}
    // This many are kept ready; each server serves so many, and one more.
    void configure(int level, int threshold = 50) {
        site_.configure(
            fmt::format("[pool]\npostgres.shared = {}\n"
                        "[[plan]]\nkind = \"database-server\"\nengine = \"postgres\"\nname = \"small\"\n"
                        "parameters = {{instance_class = \"db.t3.medium\"}}\n"
                        "[[plan]]\nkind = \"database\"\nengine = \"postgres\"\nname = \"shared\"\n"
                        "threshold = {}\n",
                        level, threshold));
    }
    // Ready, and nobody's yet: their external names.
    std::set<std::string> ahead() const {
        std::set<std::string> names;
        const Answer found = site_.as_administrator(
            "GET", "/api/v1/resources?state=ready&kind=database&pooled=true&organization=system");
        EXPECT_EQ(found.status, 200) << found.body;
        for (const json::value& each : found.object().at("resources").as_array()) {
            names.insert(json::get_string(each.as_object(), "external_name"));
        }
        return names;
    }
    [[nodiscard]] bool filled(std::size_t level) const {
        return eventually([&] { return ahead().size() == level; }, seconds(60));
    }
    // What the servers' own catalogs have of tenants.
    std::set<std::string> tenants() const {
        std::set<std::string> all;
        for (const json::value& each : instances()) {
            const json::object& found = each.as_object();
            const Login master{engine_,
                               static_cast<std::uint16_t>(std::stoul("0" + json::get_string(found, "port"))),
                               json::get_string(found, "user"), json::get_string(found, "password"), "postgres"};
            std::string why;
            const auto names =
                ask_sql(master,
                        "SELECT coalesce(string_agg(name, ','), '') FROM (SELECT datname::text AS name FROM"
                        " pg_database WHERE datname ~ '^(cluster|oct)-' UNION SELECT rolname::text FROM pg_roles"
                        " WHERE rolname ~ '^(hephy|oct)-') AS tenants",
                        &why);
            EXPECT_TRUE(names) << why;
            std::istringstream in(names.value_or(""));
            for (std::string name; std::getline(in, name, ',');) all.insert(name);
        }
        return all;
    }
    void expect_only(const std::vector<std::string>& clusters) const {
        std::set<std::string> wanted = ahead();
        for (const std::string& each : clusters) {
            const Login login = login_of(each);
            wanted.insert(login.database);
            wanted.insert(login.user);
        }
        EXPECT_EQ(tenants(), wanted);
    }
};

TEST_F(ServePool, OneThatIsReadyTakesTheNamesOfWhoAsks) {
    configure(1);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(filled(1)) << site_.log();
    const std::string made = *ahead().begin();
    const Login login = create("shop");
    EXPECT_THAT(login.database, StartsWith("cluster-"));
    EXPECT_EQ(login.user, "hephy-" + login.database);
    std::string why;
    EXPECT_EQ(ask_sql(login, "CREATE TABLE t (v int); INSERT INTO t VALUES (7); SELECT v FROM t", &why), "7")
        << why;
    const Answer found = site_.as_administrator("GET", "/api/v1/resources/" + made);
    EXPECT_EQ(found.text("organization"), "default") << "it is the one that was made ahead: " << found.body;
    ASSERT_TRUE(filled(1)) << "and another is made for it: " << site_.log();
    expect_only({"shop"});
    EXPECT_EQ(ask("DELETE", path_of("shop")).status, 200);
    EXPECT_TRUE(comes_to("shop", "decommissioned")) << site_.log();
    EXPECT_EQ(ask_sql(login, "SELECT 1"), std::nullopt);
    expect_only({});
    EXPECT_EQ(site_.log().find(login.password), std::string::npos);
}

TEST_F(ServePool, ManyAtOnceEachGetOneOfTheirOwnAndPlacesAreCountedOnce) {
    configure(3, 3);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(filled(3)) << site_.log();
    std::vector<std::string> clusters;
    std::vector<std::thread> callers;
    for (int i = 0; i < 6; ++i) {
        clusters.push_back(fmt::format("c{}", i));
        callers.emplace_back([this, cluster = clusters.back()] { request(cluster); });
    }
    for (std::thread& caller : callers) caller.join();
    std::set<std::string> users;
    for (const std::string& each : clusters) {
        ASSERT_TRUE(comes_to(each, "ready")) << ask("GET", path_of(each)).body << site_.log();
        users.insert(login_of(each).user);
        EXPECT_EQ(ask_sql(login_of(each), "SELECT 'in'"), "in");
    }
    EXPECT_EQ(users.size(), clusters.size());
    ASSERT_TRUE(filled(3)) << site_.log();
    EXPECT_EQ(instances().size(), 3U) << "nine on servers for four each";
    expect_only(clusters);
}

// Whenever the broker dies, the one that is being given away gets its names or is not given.
TEST_F(ServePool, AKilledBrokerFinishesItsClaims) {
    configure(4);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    std::vector<std::string> clusters;
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(filled(4)) << site_.log();
        std::vector<std::thread> callers;
        for (int i = 0; i < 4; ++i) {
            clusters.push_back(fmt::format("c{}-{}", round, i));
            callers.emplace_back([this, cluster = clusters.back()] { request(cluster); });
        }
        for (std::thread& caller : callers) caller.join();
        site_.kill();
        ASSERT_NO_FATAL_FAILURE(site_.start());
    }
    for (const std::string& each : clusters) {
        ASSERT_TRUE(comes_to(each, "ready")) << ask("GET", path_of(each)).body << site_.log();
        EXPECT_EQ(ask_sql(login_of(each), "SELECT 'in'"), "in");
    }
    ASSERT_TRUE(filled(4)) << site_.log();
    expect_only(clusters);
}

}  // namespace
}  // namespace slipway::testing
