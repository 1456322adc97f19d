// Nothing that was answered is lost when the machine dies, and nothing is there by half. The disk below drops what
// was not synced; with synchronous=OFF it must catch the loss, or it would prove nothing.
#include <fmt/format.h>

#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include "store_conformance.h"
#include "store_crash_vfs.h"

namespace slipway::conformance {
namespace {

constexpr int kRounds = 10;
constexpr int kCommitsOfARound = 4;

// A seeded history. Every commit is a decision about what the store holds, so that some are rejected.
Commit next_commit(int number, Random& random) {
    if (number % 5 == 4) {
        // A change that only fits if the resource was never changed before.
        Resource old = sample_resource(static_cast<int>(random.below(static_cast<std::uint64_t>(number))));
        old.version = 1;
        old.health = Health::healthy;
        old.state = resource_state::Ready{{"redis", "host", 6379}, {}};  // which begins its usage
        Commit change;
        Webhook webhook;
        webhook.id = WebhookId(fmt::format("whk_{}", number));
        webhook.url = "https://example.org/" + random.alphanumeric(2000);
        change.writes.emplace_back(write::PutWebhook{webhook});
        change.writes.emplace_back(write::PutQuota{{old.organization, std::nullopt, "", "", random.below(100)}});
        change.writes.emplace_back(write::PutResource{old});
        change.events.push_back(sample_event(old, "resource.healthy"));
        return change;
    }
    Resource resource = sample_resource(number);
    resource.labels = {{"team", random.alphanumeric(8)}};
    resource.health_detail = random.alphanumeric(random.below(3000));  // several pages now and then
    Commit commit = accept(resource, sample_operation(number, resource));
    commit.allocations.push_back({"local/port", "port", 10'000, 10'020, resource.id, false, kStart});
    return commit;
}

struct History {
    std::vector<std::string> allowed;  // states that a restart may find
    bool opened = false;
    bool failed = false;
};

using Answers = std::vector<std::optional<Result<CommitAnswer>>>;

Answers commit_together(Store& store, const std::vector<Commit>& commits) {
    boost::asio::io_context context;
    Answers answers(commits.size());
    for (std::size_t i = 0; i < commits.size(); ++i) {
        boost::asio::co_spawn(context, store.commit(commits[i]),
                              [&answers, i](const std::exception_ptr&, Result<CommitAnswer> answer) {
                                  answers[i] = std::move(answer);
                              });
    }
    context.run();
    return answers;
}

// Runs the history until the disk dies, beside a model that decides what may be found afterwards.
History live(const std::filesystem::path& directory, CrashDisk& disk, bool durable, std::uint64_t seed) {
    ManualClock clock(kStart);
    SeededRandom tokens(1);
    SeededRandom random(seed);
    store::MemoryStore model(clock);
    History history{{dump(model)}, false, false};
    store::SqliteOptions options;
    options.vfs = disk.vfs();
    options.durable = durable;
    options.checkpoint_pages = 12;  // so that checkpoints are hit as well
    auto opened = store::SqliteStore::open(directory, clock, tokens, options);
    if (!opened) {
        history.failed = true;
        return history;
    }
    history.opened = true;
    int number = 0;
    for (int round = 0; round < kRounds && !history.failed; ++round) {
        std::vector<Commit> commits;
        for (int i = 0; i < kCommitsOfARound; ++i) commits.push_back(next_commit(number++, random));
        const auto answers = commit_together(**opened, commits);
        for (std::size_t i = 0; i < commits.size(); ++i) {
            const bool answered = answers[i] && answers[i]->has_value();
            if (answered && history.failed) {
                // A rejection needs no disk.
                EXPECT_TRUE(std::holds_alternative<Rejected>(**answers[i])) << "a commit on a dead disk";
                continue;
            }
            const auto expected = run(model.commit(commits[i]));
            if (answered) {
                EXPECT_EQ((**answers[i]).index(), expected->index());
                history.allowed = {dump(model)};
            } else {
                EXPECT_TRUE(answers[i]);
                EXPECT_EQ(answers[i]->error().code, ErrorCode::storage);
                history.failed = true;
                history.allowed.push_back(dump(model));  // of unknown outcome: whole or not at all
            }
        }
    }
    return history;
}

enum class Found : std::uint8_t { as_it_must_be, something_lost };

Found restart(const std::filesystem::path& directory, const History& history) {
    ManualClock clock(kStart);
    SeededRandom tokens(1);
    CrashDisk calm(0);  // never fails, and saves the time of syncing
    store::SqliteOptions options;
    options.vfs = calm.vfs();
    auto opened = store::SqliteStore::open(directory, clock, tokens, options);
    if (!opened) return Found::something_lost;
    std::string found;
    try {
        found = dump(**opened);
    } catch (const std::bad_expected_access<Error>&) {
        return Found::something_lost;  // a table of it cannot be read any more
    }
    return std::ranges::find(history.allowed, found) != history.allowed.end() ? Found::as_it_must_be
                                                                              : Found::something_lost;
}

std::uint64_t calls_of_a_whole_life() {
    const TemporaryDirectory directory;
    CrashDisk disk(0);
    EXPECT_FALSE(live(directory.path() / "data", disk, true, 1).failed);
    return disk.calls();
}

// Crashes at every `stride`-th call and counts how often something was lost.
int crash_all_along(bool durable, CrashDisk::Loss loss, std::uint64_t stride, std::uint64_t seed) {
    int lost = 0;
    const std::uint64_t calls = calls_of_a_whole_life();
    EXPECT_GT(calls, 200U);
    SeededRandom random(seed);
    for (std::uint64_t at = 1 + seed % stride; at < calls; at += stride) {
        const TemporaryDirectory directory;
        const auto data = directory.path() / "data";
        CrashDisk disk(at);
        const History history = live(data, disk, durable, 1);
        disk.lose_unsynced(loss, random);
        if (restart(data, history) == Found::something_lost) {
            ++lost;
            EXPECT_FALSE(durable) << "a crash at call " << at << " lost or half-kept a commit";
        }
    }
    return lost;
}

TEST(StoreCrash, KeepsEveryAnsweredCommitWhenUnsyncedWritesAreLost) {
    EXPECT_EQ(crash_all_along(true, CrashDisk::Loss::all, 11, 0), 0);
}

TEST(StoreCrash, KeepsEveryAnsweredCommitWhenUnsyncedSectorsAreTorn) {
    EXPECT_EQ(crash_all_along(true, CrashDisk::Loss::some, 11, 5), 0);
}

TEST(StoreCrash, WithoutSyncingTheSameDiskSeesLosses) {
    EXPECT_GT(crash_all_along(false, CrashDisk::Loss::all, 40, 0), 0);
}

}  // namespace
}  // namespace slipway::conformance
