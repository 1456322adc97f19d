// What is particular to database servers on this machine: real PostgreSQL and MariaDB.
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "local_fixture.h"
#include "providers/local/parameters.h"
#include "providers/local/postgres_config.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sql::Rows;

constexpr std::string_view kAnother = "anotherCanary0123456789abcdefghijk";

Task<sql::Answer<Rows>> ask_postgres(std::uint16_t port, std::string user, std::string password, std::string text) {
    sql::PostgresLogin login;
    login.address = "127.0.0.1";
    login.port = port;
    login.user = std::move(user);
    login.password = Secret(std::move(password));
    login.database = "postgres";
    const Deadline deadline(10s);
    auto session = co_await sql::PostgresSession::open(std::move(login), deadline);
    if (!session) co_return std::unexpected(session.error());
    co_return co_await session->query(std::move(text), {}, deadline);
}

Task<sql::Answer<Rows>> ask_mariadb(std::uint16_t port, std::string user, std::string password, std::string text) {
    sql::MysqlLogin login;
    login.address = "127.0.0.1";
    login.port = port;
    login.user = std::move(user);
    login.password = Secret(std::move(password));
    const Deadline deadline(10s);
    auto session = co_await sql::MysqlSession::open(std::move(login), deadline);
    if (!session) co_return std::unexpected(session.error());
    co_return co_await session->query(std::move(text), {}, deadline);
}

class LocalDatabase : public LocalEngineTest, public ::testing::WithParamInterface<std::string> {
  protected:
    LocalDatabase() : LocalEngineTest(GetParam()) {}
    static bool is_postgres() { return GetParam() == "postgres"; }

    sql::Answer<Rows> ask(std::uint16_t port, const std::string& user, std::string_view password,
                          const std::string& text) {
        return subject_.run(is_postgres() ? ask_postgres(port, user, std::string(password), text)
                                          : ask_mariadb(port, user, std::string(password), text));
    }
    // The first column of the first row, or why there is none.
    std::string tenant(const std::string& text, std::string_view password = kTenantCanary) {
        return said(ask(port(), "admin", password, text));
    }
    std::string manager(const std::string& text) { return said(ask(port(), "slipway", kManagementCanary, text)); }
    static std::string said(const sql::Answer<Rows>& rows) {
        if (!rows) return "error: " + rows.error().message;
        return rows->empty() ? "" : sql::text_of(rows->front(), 0);
    }
    sql::Failure login_failure(const std::string& user, std::string_view password) {
        const sql::Answer<Rows> rows = ask(port(), user, password, "SELECT 1");
        EXPECT_FALSE(rows) << user << " was let in";
        return rows ? sql::Failure::invalid : rows.error().failure;
    }
    void keep_something() {
        if (is_postgres()) {
            ASSERT_EQ(tenant("CREATE DATABASE shop"), "");
        } else {
            ASSERT_EQ(tenant("CREATE DATABASE shop"), "");
            ASSERT_EQ(tenant("CREATE TABLE shop.kept (v INT) ENGINE=InnoDB"), "");
            ASSERT_EQ(tenant("INSERT INTO shop.kept VALUES (7)"), "");
        }
    }
    std::string kept() {
        return tenant(is_postgres() ? "SELECT 7 FROM pg_database WHERE datname = 'shop'"
                                    : "SELECT v FROM shop.kept");
    }
};

TEST_P(LocalDatabase, SaysWhereItIsAndWhatItReallyIs) {
    EXPECT_TRUE(subject_.provider().available(Kind::database_server, GetParam()));
    EXPECT_FALSE(subject_.provider().available(Kind::cache, GetParam()));
    EXPECT_EQ(subject_.provider().secrets(Kind::database_server, GetParam()),
              std::vector<std::string>{"management_password"});
    spec_.parameters = {{"user", "master"}, {"engine_version", "9.6"}};
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(made->endpoint, (Endpoint{GetParam(), "oct-1.localhost", port()}));
    EXPECT_EQ(json::get_string(made->handle, "address"), "127.0.0.1");
    EXPECT_EQ(json::get_string(made->handle, "admin_user"), "slipway");
    EXPECT_EQ(json::get_string(made->handle, "user"), "master");
    const std::string version = json::get_string(made->handle, "engine_version");
    EXPECT_TRUE(version.starts_with(is_postgres() ? "15." : "10.11.")) << version;
    EXPECT_TRUE(said(ask(port(), "master", kTenantCanary, "SELECT version()")).contains(version));
    EXPECT_EQ(json::dump(observe()->handle), json::dump(made->handle));
}

