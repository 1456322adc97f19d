// What an operator does around databases, on the built program: dry runs, quotas, usage, the story of one, and what
// nobody accounts for on a server.
#include "databases_test_support.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class ServeOperatedDatabases : public ServeDatabases {
  protected:
    bool postgres() const { return GetParam() == "postgres"; }
    json::array resources(const std::string& kind) const {
        return site_.as_administrator("GET", "/api/v1/resources?kind=" + kind).object().at("resources").as_array();
    }
    // Of the one server that there is.
    Login master() const {
        const json::array all = instances();
        if (all.size() != 1) ADD_FAILURE() << all.size() << " servers";
        const json::object found = all.empty() ? json::object() : all.at(0).as_object();
        return {GetParam(), static_cast<std::uint16_t>(std::stoul("0" + json::get_string(found, "port"))),
                json::get_string(found, "user"), json::get_string(found, "password"),
                postgres() ? "postgres" : "mysql"};
    }
    std::string installation() const {
        const std::string line = site_.log_lines_with("installation=").at(0);
        const std::size_t begin = line.find("installation=") + std::string_view("installation=").size();
        return line.substr(begin, line.find_first_of(" \n", begin) - begin);
    }
    // A role with its database, or a user with its, that bears our mark and that no record speaks of: what a broker
    // would leave behind that forgot.
    void plant(const std::string& name) const {
        const std::string mark = fmt::format("slipway:1 {} res_forgotten 1 {} {}", installation(), name, name);
        std::vector<std::string> statements;
        if (postgres()) {
            statements = {fmt::format("CREATE ROLE \"{}\" LOGIN", name),
                          fmt::format("COMMENT ON ROLE \"{}\" IS '{}'", name, mark),
                          fmt::format("GRANT \"{}\" TO CURRENT_USER", name),
                          fmt::format("CREATE DATABASE \"{0}\" OWNER \"{0}\"", name)};
        } else {
            statements = {
                fmt::format("INSERT INTO slipway.tenants (external_name, installation, resource, generation, "
                            "db, user) VALUES ('{0}', '{1}', 'res_forgotten', 1, '{0}', '{0}')",
                            name, installation()),
                fmt::format("CREATE USER '{}'@'%'", name), fmt::format("CREATE DATABASE `{}`", name)};
        }
        for (const std::string& each : statements) {
            std::string why;
            ASSERT_TRUE(ask_sql(master(), each, &why)) << each << ": " << why;
        }
    }
    // How many of role (or user) and database are there.
    std::string left_of(const std::string& name) const {
        const std::string question =
            postgres() ? fmt::format(
                             "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = '{0}') + "
                             "(SELECT count(*) FROM pg_database WHERE datname = '{0}')",
                             name)
                       : fmt::format(
                             "SELECT (SELECT count(*) FROM mysql.user WHERE User = '{0}') + (SELECT count(*) "
                             "FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{0}')",
                             name);
        return ask_sql(master(), question).value_or("no answer");
    }
    Answer plan(const std::string& verb, const std::string& rest) const {
        return site_.as_administrator("POST", "/api/v1/plan", fmt::format(R"({{"verb":"{}",{}}})", verb, rest));
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeOperatedDatabases, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeOperatedDatabases, ADryRunSaysWhereOneWouldGoAndMakesNothing) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::string wanted =
        fmt::format(R"("request":{{"kind":"database","engine":"{}","plan":"shared"}})", GetParam());
    const Answer first = plan("create", wanted);
    ASSERT_EQ(first.status, 200) << first.body;
    EXPECT_THAT(first.body, HasSubstr(R"("allowed":true)"));
    EXPECT_THAT(first.body, HasSubstr("make the server hephy-instance-0000001 first"));
    EXPECT_TRUE(instances().empty());
    EXPECT_TRUE(resources("database").empty());
    create("shop");
    const Answer second = plan("create", wanted);
    EXPECT_THAT(second.body, HasSubstr("on hephy-instance-0000001"));
    EXPECT_EQ(second.body.find("make the server"), std::string::npos) << second.body;
    const std::string server = json::get_string(resources("database-server").at(0).as_object(), "id");
    const Answer removal = plan("delete", fmt::format(R"("resource":"{}")", server));
    EXPECT_THAT(removal.body, HasSubstr(R"("allowed":false)")) << "it serves one";
    EXPECT_EQ(resources("database").size(), 1U);
}

