// What holds for containers besides what holds for every provider: their limits, what they cannot reach, and what a
// helper or a monitor that dies half way leaves.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "agent/protocol.h"
#include "agent/tool.h"
#include "lxc_subject.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class Containers : public ::testing::Test {
  protected:
    ~Containers() override {
        for (const auto& [name, spec] : made_) static_cast<void>(subject_.run(remove(name)));
        EXPECT_THAT(subject_.leftovers(), IsEmpty());
    }
    Task<ProviderAnswer> remove(std::string name) { return subject_.provider().remove(target_of(name), {}, 20s); }
    Spec spec_of(const std::string& name) {
        if (!made_.contains(name)) made_[name] = subject_.spec();
        return made_[name];
    }
    ProviderAnswer once(const std::string& name) {
        return subject_.run(subject_.provider().create(target_of(name), spec_of(name), 20s));
    }
    // Until it runs.
    Observation make(const std::string& name) { return converge(name, spec_of(name)); }
    Observation converge(const std::string& name, const Spec& spec) {
        ProviderAnswer answer = Observation{};
        EXPECT_TRUE(eventually(
            [&] {
                answer = subject_.run(subject_.provider().create(target_of(name), spec, 20s));
                return !answer || answer->presence == Presence::running;
            },
            60s));
        EXPECT_TRUE(answer) << answer.error().message << " " << answer.error().detail;
        return answer ? *answer : Observation{};
    }
    // From the host, e.g. whether an address answers.
    static bool answers(const std::string& address) {
        return agent::run_tool("/bin/bash",
                               {"-c", "exec 3<>/dev/tcp/\"$1\"/22 && read -r -t 3 line <&3", "ask", address}, 5000)
            .has_value();
    }

    LxcSubject subject_;
    std::map<std::string, Spec> made_;
};

TEST_F(Containers, AreHeldToTheirPlans) {
    make("bound");
    EXPECT_THAT(subject_.inside("bound", "dd if=/dev/zero of=/dev/null bs=8M count=1 2>&1"),
                Not(StartsWith("failed")))
        << "what fits is let be";
    EXPECT_THAT(subject_.inside("bound", "dd if=/dev/zero of=/dev/null bs=96M count=1 2>&1"), StartsWith("failed"))
        << "of memory, its plan says 64 MiB";
    EXPECT_THAT(subject_.inside("bound", "dd if=/dev/zero of=/big bs=1M count=80 2>&1; rm /big"),
                HasSubstr("No space left on device"))
        << "its disk has 64 MiB";
    EXPECT_EQ(subject_.inside("bound", "echo lives"), "lives\n");
}

TEST_F(Containers, HaveOnlySoManyProcesses) {
    make("forks");
    make("other");
    EXPECT_THAT(subject_.inside("forks", "while sleep 600 >/dev/null 2>&1 & do :; done"), HasSubstr("fork"));
    EXPECT_EQ(subject_.inside("other", "echo lives"), "lives\n");
}

TEST_F(Containers, RootInOneIsNobodyOnTheHost) {
    make("rootless");
    make("other");
    const auto owner = [&](const std::string& name) {
        struct stat seen{};
        EXPECT_EQ(::stat(fmt::format("/proc/{}", subject_.init_of(name)).c_str(), &seen), 0);
        return seen.st_uid;
    };
    EXPECT_GE(owner("rootless"), agent::kContainerUids + 65536);
    EXPECT_NE(owner("rootless"), owner("other")) << "each has ids of its own";
    EXPECT_EQ(subject_.inside("rootless", "id -u"), "0\n");
    EXPECT_THAT(subject_.inside("rootless", "mknod /tmp/disk b 254 0 2>&1"), StartsWith("failed"));
    EXPECT_THAT(subject_.inside("rootless", "echo 1 >/proc/sys/kernel/panic 2>&1"), StartsWith("failed"));
    EXPECT_THAT(subject_.inside("rootless", "date -s 2001-01-01 2>&1"), HasSubstr("not permitted"));
    EXPECT_THAT(subject_.inside("rootless", "ls /proc/1/fd/ -l"), Not(HasSubstr(subject_.root())))
        << "nothing of the host is open in there";
    EXPECT_THAT(subject_.inside("rootless", "cat /proc/mounts"), Not(HasSubstr(subject_.root())));
    EXPECT_EQ(subject_.inside("rootless", "ls -ln /etc/passwd | cut -c 1-20"), "-rw-r--r--    1 0   \n");
}

