// Backups over HTTP, on real servers: one is taken, its database is removed, and a new one is filled from it.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/certificate_test_support.h"
#include "program.h"
#include "sql_client.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kClusters = "/v1/organizations/default/clusters";

class ServeBackups : public ::testing::TestWithParam<std::string> {
  protected:
    Answer ask(const std::string& method, const std::string& target, const std::string& body = {}) const {
        return site_.request(method, target, body,
                             fmt::format("Authorization: {}\r\nAccept: application/json\r\n"
                                         "Content-Type: application/json\r\n",
                                         site_.admin_key()));
    }
    static std::string path_of(const std::string& cluster) {
        return fmt::format("{}/{}/hephy/databases", kClusters, cluster);
    }
    bool comes_to(const std::string& target, const std::string& state) const {
        return eventually([&] { return ask("GET", target).text("state") == state; }, seconds(90));
    }
    void add_cluster(const std::string& cluster) const {
        EXPECT_EQ(ask("POST", kClusters, fmt::format(R"({{"name":"{}"}})", cluster)).status, 201);
    }
    Login login_of(const std::string& cluster) const {
        const Answer found = ask("GET", path_of(cluster));
        const std::string port = found.text("hephy_db_port");
        return {GetParam(), static_cast<std::uint16_t>(port.empty() ? 0 : std::stoul(port)),
                found.text("hephy_db_user"), found.text("hephy_db_password"), found.text("hephy_db_name")};
    }
    Login create(const std::string& cluster) const {
        add_cluster(cluster);
        const Answer made = ask("POST", path_of(cluster), fmt::format(R"({{"engine":"{}"}})", GetParam()));
        EXPECT_EQ(made.status, 201) << made.body;
        EXPECT_TRUE(comes_to(path_of(cluster), "ready")) << ask("GET", path_of(cluster)).body << site_.log();
        return login_of(cluster);
    }

    // What works on a resource now, in its own words.
    std::string progress_of(const std::string& name) const {
        const Answer shown = site_.as_administrator("GET", "/api/v1/resources/" + name);
        const std::string operation = shown.text("operation");
        if (operation.empty()) return {};
        return site_.as_administrator("GET", "/api/v1/operations/" + operation).text("reason");
    }
    std::string state_of(const std::string& name) const {
        return site_.as_administrator("GET", "/api/v1/resources/" + name).text("state");
    }
    Login native_login_of(const std::string& name) const {
        const Answer found = site_.as_administrator("GET", "/api/v1/resources/" + name + "/credentials");
        return {GetParam(), static_cast<std::uint16_t>(json::get_int(found.object(), "port")),
                found.text("username"), found.text("password"), found.text("database")};
    }

    Site site_;
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeBackups, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeBackups, OutliveTheirDatabaseAndFillANewOne) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    std::string why;
    ASSERT_EQ(ask_sql(login, "CREATE TABLE t (v varchar(20)); INSERT INTO t VALUES ('kept')", &why), "") << why;
    const std::string backups = path_of("shop") + "/backups";
    const Answer made = ask("POST", backups, R"({"name":"nightly"})");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.text("name"), "nightly");
    ASSERT_TRUE(comes_to(backups + "/nightly", "ready")) << ask("GET", backups).body << site_.log();
    EXPECT_THAT(ask("GET", backups + "/nightly").body, HasSubstr("\"size_bytes\":"));

    // The broker dies; nothing of what was kept does.
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(ask("POST", path_of("shop"), R"({"restore_from":"nightly"})").status, 409) << "it has one";
    EXPECT_EQ(ask("DELETE", path_of("shop")).status, 200);
    ASSERT_TRUE(comes_to(path_of("shop"), "decommissioned")) << site_.log();
    EXPECT_EQ(ask("GET", backups + "/nightly").text("state"), "ready") << "it outlives its database";
    EXPECT_EQ(ask("POST", backups).status, 409) << "of what is gone there is no other";

    add_cluster("lab");
    EXPECT_EQ(ask("POST", path_of("lab"), R"({"restore_from":"no-such"})").status, 422);
    const Answer filled = ask("POST", path_of("lab"), R"({"restore_from":"nightly"})");
    ASSERT_EQ(filled.status, 201) << filled.body;
    ASSERT_TRUE(comes_to(path_of("lab"), "ready")) << ask("GET", path_of("lab")).body << site_.log();
    const Login copy = login_of("lab");
    EXPECT_NE(copy.user, login.user);
    EXPECT_EQ(ask_sql(copy, "SELECT v FROM t", &why), "kept") << why;
    EXPECT_EQ(ask_sql(copy, "INSERT INTO t VALUES ('more')", &why), "") << why;
    EXPECT_EQ(ask("POST", path_of("lab"), R"({"restore_from":"nightly"})").status, 200) << "the same";

    EXPECT_EQ(ask("DELETE", backups + "/nightly").status, 200);
    EXPECT_TRUE(eventually([&] { return ask("GET", backups + "/nightly").status == 404; })) << site_.log();
    EXPECT_TRUE(eventually([&] {
        for (const auto& entry : fs::directory_iterator(site_.state() + "/backups")) {
            if (!entry.path().filename().string().starts_with('.')) return false;
        }
        return fs::is_empty(site_.state() + "/backups/.new");
    }));
    for (const Login& each : {login, copy}) EXPECT_EQ(site_.log().find(each.password), std::string::npos);
}

