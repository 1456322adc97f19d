// Tenants on a real shared server, made and taken away by the databases provider.
#pragma once

#include <gtest/gtest.h>

#include "databases_subject.h"
#include "providers/sql/quoting.h"

namespace slipway::testing {

class DatabasesTest : public ::testing::Test {
  protected:
    explicit DatabasesTest(const std::string& engine) : subject_(engine) {}
    void TearDown() override {
        subject_.servers().failure.reset();
        subject_.servers().servers = {subject_.server().access()};
        for (const auto& [name, spec] : made_) EXPECT_TRUE(is(remove(name), Presence::absent)) << name;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << fmt::format("{}", fmt::join(left, ", "));
    }

    static constexpr Duration kBudget = std::chrono::seconds(20);
    // The specification of this tenant; a change of it is kept.
    Spec& spec(const std::string& name) {
        const auto found = made_.find(name);
        return found != made_.end() ? found->second : made_.emplace(name, subject_.spec()).first->second;
    }
    ProviderAnswer call(Verb verb, const std::string& name, Duration budget = kBudget) {
        Provider& provider = subject_.provider();
        const Target target = target_of(name);
        switch (verb) {
            case Verb::observe: return subject_.run(provider.observe(target, spec(name), budget));
            case Verb::create: return subject_.run(provider.create(target, spec(name), budget));
            case Verb::update: return subject_.run(provider.update(target, spec(name), budget));
            case Verb::remove: return subject_.run(provider.remove(target, spec(name), budget));
        }
        return std::unexpected(ProviderError{});
    }
    ProviderAnswer create(const std::string& name) { return call(Verb::create, name); }
    ProviderAnswer update(const std::string& name) { return call(Verb::update, name); }
    ProviderAnswer observe(const std::string& name) { return call(Verb::observe, name); }
    ProviderAnswer remove(const std::string& name) { return call(Verb::remove, name); }
    // As this tenant, in this database.
    std::string as(const std::string& name, const std::string& database, const std::string& statement = "") {
        return subject_.ask(user_of(name), kTenantCanary, database, statement);
    }
    std::string own(const std::string& name, const std::string& statement = "") {
        return as(name, database_of(name), statement);
    }
    std::string user_of(const std::string& name) { return parameter(name, "user"); }
    std::string database_of(const std::string& name) { return parameter(name, "database"); }

    static ::testing::AssertionResult is(const ProviderAnswer& answer, Presence presence) {
        if (!answer) {
            return ::testing::AssertionFailure() << to_string(answer.error().error_class) << ": "
                                                 << answer.error().message << ": " << answer.error().detail;
        }
        if (answer->presence == presence) return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << to_string(answer->presence) << ": " << answer->detail;
    }
    static ::testing::AssertionResult fails(const ProviderAnswer& answer, ErrorClass error_class) {
        if (answer) return ::testing::AssertionFailure() << to_string(answer->presence) << ": " << answer->detail;
        if (answer.error().error_class == error_class) return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure()
               << to_string(answer.error().error_class) << ": " << answer.error().message;
    }

    DatabasesSubject subject_;
    std::map<std::string, Spec> made_;

  private:
    std::string parameter(const std::string& name, std::string_view key) {
        const std::string given = json::get_string(spec(name).parameters, key);
        return given.empty() ? name : given;
    }
};

class PostgresDatabases : public DatabasesTest {
  protected:
    PostgresDatabases() : DatabasesTest("postgres") {}
};
class MysqlDatabases : public DatabasesTest {
  protected:
    MysqlDatabases() : DatabasesTest("mysql") {}
};
// What holds for both.
class Databases : public DatabasesTest, public ::testing::WithParamInterface<std::string> {
  protected:
    Databases() : DatabasesTest(GetParam()) {}
    [[nodiscard]] static bool mysql() { return GetParam() == "mysql"; }
};

// A connection of a tenant's that stays open.
template <class Session>
class Connected {
  public:
    template <class Login>
    Connected(boost::asio::io_context& io, Login login) : io_(io) {
        auto opened = run(io_, Session::open(std::move(login), Deadline(std::chrono::seconds(20))));
        if (opened) session_.emplace(std::move(*opened));
    }
    [[nodiscard]] bool open() const { return session_.has_value(); }
    sql::Answer<sql::Rows> ask(std::string statement) {
        return run(io_, session_->query(std::move(statement), {}, Deadline(std::chrono::seconds(20))));
    }
    // Beside whatever else is under way.
    Task<void> run_beside(std::string statements, bool& done) {
        EXPECT_TRUE(co_await session_->run(std::move(statements), Deadline(std::chrono::seconds(20))));
        done = true;
    }

  private:
    boost::asio::io_context& io_;
    std::optional<Session> session_;
};

}  // namespace slipway::testing