TEST_F(Containers, DoNotReachEachOtherNorTakeAnothersAddress) {
    make("here");
    make("there");
    const std::string there = subject_.address(spec_of("there"));
    EXPECT_THAT(subject_.inside("here", "nc -w 2 " + there + " 22 </dev/null 2>&1"), StartsWith("failed"));
    EXPECT_THAT(subject_.inside("here", "ping -c 1 -w 2 " + there + " 2>&1"), StartsWith("failed"));
    EXPECT_TRUE(answers(there));
    // One that says it is the other, and has its MAC, gets nothing that is meant for that one.
    EXPECT_THAT(subject_.inside("here", "ip addr add " + there + "/24 dev eth0"), Not(StartsWith("failed")));
    EXPECT_THAT(subject_.inside("here", "arping -c 2 -U -I eth0 " + there + " 2>&1"), Not(HasSubstr("usage")));
    const Observation seen = make("there");
    EXPECT_EQ(seen.presence, Presence::running) << "its login works still";
    EXPECT_EQ(json::get_string(seen.handle, "host_key"),
              json::get_string(converge("there", spec_of("there")).handle, "host_key"));
}

TEST_F(Containers, AMonitorThatIsKilledTakesItsContainerWithItAndTheNextOneGoesOn) {
    const Observation first = make("killed");
    EXPECT_THAT(subject_.inside("killed", "echo kept >/home/file; sync"), Not(StartsWith("failed")));
    const pid_t init = subject_.init_of("killed");
    subject_.make_stop("killed");
    EXPECT_TRUE(eventually([&] { return !agent::read_stat(init) || agent::read_stat(init)->state == 'Z'; }));
    const Observation again = make("killed");
    EXPECT_EQ(json::get_string(again.handle, "host_key"), json::get_string(first.handle, "host_key"));
    EXPECT_EQ(subject_.inside("killed", "cat /home/file"), "kept\n");
}

TEST_F(Containers, AnotherPlanIsAnotherStartWithTheSameDisk) {
    make("changed");
    EXPECT_THAT(subject_.inside("changed", "echo kept >/home/file"), Not(StartsWith("failed")));
    const std::string before = subject_.identity("changed");
    Spec larger = spec_of("changed");
    larger.parameters["memory"] = 128 << 20;
    converge("changed", larger);
    EXPECT_NE(subject_.identity("changed"), before);
    EXPECT_EQ(subject_.inside("changed", "cat /home/file"), "kept\n");
    EXPECT_THAT(subject_.inside("changed", "dd if=/dev/zero of=/dev/null bs=96M count=1 2>&1"),
                Not(StartsWith("failed")));
    EXPECT_THAT(file_text(subject_.directory("changed") + "/data/console.log"), HasSubstr("Requesting system"))
        << "it was asked to end, not killed";
}

TEST_F(Containers, OneThatStartsItselfAnewKeepsItsMonitorAndItsAddress) {
    make("rebooted");
    const std::string before = subject_.identity("rebooted");
    const pid_t init = subject_.init_of("rebooted");
    subject_.inside("rebooted", "reboot");
    EXPECT_TRUE(eventually([&] {
        const pid_t now = subject_.init_of("rebooted");
        return now != 0 && now != init;
    }));
    EXPECT_TRUE(eventually([&] { return answers(subject_.address(spec_of("rebooted"))); }));
    EXPECT_EQ(subject_.identity("rebooted"), before);
}