TEST_P(ServeOperatedDatabases, QuotasHoldForThemAndUsageCountsThem) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::string quotas =
        fmt::format(R"({{"quotas":[{{"kind":"database","engine":"{}","plan":"shared","limit":1}}]}})", GetParam());
    ASSERT_EQ(site_.as_administrator("PUT", "/api/v1/organizations/default/quotas", quotas).status, 200);
    create("shop");
    ASSERT_EQ(ask("POST", kClusters, R"({"name":"more"})").status, 201);
    const Answer refused = ask("POST", path_of("more"), fmt::format(R"({{"engine":"{}"}})", GetParam()));
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_THAT(refused.body, HasSubstr(GetParam() + "/shared"));
    const Answer shown = site_.as_administrator("GET", "/api/v1/organizations/default");
    EXPECT_THAT(shown.body, HasSubstr(R"("used":1)")) << "its server is nobody's quota";

    const Answer usage = site_.as_administrator("GET", "/api/v1/usage?organization=default");
    ASSERT_EQ(usage.status, 200) << usage.body;
    const json::array lines = usage.object().at("usage").as_array();
    ASSERT_EQ(lines.size(), 1U) << usage.body;
    EXPECT_EQ(json::get_string(lines.at(0).as_object(), "kind"), "database");
    EXPECT_EQ(json::get_int(lines.at(0).as_object(), "resources"), 1);
    ASSERT_EQ(ask("DELETE", path_of("shop")).status, 200);
    ASSERT_TRUE(comes_to("shop", "decommissioned"));
    EXPECT_EQ(ask("POST", path_of("more"), fmt::format(R"({{"engine":"{}"}})", GetParam())).status, 201);
}

TEST_P(ServeOperatedDatabases, TheStoryOfOneIsToldFromItsEvents) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    create("shop");
    const json::object database = resources("database").at(0).as_object();
    const Answer events =
        site_.as_administrator("GET", "/api/v1/events?resource=" + json::get_string(database, "id"));
    ASSERT_EQ(events.status, 200) << events.body;
    EXPECT_THAT(events.body, HasSubstr("resource.requested"));
    EXPECT_THAT(events.body, HasSubstr("resource.ready"));
    const Answer operations =
        site_.as_administrator("GET", "/api/v1/operations?resource=" + json::get_string(database, "id"));
    EXPECT_THAT(operations.body, HasSubstr(R"("state":"succeeded")"));
}

TEST_P(ServeOperatedDatabases, WhatNobodyAccountsForOnAServerIsListedAndRemoved) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login kept = create("shop");
    ASSERT_NO_FATAL_FAILURE(plant("oct-0badcafe"));
    ASSERT_EQ(left_of("oct-0badcafe"), "2");
    const Answer swept = site_.as_administrator("POST", "/api/v1/sweep", R"({"dry_run":true})");
    ASSERT_EQ(swept.status, 200) << swept.body;
    EXPECT_THAT(swept.body, HasSubstr("oct-0badcafe"));
    EXPECT_THAT(swept.body, HasSubstr(R"("kind":"lost")"));
    EXPECT_EQ(left_of("oct-0badcafe"), "2") << "a dry run touches nothing";
    const Answer listed = site_.as_administrator("GET", "/api/v1/orphans");
    EXPECT_THAT(listed.body, HasSubstr(R"("provider":"databases")"));
    const Answer removed = site_.as_administrator("DELETE", "/api/v1/orphans/databases/oct-0badcafe");
    EXPECT_EQ(removed.status, 200) << removed.body;
    EXPECT_TRUE(eventually([&] { return left_of("oct-0badcafe") == "0"; }, seconds(30))) << site_.log();
    EXPECT_EQ(ask_sql(kept, "SELECT 'in'"), "in") << "and nothing else was";
    EXPECT_TRUE(comes_to("shop", "ready"));
}

}  // namespace
}  // namespace slipway::testing
