// The daemon of the machines: it dies, it hangs, and it goes when it is not needed any more.
#include <gmock/gmock.h>

#include "libvirt_subject.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class MachinesDaemon : public ::testing::Test {
  protected:
    agent::Process daemon() {
        const agent::Answer<agent::InstanceStatus> status =
            subject_.run(subject_.client().status(subject_.daemon(), 5s));
        EXPECT_TRUE(status && status->process) << "no daemon runs";
        return status && status->process ? *status->process : agent::Process{};
    }
    // Until it runs, with a limit.
    bool make(const std::string& name, const Spec& spec) {
        return eventually([&] {
            const ProviderAnswer seen = subject_.run(subject_.libvirt().create(target_of(name), spec, 8s));
            return seen && seen->presence == Presence::running;
        });
    }
    void remove(const std::string& name, const Spec& spec) {
        const ProviderAnswer gone = subject_.run(subject_.libvirt().remove(target_of(name), spec, 8s));
        EXPECT_TRUE(gone && gone->presence == Presence::absent);
    }
    // What calls come to is not asked: only that they lead there.
    bool is_found_again(const std::string& name, const Spec& spec) {
        return eventually([&] {
            const ProviderAnswer seen = subject_.run(subject_.libvirt().observe(target_of(name), spec, 3s));
            return seen && seen->presence == Presence::running;
        });
    }
    // Answers the daemon that was started when `something` happened.
    agent::Process start_and_meanwhile(const std::function<void(const agent::Process&)>& something) {
        EXPECT_TRUE(subject_.run(subject_.libvirt().rest(10s)));
        std::optional<Status> started;
        agent::Process first;
        const Status done = subject_.run([&]() -> Task<Status> {
            const auto executor = co_await boost::asio::this_coro::executor;
            boost::asio::co_spawn(executor, subject_.libvirt().start(20s),
                                  [&](const std::exception_ptr&, Status answer) { started = std::move(answer); });
            while (!started) {
                const auto status = co_await subject_.client().status(subject_.daemon(), 5s);
                if (first.pid != 0 || !status || !status->process) continue;
                first = *status->process;
                something(first);
            }
            co_return *started;
        }());
        EXPECT_TRUE(done) << done.error().message;
        EXPECT_TRUE(subject_.libvirt().available(Kind::machine, "vm"));
        return first;
    }
    [[nodiscard]] bool has_network() const { return fs::exists("/run/netns/slipway-" + subject_.network()); }

    LibvirtSubject subject_;
};

TEST_F(MachinesDaemon, GoesWithTheServerWhereNoMachineIsLeftAndComesBack) {
    EXPECT_TRUE(has_network());
    const agent::Process first = daemon();
    EXPECT_TRUE(subject_.run(subject_.libvirt().rest(10s)));
    EXPECT_FALSE(agent::is_alive(first));
    EXPECT_FALSE(has_network());
    EXPECT_FALSE(fs::exists(subject_.directory(subject_.daemon())));
    EXPECT_FALSE(subject_.libvirt().available(Kind::machine, "vm"));
    const Status again = subject_.run(subject_.libvirt().start(20s));
    EXPECT_TRUE(again) << again.error().message;
    EXPECT_TRUE(agent::is_alive(daemon()));
}

TEST_F(MachinesDaemon, StaysWhereThereIsAMachineAndDiesOrHangsWithoutHarmToIt) {
    const Spec spec = subject_.spec();
    ASSERT_TRUE(make("oct-1", spec));
    const std::string guest = subject_.identity("oct-1");
    EXPECT_TRUE(subject_.run(subject_.libvirt().rest(10s)));
    const agent::Process first = daemon();
    EXPECT_TRUE(agent::is_alive(first)) << "a machine is left";
    EXPECT_TRUE(has_network());

    kill_process(first);
    EXPECT_TRUE(is_found_again("oct-1", spec)) << "killed";
    const agent::Process second = daemon();
    EXPECT_NE(second, first);

    ASSERT_EQ(::kill(second.pid, SIGSTOP), 0);
    EXPECT_TRUE(is_found_again("oct-1", spec)) << "stopped";
    EXPECT_NE(daemon(), second);
    EXPECT_EQ(subject_.identity("oct-1"), guest) << "the machine noticed";
    remove("oct-1", spec);
    EXPECT_THAT(subject_.leftovers(), ::testing::IsEmpty());
}