TEST_P(LocalDatabase, LetsNobodyInWithoutTheRightPassword) {
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(tenant("SELECT 5"), "5");
    EXPECT_EQ(manager("SELECT 5"), "5");
    for (const std::string user : {"admin", "slipway", "postgres", "root", "mariadb.sys", "nobody"}) {
        EXPECT_EQ(login_failure(user, "wrong"), sql::Failure::denied) << user;
        EXPECT_FALSE(ask(port(), user, "", "SELECT 1")) << user;
    }
    EXPECT_EQ(login_failure("slipway", kTenantCanary), sql::Failure::denied);
}

TEST_P(LocalDatabase, ItsMasterIsNoSuperuserAndGetsAtNoFiles) {
    ASSERT_TRUE(is(create(), Presence::running));
    if (is_postgres()) {
        EXPECT_EQ(tenant("SELECT rolsuper::int * 4 + rolcreatedb::int * 2 + rolcreaterole::int FROM pg_roles "
                         "WHERE rolname = current_user"),
                  "3");
        EXPECT_TRUE(tenant("COPY (SELECT 1) TO PROGRAM 'true'").starts_with("error"));
        EXPECT_TRUE(tenant("SELECT pg_read_file('PG_VERSION')").starts_with("error"));
        EXPECT_TRUE(tenant("ALTER ROLE slipway PASSWORD 'x'").starts_with("error"));
        EXPECT_EQ(manager("SHOW data_checksums"), "on");
        EXPECT_EQ(manager("SHOW server_encoding"), "UTF8");
        // Another role has nothing to do in the database that is everybody's.
        ASSERT_EQ(manager("CREATE ROLE other LOGIN PASSWORD 'secret-of-other'"), "");
        EXPECT_FALSE(ask(port(), "other", "secret-of-other", "SELECT 1"));
    } else {
        EXPECT_TRUE(tenant("SELECT 1 INTO OUTFILE '/tmp/slipway-out'").starts_with("error"));
        EXPECT_EQ(tenant("SELECT LOAD_FILE('/etc/passwd')"), "");
        EXPECT_EQ(manager("SELECT LOAD_FILE('/etc/passwd')"), "");
        EXPECT_TRUE(tenant("SET GLOBAL max_connections = 10").starts_with("error"));
        EXPECT_EQ(manager("SELECT @@local_infile + @@performance_schema"), "0");
        EXPECT_EQ(
            manager("SELECT count(*) FROM mysql.global_priv WHERE User NOT IN ('mariadb.sys','slipway','admin')"),
            "0");
    }
}

TEST_P(LocalDatabase, AKilledEngineComesBackWithItsData) {
    ASSERT_TRUE(is(create(), Presence::running));
    keep_something();
    const std::string before = subject_.identity("oct-1");
    subject_.crash();
    subject_.make_stop("oct-1");
    EXPECT_TRUE(is(observe(), Presence::stopped));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_NE(subject_.identity("oct-1"), before);
    EXPECT_EQ(kept(), "7");
}

TEST_P(LocalDatabase, ANewConfigurationEndsItGentlyAndStartsItAgainWithItsData) {
    ASSERT_TRUE(is(create(), Presence::running));
    keep_something();
    const std::string before = subject_.identity("oct-1");
    spec_.parameters = {{"max_connections", 33}};
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_NE(subject_.identity("oct-1"), before);
    EXPECT_EQ(manager(is_postgres() ? "SHOW max_connections" : "SELECT @@max_connections"),
              std::to_string(is_postgres() ? 33 + local::kReservedConnections : 33));
    EXPECT_EQ(kept(), "7");
    const std::string log = file_text(subject_.directory("oct-1") + "/log");
    EXPECT_TRUE(log.contains(is_postgres() ? "received fast shutdown request" : "Shutdown complete")) << log;
    EXPECT_FALSE(log.contains("recovery")) << log;
}