TEST_F(Containers, WhatSaidWhoItIsGoesWithTheFirstLogin) {
    make("told");
    for (const char* each : {"machine", "user-data", "meta-data", "network-config"}) {
        EXPECT_FALSE(fs::exists(subject_.directory("told") + "/" + each)) << each;
    }
    for (const fs::directory_entry& each : fs::recursive_directory_iterator(subject_.root())) {
        if (!each.is_regular_file() || each.path().string().contains(".roots")) continue;
        EXPECT_THAT(file_text(each.path()), Not(HasSubstr(kTenantCanary))) << each.path();
    }
    EXPECT_THAT(subject_.inside("told", "cat /run/slipway/machine; mount"), Not(HasSubstr(kTenantCanary)));
}

TEST_F(Containers, WhatOnePrintsIsKeptWithinABound) {
    make("chatty");
    const std::string console = subject_.directory("chatty") + "/data/console.log";
    subject_.inside("chatty", "head -c 6000000 /dev/zero | tr '\\0' x >/dev/console; echo >/dev/console the end");
    EXPECT_TRUE(eventually([&] { return file_text(console).contains("the end"); }));
    EXPECT_LT(fs::file_size(console), 2U << 20U);
    struct stat log{};
    EXPECT_EQ(::stat((subject_.directory("chatty") + "/log").c_str(), &log), 0);
    EXPECT_LT(log.st_size, 64 * 1024);
}

TEST_F(Containers, ThatEndAtOnceAreSaidTo) {
    make("broken");
    EXPECT_THAT(subject_.inside("broken", "rm /sbin/init; sync"), Not(StartsWith("failed")));
    subject_.make_stop("broken");
    ProviderAnswer answer = Observation{};
    EXPECT_TRUE(eventually(
        [&] {
            answer = subject_.run(subject_.provider().update(target_of("broken"), spec_of("broken"), 20s));
            return !answer;
        },
        60s));
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("ends as soon as it is started"));
    EXPECT_EQ(answer.error().error_class, ErrorClass::transient);
}

// Where in a call the helper dies.
class ContainerInterrupted : public Containers, public ::testing::WithParamInterface<std::string> {};

TEST_P(ContainerInterrupted, CreateIsFinishedByTheNextOne) {
    subject_.crash_with_helper_that_dies_at(GetParam());
    ProviderAnswer lost = Observation{};
    EXPECT_TRUE(eventually([&] { return !(lost = once("cut")) || lost->presence == Presence::running; }));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().error_class, ErrorClass::unknown_outcome);
    subject_.crash();
    make("cut");
}

TEST_P(ContainerInterrupted, RemoveLeavesNothing) {
    subject_.crash_with_helper_that_dies_at(GetParam());
    ProviderAnswer lost = Observation{};
    EXPECT_TRUE(eventually([&] { return !(lost = once("cut")) || lost->presence == Presence::running; }));
    ASSERT_FALSE(lost);
    subject_.crash();
    const ProviderAnswer removed = subject_.run(remove("cut"));
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(removed->presence, Presence::absent);
    EXPECT_THAT(subject_.leftovers(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Machines, ContainerInterrupted,
                         ::testing::Values("create:made", "unpack:made", "tar:forked", "tar:executed",
                                           "unpack:filled", "mke2fs:forked", "mke2fs:executed", "create:seeded",
                                           "create:filled", "create:placed", "container:cleared",
                                           "container:connected", "container:forked", "container:executed",
                                           "volume:marked"));

class ContainerRemovalInterrupted : public Containers, public ::testing::WithParamInterface<std::string> {};

TEST_P(ContainerRemovalInterrupted, IsFinishedByTheNextOne) {
    make("cut");
    subject_.crash_with_helper_that_dies_at(GetParam());
    const ProviderAnswer lost = subject_.run(remove("cut"));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().error_class, ErrorClass::unknown_outcome);
    subject_.crash();
    const ProviderAnswer removed = subject_.run(remove("cut"));
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(removed->presence, Presence::absent);
    EXPECT_THAT(subject_.leftovers(), IsEmpty());
    EXPECT_FALSE(once("cut")) << "it stays removed";
}

INSTANTIATE_TEST_SUITE_P(Machines, ContainerRemovalInterrupted,
                         ::testing::Values("container:cleared", "remove:buried", "remove:trashed"));

}  // namespace
}  // namespace slipway::testing
