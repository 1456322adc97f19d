// Calls that are cut off in the middle, and the whole suite of real engines once more without root.
#include <sys/wait.h>
#include <unistd.h>

#include "local_fixture.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;

// An engine, and where in the call the helper dies.
using EngineAndPoint = std::tuple<std::string, std::string>;

// The helper dies in the middle of the call; the answer is lost.
class LocalInterrupted : public LocalEngineTest, public ::testing::WithParamInterface<EngineAndPoint> {
  protected:
    LocalInterrupted() : LocalEngineTest(std::get<0>(GetParam())) {}
    static std::string point() { return std::get<1>(GetParam()); }
};

TEST_P(LocalInterrupted, CreateIsFinishedByTheNextOne) {
    subject_.crash_with_helper_that_dies_at(point());
    const ProviderAnswer lost = create();
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().error_class, ErrorClass::unknown_outcome);
    subject_.crash();
    const std::string before = subject_.identity("oct-1");
    ASSERT_TRUE(is(create(), Presence::running));
    if (!before.empty()) {
        EXPECT_EQ(subject_.identity("oct-1"), before) << "what had been started is adopted";
    }
    EXPECT_TRUE(is(observe(), Presence::running));
}

TEST_P(LocalInterrupted, RemoveLeavesNothing) {
    subject_.crash_with_helper_that_dies_at(point());
    ASSERT_FALSE(create());
    subject_.crash();
    EXPECT_TRUE(is(remove(), Presence::absent));
    EXPECT_TRUE(subject_.leftovers().empty());
    EXPECT_FALSE(create());
}

TEST_P(LocalInterrupted, ObserveTellsTheTruthOfWhatIsHalfMade) {
    subject_.crash_with_helper_that_dies_at(point());
    ASSERT_FALSE(create());
    subject_.crash();
    const bool placed = fs::exists(subject_.directory("oct-1"));
    const ProviderAnswer seen = observe();
    ASSERT_TRUE(seen);
    if (!placed) {
        EXPECT_EQ(seen->presence, Presence::absent);
    } else {
        const bool lives = !subject_.identity("oct-1").empty();
        EXPECT_EQ(seen->presence == Presence::stopped, !lives) << to_string(seen->presence);
    }
}

INSTANTIATE_TEST_SUITE_P(AtEveryPoint, LocalInterrupted,
                         ::testing::Combine(::testing::Values("redis", "memcached"),
                                            ::testing::Values("create:made", "create:filled", "create:placed",
                                                              "start:forked", "start:executed")));

// A database server's data directory is made in more steps.
INSTANTIATE_TEST_SUITE_P(AtEveryPointOfPostgres, LocalInterrupted,
                         ::testing::Combine(::testing::Values("postgres"),
                                            ::testing::Values("create:made", "template:begun", "template:executed",
                                                              "template:made", "template:placed", "create:copied",
                                                              "prepare:forked", "prepare:executed", "create:seeded",
                                                              "create:filled", "create:placed", "start:forked",
                                                              "start:executed")));
INSTANTIATE_TEST_SUITE_P(AtEveryPointOfMariadb, LocalInterrupted,
                         ::testing::Combine(::testing::Values("mysql"),
                                            ::testing::Values("create:made", "template:begun", "template:executed",
                                                              "template:made", "template:placed", "create:copied",
                                                              "create:seeded", "create:filled", "create:placed",
                                                              "start:forked", "start:executed")));

class LocalRemovalInterrupted : public LocalInterrupted {};

TEST_P(LocalRemovalInterrupted, TheNextRemovalLeavesNothingAndNothingComesBack) {
    ASSERT_TRUE(is(create(), Presence::running));
    subject_.crash_with_helper_that_dies_at(point());
    const ProviderAnswer lost = remove();
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().error_class, ErrorClass::unknown_outcome);
    subject_.crash();
    EXPECT_TRUE(is(remove(), Presence::absent));
    EXPECT_FALSE(create());
    EXPECT_TRUE(subject_.leftovers().empty());
}

INSTANTIATE_TEST_SUITE_P(AtEveryPoint, LocalRemovalInterrupted,
                         ::testing::Combine(::testing::Values("redis", "memcached", "postgres", "mysql"),
                                            ::testing::Values("remove:buried", "remove:trashed")));

// The whole suite once more without root, in a process that gave it up.
TEST(WithoutRoot, EverythingAboveHoldsToo) {
    if (::geteuid() != 0) return;  // it does already
    char pattern[] = "/tmp/slipway-unprivileged-XXXXXX";
    const int log = ::mkstemp(pattern);
    ASSERT_GE(log, 0);
    ::unlink(pattern);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(log, 1);
        ::dup2(log, 2);
        if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(126);
        ::execl("/proc/self/exe", "suite", "--gtest_filter=Local*:*/Local*", "--gtest_brief=1", nullptr);
        ::_exit(127);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    std::string text(64 * 1024, '\0');
    const ssize_t got = ::pread(log, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    ::close(log);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << text;
    EXPECT_NE(text.find("PASSED"), std::string::npos) << text;
}

}  // namespace
}  // namespace slipway::testing