TEST_P(LocalDatabase, ANewPasswordIsSetWhileItRunsAndWhereItWasStopped) {
    ASSERT_TRUE(is(create(), Presence::running));
    keep_something();
    const std::string before = subject_.identity("oct-1");
    spec_.secrets["password"] = Secret(std::string(kAnother));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(subject_.identity("oct-1"), before);
    EXPECT_EQ(tenant("SELECT 5", kAnother), "5");
    EXPECT_EQ(login_failure("admin", kTenantCanary), sql::Failure::denied);
    subject_.make_stop("oct-1");
    spec_.secrets["password"] = Secret(kTenantCanary);
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(kept(), "7");
    EXPECT_EQ(login_failure("admin", kAnother), sql::Failure::denied);
}

TEST_P(LocalDatabase, TwoAtOnceHaveUidsAndDataOfTheirOwn) {
    const Target other = target_of("oct-2");
    const Spec with = subject_.spec();
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_TRUE(is(subject_.run(subject_.provider().create(other, with, kBudget)), Presence::running));
    keep_something();
    const auto second_port = static_cast<std::uint16_t>(with.allocations.at("port"));
    EXPECT_EQ(
        said(ask(second_port, "admin", kTenantCanary,
                 is_postgres() ? "SELECT count(*) FROM pg_database WHERE datname = 'shop'"
                               : "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'shop'")),
        "0");
    const std::vector<std::pair<std::string, std::int64_t>> both{
        {"oct-1", ::geteuid() == 0 ? spec_.allocations.at("uid") : ::geteuid()},
        {"oct-2", ::geteuid() == 0 ? with.allocations.at("uid") : ::geteuid()}};
    for (const auto& [name, uid] : both) {
        struct stat seen{};
        ASSERT_EQ(::stat((subject_.directory(name) + "/data").c_str(), &seen), 0);
        EXPECT_EQ(seen.st_mode & 07777, 0700U) << name;
        EXPECT_EQ(seen.st_uid, static_cast<uid_t>(uid)) << name;
        for (const fs::directory_entry& each :
             fs::recursive_directory_iterator(subject_.directory(name) + "/data")) {
            if (::lstat(each.path().c_str(), &seen) == 0) {
                EXPECT_EQ(seen.st_uid, static_cast<uid_t>(uid)) << each.path();
            }
        }
        const std::vector<agent::Process> processes = processes_below(subject_.directory(name));
        EXPECT_GE(processes.size(), is_postgres() ? 2U : 1U);
        for (const agent::Process& each : processes) {
            ASSERT_EQ(::stat(fmt::format("/proc/{}", each.pid).c_str(), &seen), 0);
            EXPECT_EQ(seen.st_uid, static_cast<uid_t>(uid)) << name;
        }
    }
    ASSERT_TRUE(is(subject_.run(subject_.provider().remove(other, with, kBudget)), Presence::absent));
    EXPECT_EQ(kept(), "7");
}

TEST_P(LocalDatabase, RemovingWhatIsInUseAndWhatWasKilledLeavesNothing) {
    ASSERT_TRUE(is(create(), Presence::running));
    keep_something();
    if (is_postgres()) {
        // A child of a killed engine that is at work does not look whether its parent lives.
        const std::optional<agent::Process> main = subject_.process("oct-1");
        ASSERT_TRUE(main);
        std::optional<sql::Answer<Rows>> busy;
        start(subject_.io(), into(busy, ask_postgres(port(), "admin", kTenantCanary,
                                                     "SELECT count(*) FROM generate_series(1, 1000000000)")));
        ASSERT_TRUE(eventually([&] {
            return manager(
                       "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND state = "
                       "'active' AND pid <> pg_backend_pid()") == "1";
        }));
        kill_process(*main);
        ASSERT_TRUE(is(remove(), Presence::absent));
        ASSERT_TRUE(eventually([&] {
            subject_.io().restart();
            subject_.io().poll();
            return busy.has_value();
        }));
    } else {
        subject_.make_stop("oct-1");
        ASSERT_TRUE(is(remove(), Presence::absent));
    }
    EXPECT_FALSE(fs::exists(subject_.directory("oct-1")));
    const std::vector<std::string> left = subject_.leftovers();
    EXPECT_TRUE(left.empty()) << fmt::format("{}", fmt::join(left, ", "));
}

