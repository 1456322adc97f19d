// How much the provider adds to what the engine itself needs, both measured in one run, turn by turn.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "local_subject.h"
#include "providers/local/redis_config.h"
#include "providers/local/resp.h"
#include "providers/local/waiting.h"

namespace slipway::testing {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

Task<bool> pong(std::uint16_t port) {
    const Deadline deadline(std::chrono::seconds(10));
    while (!deadline.over()) {
        const auto replies = co_await local::exchange(
            "127.0.0.1", port, {local::command({"AUTH", "default", kTenantCanary}), local::command({"PING"})},
            deadline);
        if (replies && replies->back() == "+PONG") co_return true;
        co_await slipway::pause(std::chrono::microseconds(500));
    }
    co_return false;
}

// The limit: fork, execute with the same configuration, log in.
Milliseconds bare(LocalSubject& subject, const Spec& spec, const std::string& name) {
    const auto config = local::redis_config(target_of(name), spec, {"127.0.0.1", "::1"});
    const std::string directory = subject.path() + "/" + name;
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/conf") << config->text;
    const auto began = std::chrono::steady_clock::now();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close_range(3, ~0U, 0);
        const int in = ::open((directory + "/conf").c_str(), O_RDONLY);
        const int out = ::open((directory + "/log").c_str(), O_WRONLY | O_CREAT, 0600);
        if (::chdir(directory.c_str()) != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0) ::_exit(1);
        ::execl("/usr/bin/redis-server", "redis-server", "-", nullptr);
        ::_exit(127);
    }
    EXPECT_TRUE(subject.run(pong(config->port)));
    const Milliseconds took = std::chrono::steady_clock::now() - began;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return took;
}

TEST(LocalLatency, CreateAddsLittleToWhatTheEngineNeeds) {
    LocalSubject subject;
    std::vector<double> limits;
    std::vector<double> creates;
    std::vector<double> removes;
    for (int i = 0; i < 21; ++i) {
        limits.push_back(bare(subject, subject.spec(), fmt::format("bare-{}", i)).count());
        const Target target = target_of(fmt::format("made-{}", i));
        const Spec spec = subject.spec();
        const auto began = std::chrono::steady_clock::now();
        const ProviderAnswer made = subject.run(subject.provider().create(target, spec, std::chrono::seconds(10)));
        creates.push_back(Milliseconds(std::chrono::steady_clock::now() - began).count());
        ASSERT_TRUE(made) << made.error().message;
        EXPECT_EQ(made->presence, Presence::running);
        const auto removing = std::chrono::steady_clock::now();
        EXPECT_TRUE(subject.run(subject.provider().remove(target, spec, std::chrono::seconds(10))));
        removes.push_back(Milliseconds(std::chrono::steady_clock::now() - removing).count());
    }
    const auto median = [](std::vector<double> values) {
        std::ranges::sort(values);
        return values[values.size() / 2];
    };
    RecordProperty("limit_ms", fmt::format("{:.2f}", median(limits)));
    RecordProperty("create_ms", fmt::format("{:.2f}", median(creates)));
    RecordProperty("remove_ms", fmt::format("{:.2f}", median(removes)));
    // Far from the goal of 1.5 times, so that a slow or busy machine does not fail it; a lost fast path does.
    EXPECT_LT(median(creates), 3 * median(limits) + 20)
        << fmt::format("limit {:.2f} ms, create {:.2f} ms", median(limits), median(creates));
}

}  // namespace
}  // namespace slipway::testing
