// Names that are meant to break something, through the whole program: each is refused with the field that is wrong,
// and nothing is made, or it works up to a login.
#include "databases_test_support.h"

namespace slipway::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Eq;

std::string quoted(const std::string& text) { return json::dump(json::value(text)); }

// What no name of ours may be, as it stands in a JSON document.
const std::vector<std::string>& hostile() {
    static const std::vector<std::string> names{
        R"("")",
        R"("a'b")",
        R"("a\"b")",
        R"("a`b")",
        R"("a\\b")",
        R"("a;DROP DATABASE postgres;--")",
        R"("' OR '1'='1")",
        quoted("$(id)"),
        R"("%s%n")",
        R"("../../etc/passwd")",
        R"("a/b")",
        R"("a b")",
        R"(" a")",
        R"("a\u0000b")",
        R"("a\nb")",
        R"("\u202Eabc")",
        R"("datenbänk")",
        R"("\uD83D\uDCA9")",
        R"("Upper")",
        R"("under_score")",
        R"("-a")",
        R"("a-")",
        R"("a.b")",
        quoted(std::string(64, 'n')),
        quoted(std::string(5000, 'n')),
        "null",
        "7",
        R"(["a"])",
        R"({"a":1})",
    };
    return names;
}

// Strange, and allowed: words that SQL keeps for itself, the longest ones, and many hyphens.
const std::vector<std::string>& strange() {
    static const std::vector<std::string> names{
        "select", "user", "public", "postgres", "0", "a--b---c", std::string(63, 'x')};
    return names;
}

class ServeHostile : public ServeDatabases {
  protected:
    // The fields that are named as wrong.
    static std::vector<std::string> fields(const Answer& answer) {
        std::vector<std::string> found;
        const json::object body = answer.object();
        const json::value* details = body.if_contains("details");
        if (details == nullptr) return found;
        for (const json::value& each : details->as_array()) {
            found.push_back(json::get_string(each.as_object(), "field"));
            EXPECT_FALSE(json::get_string(each.as_object(), "problem").empty()) << answer.body;
        }
        return found;
    }
    void refused(const std::string& target, const std::string& body, const std::string& field) const {
        const Answer answer = ask("POST", target, body);
        EXPECT_EQ(answer.status, 422) << target << " " << body << ": " << answer.body;
        EXPECT_THAT(fields(answer), Contains(field)) << target << " " << body << ": " << answer.body;
    }
    std::size_t count(const std::string& target, const std::string& key) const {
        return ask("GET", target + "?limit=1000").object().at(key).as_array().size();
    }
    static std::string encoded(const std::string& text) {
        std::string out;
        for (const char each : text) out += fmt::format("%{:02X}", static_cast<unsigned char>(each));
        return out;
    }
    // A database of this organization's cluster, up to the login of its tenant.
    void works(const std::string& key, const std::string& organization, const std::string& cluster) const {
        const std::string clusters = fmt::format("/v1/organizations/{}/clusters", organization);
        ASSERT_EQ(as(key, "POST", clusters, fmt::format(R"({{"name":"{}"}})", cluster)).status, 201) << cluster;
        const std::string path = fmt::format("{}/{}/hephy/databases", clusters, cluster);
        ASSERT_EQ(as(key, "POST", path, fmt::format(R"({{"engine":"{}"}})", engine_)).status, 201) << cluster;
        Answer found;
        EXPECT_TRUE(eventually(
            [&] {
                found = as(key, "GET", path);
                return found.text("state") == "ready";
            },
            std::chrono::seconds(60)))
            << cluster << ": " << found.body << site_.log();
        const Login login{engine_, static_cast<std::uint16_t>(std::stoul("0" + found.text("hephy_db_port"))),
                          found.text("hephy_db_user"), found.text("hephy_db_password"),
                          found.text("hephy_db_name")};
        std::string why;
        EXPECT_EQ(ask_sql(login, "CREATE TABLE t (v int); INSERT INTO t VALUES (7); SELECT v FROM t", &why), "7")
            << cluster << ": " << why;
        EXPECT_EQ(as(key, "DELETE", path).status, 200) << cluster;
        EXPECT_TRUE(eventually([&] { return as(key, "GET", path).text("state") == "decommissioned"; },
                               std::chrono::seconds(60)))
            << cluster;
        EXPECT_EQ(ask_sql(login, "SELECT 1"), std::nullopt) << cluster;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeHostile, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeHostile, NamesAreRefusedByTheirFieldAndNothingIsMade) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::size_t organizations = count("/v1/organizations", "organizations");
    for (const std::string& each : hostile()) {
        refused("/v1/organizations", fmt::format(R"({{"name":{}}})", each), "name");
        refused(kClusters, fmt::format(R"({{"name":{}}})", each), "name");
        refused(kInstances, fmt::format(R"({{"name":{},"user":"u","engine":"{}"}})", each, engine_), "name");
        const bool a_user = each == R"("under_score")" || each == R"("a-")";
        if (a_user) continue;
        refused(kInstances, fmt::format(R"({{"name":"n","user":{},"engine":"{}"}})", each, engine_), "user");
    }
    for (const char* each : {"slipway", "postgres", "root", "mysql", "public", "none", "pg_signal_backend", "1a"}) {
        refused(kInstances, fmt::format(R"({{"name":"n","user":"{}","engine":"{}"}})", each, engine_), "user");
    }
    EXPECT_EQ(count("/v1/organizations", "organizations"), organizations);
    EXPECT_EQ(count(kClusters, "clusters"), 0U);
    EXPECT_TRUE(instances().empty());
    EXPECT_TRUE(site_.engines().empty());
}

// In a path nothing is made by a name: what is not there is not there, whatever it is called.
TEST_P(ServeHostile, PathsLeadNowhereElse) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::vector<std::string> words{
        "'; DROP TABLE clusters; --", "\"", "..", "../default", "a/b", "\xC3\xA9", std::string("a\0b", 3), "\xFF",
        std::string(300, 'n')};
    for (const std::string& each : words) {
        const std::string word = encoded(each);
        for (const std::string& target :
             {fmt::format("/v1/organizations/{}/clusters/shop/hephy/databases", word), path_of(word)}) {
            for (const char* method : {"GET", "POST", "DELETE"}) {
                const Answer answer = ask(method, target, std::string(method) == "POST" ? "{}" : "");
                EXPECT_THAT(answer.status, AnyOf(Eq(404), Eq(400))) << method << " " << target << answer.body;
                EXPECT_FALSE(answer.text("error").empty()) << method << " " << target;
            }
        }
        EXPECT_THAT(ask("GET", std::string(kInstances) + "/" + word).status, AnyOf(Eq(404), Eq(400))) << word;
    }
    EXPECT_EQ(ask("GET", kClusters).status, 200) << "all is as it was";
}

TEST_P(ServeHostile, StrangeNamesWorkUpToTheLogin) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::string body =
        fmt::format(R"({{"name":"select-{}","user":"table-user_1","engine":"{}"}})", std::string(50, 'n'), engine_);
    const Answer made = ask("POST", kInstances, body);
    ASSERT_EQ(made.status, 201) << made.body;
    for (const std::string& each : strange()) works(site_.admin_key(), "default", each);
    ASSERT_EQ(instances().size(), 1U);
    const json::object instance = instances()[0].as_object();
    EXPECT_EQ(json::get_string(instance, "user"), "table-user_1");
    const Login master{engine_, static_cast<std::uint16_t>(std::stoul(json::get_string(instance, "port"))),
                       json::get_string(instance, "user"), json::get_string(instance, "password"),
                       engine_ == "postgres" ? "postgres" : "mysql"};
    std::string why;
    EXPECT_EQ(ask_sql(master, "SELECT 'in'", &why), "in") << why;
    const std::vector<std::string> organizations{"select", "a--b", std::string(63, 'o')};
    for (const std::string& organization : organizations) {
        ASSERT_EQ(ask("POST", "/v1/organizations", fmt::format(R"({{"name":"{}"}})", organization)).status, 201);
        const Answer key = ask("POST", fmt::format("/v1/organizations/{}/keys", organization), "{}");
        ASSERT_EQ(key.status, 201) << key.body;
        works(key.text("key"), organization, "table");
    }
}

// Only what is true of a registered instance is taken: everything else is refused by its field.
TEST_P(ServeHostile, ANamedInstanceIsTheRegisteredOneOrRefused) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    (void)create("shop");
    ASSERT_EQ(ask("POST", kClusters, R"({"name":"next"})").status, 201);
    for (const std::string& field : {"hephy_instance_name", "hephy_instance_host", "hephy_instance_port",
                                     "hephy_instance_user", "hephy_instance_password"}) {
        for (const char* each : {R"("'; --")", R"("169.254.169.254")", R"("\u0000")"}) {
            const std::string name = std::string(field) == "hephy_instance_name"
                                         ? ""
                                         : R"("hephy_instance_name":"hephy-instance-0000001",)";
            refused(path_of("next"), fmt::format(R"({{"engine":"{}",{}"{}":{}}})", engine_, name, field, each),
                    field);
        }
    }
    EXPECT_EQ(ask("GET", path_of("next")).status, 404) << "it never had a database";
}

}  // namespace
}  // namespace slipway::testing