TEST_P(LocalDatabase, WithAllConnectionsTakenItIsStillFoundAndLetsUsIn) {
    spec_.parameters = {{"max_connections", 10}};
    ASSERT_TRUE(is(create(), Presence::running));
    std::vector<sql::PostgresSession> postgres;
    std::vector<sql::MysqlSession> mariadb;
    const auto open_one = [&]() -> Task<bool> {
        if (is_postgres()) {
            sql::PostgresLogin login{"127.0.0.1", port(), "admin", Secret(kTenantCanary), "postgres"};
            auto session = co_await sql::PostgresSession::open(std::move(login), Deadline(10s));
            if (session) postgres.push_back(std::move(*session));
            co_return session.has_value();
        }
        sql::MysqlLogin login{"127.0.0.1", port(), "admin", Secret(kTenantCanary), ""};
        auto session = co_await sql::MysqlSession::open(std::move(login), Deadline(10s));
        if (session) mariadb.push_back(std::move(*session));
        co_return session.has_value();
    };
    // Connections of ours may still be closing when the first ones are opened.
    ASSERT_TRUE(eventually([&] {
        static_cast<void>(subject_.run(open_one()));
        return postgres.size() + mariadb.size() == 10;
    }));
    EXPECT_FALSE(subject_.run(open_one()));
    const std::string before = subject_.identity("oct-1");
    EXPECT_TRUE(is(observe(), Presence::running));
    // There is room for one of ours, and the one before may still be closing.
    EXPECT_TRUE(eventually([&] { return manager("SELECT 5") == "5"; }));
    EXPECT_TRUE(eventually([&] { return bool(is(update(), Presence::running)); }));
    EXPECT_EQ(subject_.identity("oct-1"), before);
}

TEST_P(LocalDatabase, NoPasswordIsInAnyFileLogArgumentOrEnvironment) {
    ASSERT_TRUE(is(create(), Presence::running));
    spec_.secrets["password"] = Secret(std::string(kAnother));
    ASSERT_TRUE(is(update(), Presence::running));
    ASSERT_EQ(login_failure("admin", kTenantCanary), sql::Failure::denied);
    const auto clean = [](const fs::path& path) {
        const std::string text = file_text(path);
        for (const std::string_view canary :
             {std::string_view(kTenantCanary), std::string_view(kManagementCanary), kAnother}) {
            EXPECT_FALSE(text.contains(canary)) << path;
        }
    };
    const auto clean_all = [&] {
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(subject_.path())) {
            if (entry.is_regular_file()) clean(entry.path());
        }
    };
    for (const agent::Process& each : processes_below(subject_.directory("oct-1"))) {
        clean(fmt::format("/proc/{}/cmdline", each.pid));
        clean(fmt::format("/proc/{}/environ", each.pid));
    }
    // Its files stand still when it does.
    subject_.make_stop("oct-1");
    clean_all();
}

TEST_P(LocalDatabase, AWrongParameterIsPermanentNamesItselfAndMakesNothing) {
    const std::vector<std::pair<std::string, json::value>> wrong{
        {"user", "slipway"},
        {"user", "a\"b"},
        {"user", 7},
        {"max_connections", 0},
        {"max_connections", "many"},
        {is_postgres() ? "shared_buffers" : "buffer_pool", 1}};
    for (const auto& [key, value] : wrong) {
        spec_.parameters = {{key, value}};
        const ProviderAnswer answer = create();
        ASSERT_FALSE(answer) << key;
        EXPECT_EQ(answer.error().error_class, ErrorClass::permanent);
        EXPECT_TRUE(answer.error().message.contains(key)) << answer.error().message;
    }
    EXPECT_TRUE(is(observe(), Presence::absent));
}

// As those of a server's own directory are.
TEST_P(LocalDatabase, TheDirectoriesAboveMayBeClosedToItOrItIsSaidThatTheyMustNot) {
    fs::permissions(subject_.path(), fs::perms::owner_all);
    const ProviderAnswer made = create();
    if (!is_postgres() && !made) {
        // The helper may have no right to mount: then MariaDB cannot walk there.
        EXPECT_TRUE(made.error().message.contains("0711")) << made.error().message;
        return;
    }
    ASSERT_TRUE(is(made, Presence::running));
    keep_something();
    subject_.make_stop("oct-1");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(kept(), "7");
}

