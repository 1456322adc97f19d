// What only the SQLite store promises: one process at a time, private files, bounds, restarts, and staying honest
// when the disk does not.
#include <fstream>
#include <set>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite/sqlite_store.h"
#include "store_conformance.h"
#include "store_crash_vfs.h"

namespace slipway::conformance {
namespace {

class SqliteTest : public ::testing::Test {
  protected:
    Result<std::unique_ptr<store::SqliteStore>> open(store::SqliteOptions options = {}) {
        return store::SqliteStore::open(data(), clock, random, std::move(options));
    }
    [[nodiscard]] std::filesystem::path data() const { return directory.path() / "data"; }
    // A statement on the file itself, as an operator or a fault would do it.
    void on_file(const std::string& sql) {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open((data() / "slipway.db").c_str(), &raw), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
        sqlite3_close(raw);
    }

    TemporaryDirectory directory;
    ManualClock clock{kStart};
    SeededRandom random{1};
};

Commit accept_number(int number) {
    const Resource resource = sample_resource(number);
    return accept(resource, sample_operation(number, resource));
}

bool committed(const Result<CommitAnswer>& answer) { return answer && std::holds_alternative<Committed>(*answer); }

LeaseRequest lease_everything() { return {HostId("h"), 30s, {{"local", 1000}}, 1000, {}}; }

TEST_F(SqliteTest, KeepsEverythingAcrossACleanClose) {
    std::string before;
    {
        auto store = open().value();
        for (int i = 0; i < 20; ++i) {
            Commit commit = accept_number(i);
            commit.allocations.push_back({"p", "port", 1, 50, resource_id(i), false, {}});
            ASSERT_TRUE(committed(run(store->commit(commit))));
        }
        ASSERT_EQ(run(store->lease(lease_everything()))->work.size(), 20U);
        before = dump(*store);
    }
    EXPECT_FALSE(std::filesystem::exists(data() / "slipway.db-wal")) << "a clean close leaves one file";
    auto store = open().value();
    EXPECT_EQ(dump(*store), before);
    EXPECT_TRUE(run(store->lease(lease_everything()))->work.empty()) << "leases are kept too";
    Commit next = accept_number(30);
    next.allocations.push_back({"p", "port", 1, 50, resource_id(30), false, {}});
    const auto answer = run(store->commit(next)).value();
    EXPECT_EQ(std::get<Committed>(answer).resources.at(0).allocations.at("port"), 21);
    clock.advance(30s);
    EXPECT_EQ(run(store->lease(lease_everything()))->work.size(), 21U);
}

// A child commits, says how far it got, and is killed in the middle of its next commits.
TEST_F(SqliteTest, KeepsWhatWasAnsweredWhenTheProcessIsKilled) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto store = open();
        for (int i = 0; store && i < 100'000; ++i) {
            if (!committed(run((*store)->commit(accept_number(i))))) break;
            if (::write(pipe[1], &i, sizeof i) != sizeof i) break;
        }
        ::_exit(1);
    }
    ::close(pipe[1]);
    int last = -1;
    while (last < 50 && ::read(pipe[0], &last, sizeof last) == sizeof last) {
    }
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &last, sizeof last) == sizeof last) {
    }
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    ASSERT_GE(last, 50);
    auto store = open().value();
    for (int i = 0; i <= last; ++i) {
        EXPECT_TRUE(run(store->resource(resource_id(i))).value()) << i;
        EXPECT_TRUE(run(store->operation(operation_id(i))).value()) << i;
    }
    // One more may have been on disk without its answer having been read: whole, or not there.
    EXPECT_EQ(run(store->resource(resource_id(last + 1))).value().has_value(),
              run(store->operation(operation_id(last + 1))).value().has_value());
    EXPECT_FALSE(run(store->resource(resource_id(last + 2))).value());
}

