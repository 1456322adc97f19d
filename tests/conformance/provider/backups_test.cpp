// Backups of real databases, taken and restored by the engines' own programs: what they hold, what interrupts them,
// and what a tenant could put into one.
#include <filesystem>

#include <gmock/gmock.h>
#include <poll.h>

#include "base/temporary_directory_test_support.h"
#include "databases_fixture.h"
#include "providers/backups/backups_provider.h"
#include "providers/backups/restoring_provider.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// As a test says.
class GivenLogins final : public DatabaseLogins {
  public:
    Task<Result<std::optional<DatabaseLogin>>> find(ResourceId database) override {
        if (failure) co_return fail(*failure, "not now");
        const auto found = logins.find(database);
        if (found == logins.end()) co_return std::optional<DatabaseLogin>();
        co_return found->second;
    }
    std::map<ResourceId, DatabaseLogin> logins;
    std::optional<ErrorCode> failure;
};

class Backups : public Databases {
  protected:
    Backups() {
        // Names are unique, but for those of tests.
        subject_.as_admin("DELETE FROM slipway.restores");
        start();
    }
    ~Backups() override { end(); }

    // As a broker that is killed, and the next one.
    void start() {
        end();
        backups::BackupsOptions options;
        options.installation = InstallationId("ins_conformance");
        options.directory = directory_.path() / "backups";
        backups_ = std::make_unique<backups::BackupsProvider>(std::move(options), logins_);
        backups::RestoringOptions restoring;
        restoring.directory = directory_.path() / "backups";
        restoring_ = std::make_unique<backups::RestoringProvider>(std::move(restoring), subject_.provider(),
                                                                  subject_.servers());
    }
    void end() {
        backups_.reset();
        restoring_.reset();
    }

    // A tenant whose login is known.
    void make_source(const std::string& name) {
        ASSERT_TRUE(is(create(name), Presence::running));
        const ServerAccess& at = subject_.server().access();
        logins_.logins[ResourceId("res_" + name)] = {
            ResourceId("res_" + name), GetParam(), at.address,           at.port, user_of(name),
            database_of(name),         "disable",  Secret(kTenantCanary)};
    }
    Spec backup_spec(const std::string& source) {
        Spec wanted;
        wanted.kind = Kind::backup;
        wanted.engine = GetParam();
        wanted.parameters = {{"source", "res_" + source}, {"database", source}};
        return wanted;
    }
    Task<ProviderAnswer> ask(Provider& provider, Verb verb, Target target, Spec spec) {
        switch (verb) {
            case Verb::observe: return provider.observe(std::move(target), std::move(spec), kBudget);
            case Verb::create: return provider.create(std::move(target), std::move(spec), kBudget);
            case Verb::update: return provider.update(std::move(target), std::move(spec), kBudget);
            case Verb::remove: return provider.remove(std::move(target), std::move(spec), kBudget);
        }
        return provider.observe(std::move(target), std::move(spec), kBudget);
    }
    // Like the engine: looks while it is pending, and makes what is found to be missing.
    ProviderAnswer settled(Provider& provider, Verb verb, const Target& target, const Spec& spec) {
        ProviderAnswer answer = subject_.run(ask(provider, verb, target, spec));
        for (int i = 0; i < 6000 && answer; ++i) {
            if (verb == Verb::create && answer->presence == Presence::stopped) {
                answer = subject_.run(ask(provider, Verb::create, target, spec));
                continue;
            }
            if (answer->presence != Presence::pending && answer->presence != Presence::deleting) break;
            said_ += answer->detail + "\n";
            ::poll(nullptr, 0, 5);
            const bool removal = verb == Verb::remove;
            answer = subject_.run(ask(provider, removal ? Verb::remove : Verb::observe, target, spec));
        }
        return answer;
    }
    ProviderAnswer back_up(const std::string& name, const std::string& source) {
        return settled(*backups_, Verb::create, target_of(name), backup_spec(source));
    }
    // `name` becomes a new database with what the backup holds.
    Spec& copy_spec(const std::string& name, const std::string& backup) {
        Spec& wanted = spec(name);
        wanted.parameters["restore_from"] = "res_" + backup;
        wanted.parameters["restore_file"] = backup;
        return wanted;
    }
    ProviderAnswer restore(const std::string& name, const std::string& backup) {
        return settled(*restoring_, Verb::create, target_of(name), copy_spec(name, backup));
    }
    void all(const std::string& name, const std::vector<std::string>& statements) {
        for (const std::string& each : statements) ASSERT_EQ(own(name, each), "") << each;
    }
    void fill(const std::string& name, int rows) {
        if (mysql()) {
            all(name, {"CREATE TABLE big (id INT PRIMARY KEY, v VARCHAR(200))",
                       fmt::format("INSERT INTO big SELECT seq, REPEAT(MD5(seq), 4) FROM seq_1_to_{}", rows)});
        } else {
            all(name,
                {"CREATE TABLE big (id int PRIMARY KEY, v text)",
                 fmt::format("INSERT INTO big SELECT g, repeat(md5(g::text), 4) FROM generate_series(1, {}) g",
                             rows)});
        }
    }
    std::string sum_of(const std::string& name) {
        return own(name, mysql() ? "SELECT COUNT(*), SUM(CRC32(CONCAT(id, v))) FROM big"
                                 : "SELECT count(*), md5(string_agg(b::text, '|' ORDER BY id)) FROM big b");
    }