TEST_P(LocalDatabase, APortThatAStrangerHoldsIsSaidToBeInUse) {
    boost::asio::io_context io;
    const boost::asio::ip::tcp::acceptor stranger(io, {boost::asio::ip::make_address("127.0.0.1"), port()});
    const ProviderAnswer answer = create();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().error_class, ErrorClass::address_in_use);
    EXPECT_TRUE(is(observe(), Presence::absent));
}

// A connection of anybody's may have the port on one address only. PostgreSQL starts with those that it gets, and
// would never be heard on that one.
TEST_P(LocalDatabase, APortThatIsTakenDuringTheStartIsSaidToBeInUse) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket stranger(io);
    std::thread taker([&] {
        // It is looked at before the data directory is made.
        if (!eventually([&] { return fs::exists(subject_.directory(".templates")); })) return;
        stranger.open(boost::asio::ip::tcp::v4());
        stranger.bind({boost::asio::ip::make_address("127.0.0.1"), port()});
    });
    const ProviderAnswer answer = create();
    taker.join();
    ASSERT_TRUE(stranger.is_open());
    ASSERT_FALSE(answer) << to_string(answer->presence) << ": " << answer->detail;
    EXPECT_EQ(answer.error().error_class, ErrorClass::address_in_use);
    EXPECT_EQ(answer.error().allocation, "port");
    // Its children look every now and then whether it lives.
    EXPECT_TRUE(eventually([&] { return processes_below(subject_.directory("oct-1")).empty(); })) << "it was ended";
    spec_.allocations["port"] = subject_.spec().allocations.at("port");
    ASSERT_TRUE(is(create(), Presence::running)) << "another port is good";
}

// Printed, not judged: what the first instance costs, and what the next ones do.
TEST_P(LocalDatabase, TheSecondOneBeginsWithACopy) {
    const auto timed = [&](const Target& target, const Spec& spec) {
        const auto began = std::chrono::steady_clock::now();
        EXPECT_TRUE(is(subject_.run(subject_.provider().create(target, spec, kBudget)), Presence::running));
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    };
    const double first = timed(target_, spec_);
    std::vector<double> next;
    for (int i = 2; i < 7; ++i) {
        const Target target = target_of(fmt::format("oct-{}", i));
        const Spec spec = subject_.spec();
        next.push_back(timed(target, spec));
        EXPECT_TRUE(is(subject_.run(subject_.provider().remove(target, spec, kBudget)), Presence::absent));
    }
    std::ranges::sort(next);
    RecordProperty("first_ms", fmt::format("{:.0f}", first));
    RecordProperty("next_ms", fmt::format("{:.0f}", next[next.size() / 2]));
    fmt::print("{}: create to login {:.0f} ms, with the template there {:.0f} ms (median of {})\n", GetParam(),
               first, next[next.size() / 2], next.size());
    const std::string templates = subject_.directory(".templates");
    EXPECT_EQ(std::distance(fs::directory_iterator(templates), fs::directory_iterator()), 1);
}

INSTANTIATE_TEST_SUITE_P(Engines, LocalDatabase, ::testing::Values("postgres", "mysql"),
                         [](const auto& info) { return info.param; });

// The same passwords in both: what they keep of them differs.
TEST(LocalPostgres, AnotherServerWithTheSamePasswordIsNotTakenForThisOne) {
    LocalSubject subject("postgres");
    const Target target = target_of("oct-1");
    const Spec spec = subject.spec();
    const ProviderAnswer made = subject.run(subject.provider().create(target, spec, 20s));
    ASSERT_TRUE(made) << made.error().message;
    const std::unique_ptr<local::Engine> engine = local::make_postgres_engine();
    local::Contact contact{"127.0.0.1", made->endpoint->port, *subject.process("oct-1"), 1, local::salt_of(target)};
    EXPECT_EQ(subject.run(engine->log_in(contact, spec, nullptr, Deadline(5s))).login, local::Login::pong);
    contact.salt = local::salt_of(target_of("oct-2"));
    EXPECT_EQ(subject.run(engine->log_in(contact, spec, nullptr, Deadline(5s))).login, local::Login::denied);
    EXPECT_TRUE(subject.run(subject.provider().remove(target, spec, 20s)));
}

}  // namespace
}  // namespace slipway::testing