// The log is moved by a thread beside the writer, which never reaches its end while commits go on; the writer has
// to, or the log would grow for as long as the server is busy.
TEST_F(SqliteTest, KeepsItsLogShortWhileCommitsNeverPause) {
    store::SqliteOptions options;
    options.durable = false;
    options.checkpoint_pages = 64;
    auto store = open(options).value();
    constexpr int kCommits = 3000;
    int done = 0;
    boost::asio::io_context context;
    for (int i = 0; i < kCommits; ++i) {
        boost::asio::co_spawn(context, store->commit(accept_number(i)),
                              [&](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                                  done += committed(answer) ? 1 : 0;
                              });
        if (i % 16 != 0) continue;
        context.restart();  // it may have run dry, and runs nothing more then
        context.poll();
    }
    context.restart();
    context.run();
    ASSERT_EQ(done, kCommits);
    constexpr std::uintmax_t kPage = 4096 + 24;
    // Eight times what was asked for, and the one batch of 512 that may come on top: 4 pages a commit at most.
    EXPECT_LT(std::filesystem::file_size(data() / "slipway.db-wal"), kPage * (8 * 64 + 512 * 4));
    EXPECT_GT(std::filesystem::file_size(data() / "slipway.db"), kCommits * 500U) << "moved while it ran";
    store.reset();
    EXPECT_EQ(run(open().value()->resources({}, {"", 1})).value().items.size(), 1U);
}

TEST_F(SqliteTest, RefusesASecondProcessAndNamesTheFirst) {
    auto first = open().value();
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::unavailable);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos)
        << second.error().message;
    first.reset();
    EXPECT_TRUE(open());
}

TEST_F(SqliteTest, MakesItsDirectoryAndFilesPrivate) {
    const mode_t before = ::umask(0);
    auto store = open();
    ::umask(before);
    ASSERT_TRUE(store);
    ASSERT_TRUE(committed(run((*store)->commit(accept_number(1)))));
    struct stat facts{};
    ASSERT_EQ(::stat(data().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(data())) {
        ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777U, 0600U) << file.path();
        ++files;
    }
    EXPECT_GE(files, 4) << "lock, database, log and its index";
}

TEST_F(SqliteTest, AnswersExhaustedAtOnceWhenTooMuchHasQueued) {
    store::SqliteOptions options;
    options.max_queue = 8;
    options.max_batch = 4;
    auto store = open(options).value();
    boost::asio::io_context context;
    int done = 0;
    int exhausted = 0;
    for (int i = 0; i < 500; ++i) {
        boost::asio::co_spawn(context, store->commit(accept_number(i)),
                              [&](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                                  if (committed(answer)) ++done;
                                  if (!answer && answer.error().code == ErrorCode::exhausted) ++exhausted;
                              });
    }
    context.run();
    EXPECT_GT(exhausted, 0);
    EXPECT_GE(done, 8);
    EXPECT_EQ(done + exhausted, 500);
    EXPECT_EQ(run(store->resources({}, {"", 1000})).value().items.size(), static_cast<std::size_t>(done))
        << "exhausted means that nothing was written";
}

TEST_F(SqliteTest, ClosingWritesWhatHasQueued) {
    boost::asio::io_context context;
    int done = 0;
    {
        auto store = open().value();
        for (int i = 0; i < 200; ++i) {
            boost::asio::co_spawn(context, store->commit(accept_number(i)),
                                  [&](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                                      done += committed(answer) ? 1 : 0;
                                  });
        }
        context.poll();  // queues all of them; answers wait in the context
    }
    context.run();
    EXPECT_EQ(done, 200);
    EXPECT_EQ(run(open().value()->resources({}, {"", 1000})).value().items.size(), 200U);
}

// A trigger stands for whatever the database may refuse that the checks did not foresee.
TEST_F(SqliteTest, OneCommitThatTheDatabaseRefusesDoesNotHarmItsNeighbours) {
    {
        auto store = open().value();
    }
    on_file(
        "CREATE TRIGGER nasty BEFORE INSERT ON settings WHEN new.key = 'bad' BEGIN "
        "SELECT raise(ABORT, 'no'); END");
    auto store = open().value();
    boost::asio::io_context context;
    std::set<int> good;
    int bad = 0;
    for (int i = 0; i < 50; ++i) {
        Commit commit = accept_number(i);
        commit.writes.emplace_back(write::PutSetting{i % 10 == 5 ? "bad" : "good", "v"});
        boost::asio::co_spawn(context, store->commit(commit),
                              [&, i](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                                  if (committed(answer)) good.insert(i);
                                  if (!answer) ++bad;
                              });
    }
    context.run();
    EXPECT_EQ(bad, 5);
    EXPECT_EQ(good.size(), 45U);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(run(store->resource(resource_id(i))).value().has_value(), good.contains(i)) << i;
    }
    std::uint64_t expected = 0;
    for (const Event& event : run(store->events({}, 0, 1000)).value().items) {
        EXPECT_EQ(event.sequence, ++expected) << "what was rolled back used up no number";
    }
    EXPECT_EQ(expected, 45U);
}