    TemporaryDirectory directory_;
    GivenLogins logins_;
    std::unique_ptr<backups::BackupsProvider> backups_;
    std::unique_ptr<backups::RestoringProvider> restoring_;
    std::string said_;  // while it was pending
};

INSTANTIATE_TEST_SUITE_P(Engines, Backups, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(Backups, HoldEverythingThatTheDatabaseHolds) {
    make_source("origin");
    fill("origin", 20'000);
    if (mysql()) {
        all("origin",
            {"CREATE TABLE words (id INT AUTO_INCREMENT PRIMARY KEY, w TEXT, b BLOB)",
             "INSERT INTO words (w, b) VALUES ('Grüße, 世界 ''quoted'' \\\\ `x`\nline', X'00FF0A0D27')",
             "CREATE VIEW shout AS SELECT UPPER(w) AS w FROM words",
             "CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
             "CREATE PROCEDURE note(t TEXT) INSERT INTO words (w) VALUES (t)", "CREATE TABLE log (w TEXT)",
             "CREATE TRIGGER noted AFTER INSERT ON words FOR EACH ROW INSERT INTO log VALUES (NEW.w)",
             "CREATE SEQUENCE tick START WITH 41", "DO NEXTVAL(tick)",
             "CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM log"});
    } else {
        all("origin",
            {"CREATE TABLE words (id serial PRIMARY KEY, w text, b bytea)",
             "INSERT INTO words (w, b) VALUES (E'Grüße, 世界 ''quoted'' \\\\ \"x\"\nline', '\\x00ff0a0d27')",
             "CREATE VIEW shout AS SELECT upper(w) AS w FROM words",
             "CREATE FUNCTION twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2'",
             "CREATE INDEX doubled ON words (twice(id))", "COMMENT ON TABLE words IS 'told'", "CREATE SCHEMA side",
             "CREATE TABLE side.t AS SELECT 1 AS one", "CREATE EXTENSION hstore", "CREATE SEQUENCE tick START 41"});
        ASSERT_EQ(own("origin", "SELECT nextval('tick')"), "41");
        ASSERT_NE(own("origin", "SELECT lo_from_bytea(0, 'large')"), "");
    }
    const ProviderAnswer made = back_up("kept", "origin");
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_GT(json::get_int(made->handle, "bytes"), 0);
    EXPECT_EQ(json::get_string(made->handle, "sha256").size(), 64U);
    EXPECT_NE(json::get_string(made->handle, "engine_version"), "");

    const ProviderAnswer copied = restore("copy", "kept");
    ASSERT_TRUE(is(copied, Presence::running));
    EXPECT_EQ(json::get_string(copied->handle, "restored"), "res_kept");
    EXPECT_EQ(sum_of("copy"), sum_of("origin"));
    for (const std::string& question :
         mysql()
             ? std::vector<
                   std::string>{"SELECT id, w, HEX(b) FROM words", "SELECT w FROM shout", "SELECT twice(21)",
                                "SELECT COUNT(*) FROM log", "SELECT NEXTVAL(tick) > 41",
                                "SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"}
             : std::vector<std::string>{
                   "SELECT id, w, encode(b, 'hex') FROM words", "SELECT w FROM shout", "SELECT twice(21)",
                   "SELECT one FROM side.t", "SELECT nextval('tick')", "SELECT obj_description('words'::regclass)",
                   "SELECT count(*) FROM pg_largeobject_metadata", "SELECT extname FROM pg_extension ORDER BY 1",
                   "SELECT indexdef FROM pg_indexes WHERE indexname = 'doubled'"}) {
        EXPECT_EQ(own("copy", question), own("origin", question)) << question;
    }
    // All of it is the new tenant's own.
    all("copy", {"INSERT INTO words (w) VALUES ('more')", "DROP VIEW shout"});
    if (mysql()) {
        EXPECT_EQ(own("copy", "SELECT COUNT(*) FROM log"), "1") << "the trigger works for its new owner";
        EXPECT_EQ(own("copy", "CALL note('again')"), "");
        EXPECT_EQ(own("copy",
                      "SELECT DISTINCT DEFINER FROM information_schema.ROUTINES"
                      " WHERE ROUTINE_SCHEMA = DATABASE()"),
                  "copy@%");
    } else {
        EXPECT_EQ(own("copy",
                      "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
                      " WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'pg_%'"),
                  "copy");
    }
}

TEST_P(Backups, EachVerbTwiceHasTheEffectOfOne) {
    make_source("twice");
    fill("twice", 10);
    const Target target = target_of("backup-a");
    const Spec wanted = backup_spec("twice");
    EXPECT_TRUE(is(settled(*backups_, Verb::observe, target, wanted), Presence::absent));
    EXPECT_TRUE(is(settled(*backups_, Verb::update, target, wanted), Presence::absent));
    const ProviderAnswer first = back_up("backup-a", "twice");
    ASSERT_TRUE(is(first, Presence::running));
    for (const Verb verb : {Verb::create, Verb::observe, Verb::update, Verb::observe}) {
        start();
        const ProviderAnswer again = settled(*backups_, verb, target, wanted);
        ASSERT_TRUE(is(again, Presence::running)) << to_string(verb);
        EXPECT_EQ(again->handle, first->handle) << "the same one";
    }
    for (const std::uint64_t other : {2U, 7U}) {
        EXPECT_TRUE(is(settled(*backups_, Verb::observe, target_of("backup-a", other), wanted), Presence::foreign));
        EXPECT_TRUE(is(settled(*backups_, Verb::remove, target_of("backup-a", other), wanted), Presence::foreign));
    }
    const auto page = subject_.run(backups_->inventory("", kBudget));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->items.size(), 1U);
    EXPECT_EQ(page->items[0].resource, ResourceId("res_backup-a"));
    EXPECT_EQ(page->items[0].presence, Presence::running);
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(is(settled(*backups_, Verb::remove, target, wanted), Presence::absent));
    }
    EXPECT_TRUE(is(settled(*backups_, Verb::observe, target, wanted), Presence::absent));
    EXPECT_TRUE(fails(settled(*backups_, Verb::create, target, wanted), ErrorClass::permanent))
        << "one that comes late";
    EXPECT_TRUE(subject_.run(backups_->inventory("", kBudget))->items.empty());
}