TEST_P(ServeBackups, AreMadeAndRestoredWhereServersTakeNobodyWithoutTls) {
    http::test::TestAuthority authority;
    http::test::PemFolder pems;
    pems.write(authority.issue());
    site_.configure(fmt::format("[databases]\ntls = \"require\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n",
                                pems.certificate().string(), pems.key().string()));
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    const bool asks_for_tls = GetParam() == "postgres";  // whose client library speaks it without being told
    if (asks_for_tls) {
        ASSERT_EQ(ask_sql(login, "CREATE TABLE t AS SELECT 'kept'::text AS v"), "");
    }
    ASSERT_EQ(ask("POST", path_of("shop") + "/backups", R"({"name":"nightly"})").status, 201);
    ASSERT_TRUE(comes_to(path_of("shop") + "/backups/nightly", "ready"))
        << ask("GET", path_of("shop") + "/backups").body << site_.log();
    add_cluster("lab");
    ASSERT_EQ(ask("POST", path_of("lab"), R"({"restore_from":"nightly"})").status, 201);
    ASSERT_TRUE(comes_to(path_of("lab"), "ready")) << ask("GET", path_of("lab")).body << site_.log();
    if (asks_for_tls) {
        EXPECT_EQ(ask_sql(login_of("lab"), "SELECT v FROM t"), "kept");
    }
}

TEST_P(ServeBackups, ABrokerThatIsKilledInTheMiddleBeginsAnewAndEndsWell) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const auto make = [&](const std::string& target, const std::string& rest) {
        const Answer made = site_.as_administrator("POST", target, rest);
        EXPECT_THAT(made.status, ::testing::AnyOf(201, 202)) << made.body;
    };
    const std::string database = fmt::format(R"({{"engine":"{}","kind":"database","plan":"shared",)", GetParam());
    make("/api/v1/resources", database + R"("name":"shopdb","wait_seconds":60})");
    std::string why;
    const bool mysql = GetParam() == "mysql";
    ASSERT_TRUE(ask_sql(native_login_of("shopdb"),
                        mysql ? "CREATE TABLE t (id INT PRIMARY KEY, v TEXT);"
                                " INSERT INTO t SELECT seq, REPEAT(MD5(seq), 8) FROM seq_1_to_200000"
                              : "CREATE TABLE t AS SELECT g AS id, repeat(md5(g::text), 8) AS v"
                                " FROM generate_series(1, 200000) g",
                        &why))
        << why;
    const std::string sum = mysql ? "SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(v))) FROM t"
                                  : "SELECT count(*) || md5(string_agg(v, '' ORDER BY id)) FROM t";
    const auto begun_and_killed = [&](const std::string& name, const std::string& word) {
        EXPECT_TRUE(eventually([&] { return progress_of(name).starts_with(word); }, seconds(60)))
            << progress_of(name) << state_of(name) << site_.log();
        site_.kill();
        ASSERT_NO_FATAL_FAILURE(site_.start());
        EXPECT_TRUE(eventually([&] { return state_of(name) == "ready"; }, seconds(90)))
            << progress_of(name) << state_of(name) << site_.log();
    };
    make("/api/v1/resources/shopdb/backups", R"({"name":"nightly"})");
    begun_and_killed("nightly", "dumped: ");
    make("/api/v1/resources", database + R"("name":"copy","restore_from":"nightly"})");
    begun_and_killed("copy", "restored: ");
    EXPECT_EQ(ask_sql(native_login_of("copy"), sum, &why), ask_sql(native_login_of("shopdb"), sum)) << why;
}

// Through the native API, of a plan that keeps one.
TEST_P(ServeBackups, AreKeptAsTheirPlanSays) {
    site_.configure(fmt::format(
        "[reconcile]\ninterval = \"1s\"\n[[plan]]\nkind = \"database-server\"\nengine = \"{0}\"\nname = \"small\"\n"
        "[[plan]]\nkind = \"database\"\nengine = \"{0}\"\nname = \"shared\"\n"
        "[[plan]]\nkind = \"backup\"\nengine = \"{0}\"\nname = \"one\"\nparameters = {{keep = 1}}\n",
        GetParam()));
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer database = site_.as_administrator(
        "POST", "/api/v1/resources",
        fmt::format(R"({{"engine":"{}","kind":"database","plan":"shared","name":"shopdb","wait_seconds":60}})",
                    GetParam()));
    ASSERT_EQ(database.status, 201) << database.body << site_.log();
    const std::string backups = "/api/v1/resources/shopdb/backups";
    for (const char* name : {"older", "newer"}) {
        const Answer made =
            site_.as_administrator("POST", backups, fmt::format(R"({{"name":"{}","wait_seconds":60}})", name));
        ASSERT_EQ(made.status, 201) << made.body << site_.log();
        EXPECT_THAT(made.body, HasSubstr("\"state\":\"ready\""));
    }
    EXPECT_TRUE(eventually(
        [&] {
            const Answer listed = site_.as_administrator("GET", backups);
            return listed.body.find("\"newer\"") != std::string::npos &&
                   listed.body.find("\"older\"") == std::string::npos;
        },
        seconds(90)))
        << site_.as_administrator("GET", backups).body << site_.log();
    EXPECT_EQ(site_
                  .as_administrator("POST", "/api/v1/resources",
                                    fmt::format(R"({{"engine":"{}","kind":"backup","plan":"one"}})", GetParam()))
                  .status,
              400);
}

}  // namespace
}  // namespace slipway::testing
