#include "agent/container_config.h"

#include <gmock/gmock.h>
#include <signal.h>

namespace slipway::agent {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

ContainerPlan plan() {
    ContainerPlan plan;
    plan.name = "oct-1";
    plan.group = "slipway-00000001/oct-1";
    plan.address = boost::asio::ip::make_address_v4("10.213.0.7");
    plan.subnet = boost::asio::ip::make_network_v4("10.213.0.0/24");
    plan.gateway = boost::asio::ip::make_address_v4("10.213.0.1");
    plan.device = "c0ad50007";
    plan.console = "/var/lib/slipway/instances/oct-1/data/console.log";
    plan.first = 1'074'200'576;
    plan.cpus = 2;
    plan.memory = 128U << 20U;
    return plan;
}

TEST(ContainerConfig, NamesWhatIsItsOwn) {
    const ContainerItems items = container_items(plan(), {});
    EXPECT_THAT(items, Contains(Pair("lxc.idmap", "u 0 1074200576 65536")));
    EXPECT_THAT(items, Contains(Pair("lxc.idmap", "g 0 1074200576 65536")));
    EXPECT_THAT(items, Contains(Pair("lxc.net.0.link", "c0ad50007")));
    EXPECT_THAT(items, Contains(Pair("lxc.net.0.ipv4.address", "10.213.0.7/24 10.213.0.255")));
    EXPECT_THAT(items, Contains(Pair("lxc.net.0.ipv4.gateway", "10.213.0.1")));
    EXPECT_THAT(items, Contains(Pair("lxc.cgroup.dir.container", "slipway-00000001/oct-1")));
    EXPECT_THAT(items, Contains(Pair("lxc.console.logfile", plan().console)));
    EXPECT_THAT(items, Contains(Pair("lxc.cap.drop", AllOf(HasSubstr("sys_module"), HasSubstr("sys_time")))));
}

TEST(ContainerConfig, HoldsItToItsPlanByTheControlGroupsThatAreThere) {
    const ContainerItems first = container_items(plan(), {.unified = false, .counts_swap = false});
    EXPECT_THAT(first, Contains(Pair("lxc.cgroup.memory.limit_in_bytes", "134217728")));
    EXPECT_THAT(first, Contains(Pair("lxc.cgroup.cpu.cfs_quota_us", "200000")));
    EXPECT_THAT(first, Contains(Pair("lxc.cgroup.pids.max", "512")));
    EXPECT_THAT(first, Not(Contains(Pair(StartsWith("lxc.cgroup2"), ::testing::_))));
    EXPECT_THAT(first, Not(Contains(Pair(HasSubstr("memsw"), ::testing::_))));
    const ContainerItems second = container_items(plan(), {.unified = true, .counts_swap = true});
    EXPECT_THAT(second, Contains(Pair("lxc.cgroup2.memory.max", "134217728")));
    EXPECT_THAT(second, Contains(Pair("lxc.cgroup2.memory.swap.max", "0"))) << "no swap besides";
    EXPECT_THAT(second, Contains(Pair("lxc.cgroup2.cpu.max", "200000 100000")));
    EXPECT_THAT(second, Not(Contains(Pair(StartsWith("lxc.cgroup."), HasSubstr("134217728")))));
}

TEST(ContainerConfig, TellsItWhoItIsWhereItsImageLooksForThat) {
    const auto mounts = [](Init init, bool seeded) {
        ContainerPlan wanted = plan();
        wanted.init = init;
        wanted.seeded = seeded;
        return container_items(wanted, {});
    };
    EXPECT_THAT(mounts(Init::busybox, true),
                Contains(Pair("lxc.mount.entry", HasSubstr("run/slipway none bind,ro"))));
    EXPECT_THAT(mounts(Init::systemd, true),
                Contains(Pair("lxc.mount.entry", HasSubstr("var/lib/cloud/seed/nocloud none bind,ro"))));
    EXPECT_THAT(mounts(Init::busybox, false), Not(Contains(Pair("lxc.mount.entry", HasSubstr("bind")))));
    EXPECT_EQ(halt_signal(Init::busybox), SIGUSR2);
    EXPECT_EQ(halt_signal(Init::systemd), SIGRTMIN + 3);
}

}  // namespace
}  // namespace slipway::agent