TEST_P(Backups, AnInterruptedDumpIsNoBackupAndBeginsAnew) {
    make_source("torn");
    fill("torn", 60'000);
    const Target target = target_of("half");
    for (int i = 0; i < 3; ++i) {
        const ProviderAnswer begun = subject_.run(ask(*backups_, Verb::create, target, backup_spec("torn")));
        ASSERT_TRUE(is(begun, Presence::pending));
        start();
        EXPECT_TRUE(is(settled(*backups_, Verb::observe, target, backup_spec("torn")), Presence::absent));
    }
    ASSERT_TRUE(is(back_up("half", "torn"), Presence::running));
    ASSERT_TRUE(is(restore("mended", "half"), Presence::running));
    EXPECT_EQ(sum_of("mended"), sum_of("torn"));
    // One that is removed while it is written leaves nothing.
    ASSERT_TRUE(is(subject_.run(ask(*backups_, Verb::create, target_of("stopped"), backup_spec("torn"))),
                   Presence::pending));
    EXPECT_TRUE(is(settled(*backups_, Verb::remove, target_of("stopped"), backup_spec("torn")), Presence::absent));
    EXPECT_FALSE(fs::exists(directory_.path() / "backups/.new/stopped"));
}

TEST_P(Backups, AnInterruptedRestoreIsNeverTakenForAWholeOne) {
    make_source("whole");
    fill("whole", 60'000);
    ASSERT_TRUE(is(back_up("kept", "whole"), Presence::running));
    const Target target = target_of("copy");
    for (int i = 0; i < 3; ++i) {
        ProviderAnswer begun = subject_.run(ask(*restoring_, Verb::create, target, copy_spec("copy", "kept")));
        ASSERT_TRUE(is(begun, Presence::pending)) << i;
        start();
        ASSERT_TRUE(is(subject_.run(ask(*restoring_, Verb::observe, target, spec("copy"))), Presence::stopped));
        // As what it had put there.
        EXPECT_EQ(own("copy", fmt::format("CREATE TABLE half_{} (id INT)", i)), "");
    }
    ASSERT_TRUE(is(restore("copy", "kept"), Presence::running));
    EXPECT_EQ(sum_of("copy"), sum_of("whole"));
    EXPECT_THAT(own("copy", "SELECT COUNT(*) FROM half_2"), HasSubstr("error")) << "it was emptied first";
    // The broker dies before anybody has recorded that it is there.
    start();
    ASSERT_TRUE(is(subject_.run(ask(*restoring_, Verb::observe, target, spec("copy"))), Presence::running));
    EXPECT_EQ(own("copy", "CREATE TABLE used (id INT)"), "");
    start();
    ASSERT_TRUE(is(subject_.run(ask(*restoring_, Verb::create, target, spec("copy"))), Presence::running));
    EXPECT_EQ(own("copy", "SELECT COUNT(*) FROM used"), "0") << "what is in use is never emptied";
}

TEST_P(Backups, WhatIsInUseIsNeverEmptiedWhateverTheServerRemembers) {
    make_source("base");
    fill("base", 10);
    ASSERT_TRUE(is(back_up("kept", "base"), Presence::running));
    ProviderAnswer made = restore("copy", "kept");
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(subject_.as_admin("DELETE FROM slipway.restores"), "");
    Target target = target_of("copy");
    target.handle = made->handle;
    for (const Verb verb : {Verb::observe, Verb::update, Verb::create}) {
        start();
        const ProviderAnswer answer = subject_.run(ask(*restoring_, verb, target, spec("copy")));
        ASSERT_TRUE(is(answer, Presence::running)) << to_string(verb);
    }
    EXPECT_EQ(sum_of("copy"), sum_of("base"));
}

TEST_P(Backups, WhatCannotBeDumpedOrRestoredIsSaidAndLeavesNothing) {
    make_source("plain");
    EXPECT_TRUE(fails(back_up("orphan", "nobody"), ErrorClass::permanent));
    logins_.failure = ErrorCode::unavailable;
    EXPECT_TRUE(fails(back_up("orphan", "plain"), ErrorClass::transient));
    logins_.failure.reset();
    DatabaseLogin& login = logins_.logins.at(ResourceId("res_plain"));
    login.password = Secret("wrong");
    EXPECT_TRUE(fails(back_up("orphan", "plain"), ErrorClass::transient));
    login.password = Secret(kTenantCanary);
    EXPECT_TRUE(fails(restore("copy", "no-such"), ErrorClass::permanent));

    fill("plain", 100);
    ASSERT_TRUE(is(back_up("damaged", "plain"), Presence::running));
    const fs::path data = directory_.path() / "backups/damaged/data";
    const auto size = fs::file_size(data);
    {
        std::FILE* file = std::fopen(data.c_str(), "r+");
        ASSERT_NE(file, nullptr);
        std::fseek(file, static_cast<long>(size / 2), SEEK_SET);
        std::fputs("XXXXXXXX", file);
        std::fclose(file);
    }
    start();
    const ProviderAnswer refused = restore("copy-2", "damaged");
    ASSERT_TRUE(refused) << refused.error().message;
    EXPECT_EQ(refused->presence, Presence::failed);
    EXPECT_THAT(refused->detail, HasSubstr("damaged"));
    fs::resize_file(data, size / 2);
    EXPECT_TRUE(
        is(settled(*backups_, Verb::observe, target_of("damaged"), backup_spec("plain")), Presence::absent));
}

TEST_P(Backups, APlanBoundsTheirSize) {
    make_source("large");
    fill("large", 100'000);
    if (!mysql()) all("large", {"ALTER TABLE big ALTER v SET STORAGE EXTERNAL"});
    if (!mysql()) all("large", {"UPDATE big SET v = v || md5(random()::text) || md5(random()::text)"});
    Spec wanted = backup_spec("large");
    wanted.parameters["max_size_mb"] = 1;
    const ProviderAnswer refused = settled(*backups_, Verb::create, target_of("too-large"), wanted);
    ASSERT_TRUE(refused) << refused.error().message;
    EXPECT_EQ(refused->presence, Presence::failed);
    EXPECT_THAT(refused->detail, HasSubstr("larger than its plan allows"));
    EXPECT_THAT(said_, HasSubstr("dumped: "));
    EXPECT_TRUE(is(settled(*backups_, Verb::remove, target_of("too-large"), wanted), Presence::absent));
}

// A restore runs as the new tenant: what the old one left in its database gains nothing by it.
TEST_P(Backups, WhatATenantHidInItsDatabaseGainsNothing) {
    make_source("trap");
    const std::string proof = (directory_.path() / "proof").string();
    if (mysql()) {
        all("trap", {"CREATE TABLE t (v TEXT)",
                     fmt::format("INSERT INTO t VALUES ('\n\\\\! touch {0}\nsystem touch {0}\n')", proof),
                     fmt::format("CREATE TABLE `x\nsystem touch {0}\ny` (id INT)", proof),
                     fmt::format("CREATE TABLE `x\n\\! touch {0}\ny` (id INT)", proof),
                     fmt::format("CREATE TABLE c (id INT) COMMENT '\n\\\\! touch {0}\n'", proof),
                     fmt::format("CREATE VIEW v AS SELECT '\nsystem touch {0}\n' AS c", proof)});
    } else {
        all("trap",
            {"CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)",
             std::string("CREATE FUNCTION public.climb(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
                         " PERFORM pg_catalog.set_config('role', 'none', false);"
                         " EXECUTE pg_catalog.format('ALTER ROLE %I SUPERUSER', session_user);"
                         " RETURN x; EXCEPTION WHEN OTHERS THEN RETURN x; END $$"),
             "CREATE INDEX climbing ON t (public.climb(id))",
             fmt::format("CREATE TABLE \"x\n\\! touch {0}\n\" (id int)", proof)});
    }
    ASSERT_TRUE(is(back_up("kept", "trap"), Presence::running));
    ASSERT_TRUE(is(restore("sprung", "kept"), Presence::running));
    EXPECT_FALSE(fs::exists(proof));
    if (!mysql()) {
        EXPECT_EQ(
            subject_.as_admin("SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname IN ('trap', 'sprung')"),
            "0");
    }
    EXPECT_EQ(own("sprung", "SELECT COUNT(*) FROM t"), own("trap", "SELECT COUNT(*) FROM t"));
}

}  // namespace
}  // namespace slipway::testing
