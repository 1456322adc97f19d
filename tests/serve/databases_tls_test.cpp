// Database servers under TLS, made by the built program: who comes in, what a renewal changes, what is refused.
#include "databases_test_support.h"
#include "http/certificate_test_support.h"

namespace slipway::testing {
namespace {

using http::test::PemFolder;
using http::test::TestAuthority;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

class ServeDatabaseTls : public ServeDatabases {
  protected:
    ServeDatabaseTls() { pems_.write(pair_); }
    void configure(const std::string& mode) {
        site_.configure(fmt::format("[databases]\ntls = \"{}\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n", mode,
                                    pems_.certificate().string(), pems_.key().string()));
    }
    // The certificate that the one server has.
    std::string given() const {
        for (const auto& entry : std::filesystem::directory_iterator(site_.state() + "/instances")) {
            if (entry.path().filename().string().starts_with('.')) continue;
            return file_text(entry.path() / "server.pem");
        }
        return {};
    }
    std::string url_of_database() const {
        const Answer all = site_.as_administrator("GET", "/api/v1/resources?kind=database");
        const json::array found = all.object().at("resources").as_array();
        if (found.empty()) return {};
        const std::string id = json::get_string(found.at(0).as_object(), "id");
        return site_.as_administrator("GET", "/api/v1/resources/" + id + "/credentials").text("url");
    }
    // The protocol that a client speaks which says nothing about it; "" for none.
    std::string spoken(const Login& login, std::string* why = nullptr) const {
        return ask_sql(login,
                       GetParam() == "postgres"
                           ? "SELECT coalesce(version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                           : "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = "
                             "'Ssl_version'",
                       why)
            .value_or("refused");
    }

    TestAuthority authority_;
    http::test::IssuedPair pair_ = authority_.issue();
    PemFolder pems_;
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeDatabaseTls, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeDatabaseTls, WhereItIsRequiredDatabasesAreMadeAndACertificateIsRenewedUnderThem) {
    configure("require");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    std::string why;
    if (GetParam() == "postgres") {
        EXPECT_EQ(spoken(login, &why), "TLSv1.3") << why;
        EXPECT_THAT(url_of_database(), HasSubstr("?sslmode=require"));
    } else {
        EXPECT_EQ(spoken(login, &why), "refused");
        EXPECT_FALSE(why.empty());
    }
    const pid_t before = server_process(login);
    EXPECT_EQ(given(), pair_.certificate);

    const auto next = authority_.issue();
    pems_.write(next);
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return given() == next.certificate; }, std::chrono::seconds(60))) << site_.log();
    create("next");
    EXPECT_EQ(server_process(login), before) << "it was not started again";
    EXPECT_TRUE(comes_to("shop", "ready"));

    pems_.write(authority_.issue({.begins = hours(-48), .ends = hours(-1)}));
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually([&] {
        return site_.log().contains(
            "the new certificate of database servers cannot be used, and the former is kept");
    })) << site_.log();
    EXPECT_EQ(given(), next.certificate);
    EXPECT_THAT(site_.as_administrator("GET", "/api/v1/doctor").body, HasSubstr("has expired at"));
    for (const auto& pair : {pair_, next}) {
        const std::string& key = pair.key.reveal();
        EXPECT_THAT(site_.log(), Not(HasSubstr(key.substr(key.size() / 2, 20))));
    }
}

TEST_P(ServeDatabaseTls, WhoSwitchesItOnFindsHisServersEncryptingAfterTheNextStart) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    ASSERT_EQ(ask_sql(login, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')"), "");
    EXPECT_EQ(spoken(login), "");
    EXPECT_EQ(site_.terminate(), 0);
    configure("allow");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(eventually([&] { return given() == pair_.certificate; }, std::chrono::seconds(60))) << site_.log();
    create("next");
    EXPECT_TRUE(eventually([&] { return ask_sql(login, "SELECT v FROM t") == "kept"; }, std::chrono::seconds(60)));
    EXPECT_TRUE(comes_to("shop", "ready"));
}

TEST(ServeDatabaseTlsStart, AWrongPairIsRefusedWithTwoBeforeAnythingIsMade) {
    const TestAuthority authority;
    const PemFolder pems;
    pems.write(authority.issue());
    Site site;
    const auto refused = [&](const std::string& mode) {
        site.configure(fmt::format("[databases]\ntls = \"{}\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n", mode,
                                   pems.certificate().string(), pems.key().string()));
        return site.run_to_end({});
    };
    pems.write("key.pem", authority.issue().key.reveal());
    EXPECT_EQ(refused("allow"), 2);
    EXPECT_THAT(site.log(), HasSubstr(pems.key().string() + ": is not the key of the first certificate in " +
                                      pems.certificate().string()));
    pems.write("key.pem", authority.issue().key.reveal(), 0644);
    EXPECT_EQ(refused("require"), 2);
    EXPECT_THAT(site.log(), HasSubstr("has mode 0644"));
    EXPECT_FALSE(std::filesystem::exists(site.state()));
}

}  // namespace
}  // namespace slipway::testing
