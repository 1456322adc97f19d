#include "agent/container_config.h"

#include <algorithm>

#include <fmt/format.h>
#include <signal.h>

#include "agent/container_root.h"
#include "agent/user_space.h"

namespace slipway::agent {
namespace {

constexpr std::int64_t kPeriod = 100'000;  // microseconds, in which processors are shared out
constexpr std::uint64_t kBytesForAProcess = 256 * 1024;
constexpr std::uint64_t kFewestProcesses = 256;
constexpr std::uint64_t kMostProcesses = 32'768;
constexpr std::int64_t kMaxConsole = 1024 * 1024;  // bytes; twice that on disk

// Those with which root of a container reaches the host's time, modules, devices or logs. Most of them mean nothing
// in a user namespace; what means something tomorrow is not there either.
constexpr std::string_view kDropped =
    "audit_control audit_read block_suspend bpf mac_admin mac_override mknod perfmon sys_module sys_pacct "
    "sys_rawio "
    "sys_time syslog wake_alarm";

void add_ids(ContainerItems& items, const ContainerPlan& plan) {
    for (const char kind : {'u', 'g'}) {
        items.emplace_back("lxc.idmap", fmt::format("{} 0 {} {}", kind, plan.first, kIdCount));
    }
    items.emplace_back("lxc.cap.drop", kDropped);
    items.emplace_back("lxc.seccomp.profile", kSeccompProfile);
    // Profiles of AppArmor are the host's, and not loaded without services that nothing here uses.
    items.emplace_back("lxc.apparmor.profile", "unconfined");
}

void add_network(ContainerItems& items, const ContainerPlan& plan) {
    const auto set = [&](const char* key, std::string value) {
        items.emplace_back(fmt::format("lxc.net.0.{}", key), std::move(value));
    };
    set("type", "phys");
    set("link", plan.device);
    set("name", "eth0");
    set("flags", "up");
    // With its broadcast: liblxc computes another one, about which systemd's own configuration then stumbles.
    set("ipv4.address", fmt::format("{}/{} {}", plan.address.to_string(), plan.subnet.prefix_length(),
                                    plan.subnet.broadcast().to_string()));
    set("ipv4.gateway", plan.gateway.to_string());
}

void add_mounts(ContainerItems& items, const ContainerPlan& plan) {
    items.emplace_back("lxc.mount.auto", "proc:mixed sys:mixed cgroup:mixed");
    items.emplace_back("lxc.mount.entry", "tmpfs run tmpfs rw,nosuid,nodev,mode=0755,size=25% 0 0");
    if (!plan.seeded) return;
    const std::string_view place = plan.init == Init::busybox ? "run/slipway" : "var/lib/cloud/seed/nocloud";
    items.emplace_back("lxc.mount.entry",
                       fmt::format("{} {} none bind,ro,nosuid,nodev,noexec,create=dir 0 0", kContainerSeed, place));
}

void add_limits(ContainerItems& items, const ContainerPlan& plan, const ContainerLimits& limits) {
    const std::uint64_t processes = std::clamp(plan.memory / kBytesForAProcess, kFewestProcesses, kMostProcesses);
    const auto set = [&](const char* key, std::string value) {
        items.emplace_back(fmt::format("lxc.cgroup{}.{}", limits.unified ? "2" : "", key), std::move(value));
    };
    set("pids.max", std::to_string(processes));
    if (limits.unified) {
        set("memory.max", std::to_string(plan.memory));
        if (limits.counts_swap) set("memory.swap.max", "0");
        set("cpu.max", fmt::format("{} {}", plan.cpus * kPeriod, kPeriod));
        return;
    }
    set("memory.limit_in_bytes", std::to_string(plan.memory));
    if (limits.counts_swap) set("memory.memsw.limit_in_bytes", std::to_string(plan.memory));
    set("cpu.cfs_period_us", std::to_string(kPeriod));
    set("cpu.cfs_quota_us", std::to_string(plan.cpus * kPeriod));
}

void add_console(ContainerItems& items, const ContainerPlan& plan) {
    items.emplace_back("lxc.autodev", "1");
    items.emplace_back("lxc.tty.max", "0");
    items.emplace_back("lxc.pty.max", "256");
    items.emplace_back("lxc.console.logfile", plan.console);
    items.emplace_back("lxc.console.size", std::to_string(kMaxConsole));
    items.emplace_back("lxc.console.rotate", "1");
}

}  // namespace

int halt_signal(Init init) {
    switch (init) {
        case Init::busybox: return SIGUSR2;
        case Init::systemd: return SIGRTMIN + 3;
    }
    return SIGPWR;
}

ContainerItems container_items(const ContainerPlan& plan, const ContainerLimits& limits) {
    ContainerItems items{{"lxc.uts.name", plan.name},
                         {"lxc.rootfs.path", fmt::format("dir:{}", kContainerRoot)},
                         {"lxc.rootfs.mount", std::string(kContainerMount)},
                         {"lxc.signal.halt", std::to_string(halt_signal(plan.init))},
                         // Whoever runs it dies: it does as well.
                         {"lxc.monitor.signal.pdeath", "SIGKILL"},
                         {"lxc.cgroup.dir.container", plan.group},
                         {"lxc.cgroup.dir.monitor", plan.group + ".monitor"}};
    add_ids(items, plan);
    add_network(items, plan);
    add_mounts(items, plan);
    add_limits(items, plan, limits);
    add_console(items, plan);
    return items;
}

}  // namespace slipway::agent