TEST_F(SqliteTest, SaysStorageWhileTheDiskFailsAndWorksAgainAfterwards) {
    auto store = open().value();
    ASSERT_TRUE(committed(run(store->commit(accept_number(1)))));
    const std::string before = dump(*store);
    // A second program that holds the write lock for longer than anyone waits is a fault that comes and goes.
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((data() / "slipway.db").c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    const auto failed = run(store->commit(accept_number(2)));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::storage);
    EXPECT_EQ(dump(*store), before) << "reads go on";
    sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(other);
    EXPECT_TRUE(committed(run(store->commit(accept_number(2)))));
    EXPECT_EQ(run(store->lease(lease_everything()))->work.size(), 2U) << "what was due is still known";
}

TEST_F(SqliteTest, ADeadDiskGivesStorageErrorsNeverFalseAnswers) {
    CrashDisk probe(0);
    store::SqliteOptions options;
    options.vfs = probe.vfs();
    std::uint64_t calls = 0;
    {
        auto store = open(options).value();
        ASSERT_TRUE(committed(run(store->commit(accept_number(1)))));
        calls = probe.calls();
    }
    std::filesystem::remove_all(data());
    CrashDisk dying(calls + 3);
    options.vfs = dying.vfs();
    auto store = open(options).value();
    ASSERT_TRUE(committed(run(store->commit(accept_number(1)))));
    for (int i = 2; i < 6; ++i) {
        const auto answer = run(store->commit(accept_number(i)));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::storage) << answer.error().message;
    }
    EXPECT_FALSE(run(store->resource(resource_id(2))).value()) << "nothing of it is visible";
}

TEST_F(SqliteTest, ARowThatCannotBeReadIsAnErrorAndDoesNotStopTheOthers) {
    {
        auto store = open().value();
        for (int i = 1; i <= 3; ++i) ASSERT_TRUE(committed(run(store->commit(accept_number(i)))));
    }
    on_file("UPDATE operations SET body = '{\"id\":' WHERE id = '" + operation_id(2).str() + "'");
    auto store = open().value();
    const auto read = run(store->operation(operation_id(2)));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::storage);
    EXPECT_NE(read.error().message.find(operation_id(2).str()), std::string::npos);
    EXPECT_EQ(run(store->lease(lease_everything()))->work.size(), 2U);
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsRefusedAndNotTouched) {
    std::filesystem::create_directories(data());
    const std::string text(8192, 'x');
    std::ofstream(data() / "slipway.db") << text;
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::storage);
    EXPECT_EQ(std::filesystem::file_size(data() / "slipway.db"), text.size());
}

TEST_F(SqliteTest, ADatabaseOfANewerVersionIsRefused) {
    {
        auto store = open().value();
    }
    on_file("INSERT INTO migrations VALUES (999, 'from_the_future', 'x', 0)");
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::unavailable);
    EXPECT_NE(store.error().message.find("newer version"), std::string::npos) << store.error().message;
}

TEST_F(SqliteTest, CountsOfLiveResourcesSurviveARestart) {
    {
        auto store = open().value();
        for (int i = 1; i <= 3; ++i) ASSERT_TRUE(committed(run(store->commit(accept_number(i)))));
    }
    auto store = open().value();
    Commit commit;
    commit.preconditions.emplace_back(precondition::LiveResourcesBelow{OrganizationId("acme"), 3});
    EXPECT_TRUE(std::holds_alternative<Rejected>(run(store->commit(commit)).value()));
    commit.preconditions = {precondition::LiveResourcesBelow{OrganizationId("acme"), 4}};
    EXPECT_TRUE(committed(run(store->commit(commit))));
}

}  // namespace
}  // namespace slipway::conformance
