// How much the provider adds to what the server itself needs, both measured in one run, turn by turn.
#include <algorithm>
#include <iostream>

#include "databases_fixture.h"

namespace slipway::testing {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
constexpr int kTurns = 50;

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

// One kept connection, as the provider has.
template <class Session, class Login>
class Bare {
  public:
    Bare(DatabasesSubject& subject, const std::string& database) : io_(subject.io()) {
        const ServerAccess& at = subject.server().access();
        auto opened = run(io_, Session::open(Login{at.address, at.port, at.user, at.password, database},
                                             Deadline(std::chrono::seconds(20))));
        EXPECT_TRUE(opened);
        if (opened) session_.emplace(std::move(*opened));
    }
    double measure(const std::vector<std::string>& statements) {
        const auto began = std::chrono::steady_clock::now();
        for (const std::string& each : statements) {
            EXPECT_TRUE(run(io_, session_->run(each, Deadline(std::chrono::seconds(20))))) << each;
        }
        return Milliseconds(std::chrono::steady_clock::now() - began).count();
    }

  private:
    boost::asio::io_context& io_;
    std::optional<Session> session_;
};

class DatabasesLatency : public DatabasesTest {
  protected:
    explicit DatabasesLatency(const std::string& engine) : DatabasesTest(engine) {}

    template <class Session, class Login>
    void measure(const std::string& database, const std::vector<std::string>& make,
                 const std::vector<std::string>& drop) {
        Bare<Session, Login> bare(subject_, database);
        std::vector<double> limits;
        std::vector<double> creates;
        std::vector<double> removes;
        std::vector<double> logins;
        for (int i = 0; i < kTurns; ++i) {
            limits.push_back(bare.measure(make));
            bare.measure(drop);
            const std::string name = fmt::format("made-{}", i);
            const auto began = std::chrono::steady_clock::now();
            ASSERT_TRUE(is(create(name), Presence::running));
            creates.push_back(Milliseconds(std::chrono::steady_clock::now() - began).count());
            const auto logging_in = std::chrono::steady_clock::now();
            EXPECT_EQ(own(name), "in");
            logins.push_back(Milliseconds(std::chrono::steady_clock::now() - logging_in).count());
            const auto removing = std::chrono::steady_clock::now();
            EXPECT_TRUE(is(remove(name), Presence::absent));
            removes.push_back(Milliseconds(std::chrono::steady_clock::now() - removing).count());
        }
        const std::string words = fmt::format(
            "{}: bare {:.2f} ms, create with its login {:.2f} ms ({:.2f} times), a login {:.2f} ms, remove {:.2f} "
            "ms",
            subject_.server().access().engine, median(limits), median(creates), median(creates) / median(limits),
            median(logins), median(removes));
        std::cout << words << std::endl;
        RecordProperty("latency", words);
    }
};
class PostgresLatency : public DatabasesLatency {
  protected:
    PostgresLatency() : DatabasesLatency("postgres") {}
};
class MysqlLatency : public DatabasesLatency {
  protected:
    MysqlLatency() : DatabasesLatency("mysql") {}
};

TEST_F(PostgresLatency, CreateBesideTheTwoStatementsThatItCannotDoWithout) {
    measure<sql::PostgresSession, sql::PostgresLogin>(
        "postgres",
        {"CREATE ROLE bare LOGIN PASSWORD 'bare0123456789'",
         "CREATE DATABASE bare OWNER bare TEMPLATE template0 ENCODING 'UTF8'"},
        {"DROP DATABASE bare", "DROP ROLE bare"});
}

// What a claim from the pool costs at the server.
TEST_F(PostgresLatency, ARenameOfWhatWasMadeAhead) {
    std::vector<double> renames;
    for (int i = 0; i < kTurns; ++i) {
        const std::string name = fmt::format("ahead-{}", i);
        ASSERT_TRUE(is(create(name), Presence::running));
        spec(name).parameters = {{"database", fmt::format("cluster-{}", i)}, {"user", fmt::format("hephy-{}", i)}};
        const auto began = std::chrono::steady_clock::now();
        ASSERT_TRUE(is(update(name), Presence::running));
        renames.push_back(Milliseconds(std::chrono::steady_clock::now() - began).count());
        EXPECT_EQ(own(name), "in");
        EXPECT_TRUE(is(remove(name), Presence::absent));
    }
    const std::string words = fmt::format("postgres: rename {:.2f} ms", median(renames));
    std::cout << words << std::endl;
    RecordProperty("latency", words);
}

TEST_F(MysqlLatency, CreateBesideTheThreeStatementsThatItCannotDoWithout) {
    measure<sql::MysqlSession, sql::MysqlLogin>(
        "",
        {"CREATE USER bare IDENTIFIED BY 'bare0123456789'", "CREATE DATABASE bare", "GRANT ALL ON bare.* TO bare"},
        {"DROP DATABASE bare", "DROP USER bare"});
}

}  // namespace
}  // namespace slipway::testing