// After a restart of the broker work goes on at once: that it has to wait for the daemon is no failed attempt of
// its own.
TEST_F(MachinesDaemon, IsWaitedForWhileItStarts) {
    const Spec spec = subject_.spec();
    EXPECT_TRUE(subject_.run(subject_.libvirt().rest(10s)));
    Status started;
    ProviderAnswer seen;
    const Status asked = subject_.run([&]() -> Task<Status> {
        const auto executor = co_await boost::asio::this_coro::executor;
        boost::asio::co_spawn(executor, subject_.libvirt().start(20s),
                              [&](const std::exception_ptr&, Status done) { started = std::move(done); });
        co_await boost::asio::post(executor, boost::asio::use_awaitable);  // it has begun
        seen = co_await subject_.libvirt().observe(target_of("oct-1"), spec, 20s);
        co_return Status{};
    }());
    EXPECT_TRUE(asked);
    EXPECT_TRUE(started) << started.error().message;
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->presence, Presence::absent);
}

// A kill at that moment once left a server without machines until it looked again, and refused who asked meanwhile.
TEST_F(MachinesDaemon, MayDieWhileItIsStarted) {
    const agent::Process first =
        start_and_meanwhile([](const agent::Process& started) { ::kill(started.pid, SIGKILL); });
    EXPECT_NE(daemon(), first);
}

TEST_F(MachinesDaemon, IsThereAlthoughTheHelperEndedWhileItWasStarted) {
    const agent::Process first =
        start_and_meanwhile([this](const agent::Process&) { ::kill(subject_.client().helper_pid(), SIGKILL); });
    EXPECT_EQ(daemon(), first) << "the next helper finds it";
}

// A broker that comes back finds it hanging.
TEST_F(MachinesDaemon, ThatHangsIsReplacedByTheNextStart) {
    const agent::Process hung = daemon();
    subject_.crash([&] { ASSERT_EQ(::kill(hung.pid, SIGSTOP), 0); });
    EXPECT_NE(daemon(), hung);
    EXPECT_TRUE(subject_.libvirt().available(Kind::machine, "vm"));
}

// Its power button is pressed in vain: another plan gets through all the same.
TEST_F(MachinesDaemon, EndsAGuestThatDoesNotShutDownForAnotherPlan) {
    subject_.give_to_shut_down(2s);
    subject_.crash();
    Spec spec = subject_.spec();
    ASSERT_TRUE(make("oct-1", spec));
    const std::string guest = subject_.identity("oct-1");
    ASSERT_TRUE(subject_.at_daemon("oct-1", ::virDomainSuspend)) << "so that its guest hears nothing";
    spec.parameters["memory"] = 112 << 20;
    EXPECT_TRUE(eventually(
        [&] {
            const ProviderAnswer seen = subject_.run(subject_.libvirt().update(target_of("oct-1"), spec, 8s));
            return seen && seen->presence == Presence::running;
        },
        60s));
    EXPECT_NE(subject_.identity("oct-1"), guest);
    // A QEMU that listens to nobody is no reason to keep a machine.
    ASSERT_EQ(::kill(subject_.guests().at("oct-1").pid, SIGSTOP), 0);
    remove("oct-1", spec);
    EXPECT_THAT(subject_.leftovers(), ::testing::IsEmpty());
}

// With one that hangs, a server ends all the same.
TEST_F(MachinesDaemon, ThatHangsHoldsUpNoEndOfTheServer) {
    const agent::Process hung = daemon();
    ASSERT_EQ(::kill(hung.pid, SIGSTOP), 0);
    EXPECT_TRUE(subject_.run(subject_.libvirt().rest(2s)));
    EXPECT_FALSE(agent::is_alive(hung));
}

}  // namespace
}  // namespace slipway::testing
