// Bringing network and daemon up, or finding them; how guests are run.
#include <array>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "providers/libvirt/call.h"
#include "providers/machines/network.h"
#include "providers/pause.h"

namespace slipway::libvirt {
namespace {

constexpr Duration kAnswerPatience = std::chrono::seconds(20);  // the daemon asks QEMU what it can do, once
constexpr Duration kFoundPatience = std::chrono::seconds(6);    // one that runs has asked
constexpr int kStarts = 3;
constexpr Duration kProbePatience = std::chrono::seconds(3);
constexpr Duration kProbeLook = std::chrono::milliseconds(50);
constexpr const char* kProbe = "slipway-probe";

struct Needed {
    std::string_view program;
    std::string_view package;
};
constexpr std::array<Needed, 6> kNeeded{{{"libvirtd", "libvirt-daemon"},
                                         {"qemu-system-x86_64", "qemu-system-x86"},
                                         {"qemu-img", "qemu-utils"},
                                         {"genisoimage", "genisoimage"},
                                         {"ip", "iproute2"},
                                         {"bridge", "iproute2"}}};

std::unexpected<Error> unavailable(std::string message, std::string detail = {}) {
    return fail(ErrorCode::unavailable, std::move(message), std::move(detail));
}

using machines::unavailable;

Status has_programs(const agent::Hello& hello) {
    for (const Needed& each : kNeeded) {
        const auto found = hello.programs.find(std::string(each.program));
        if (found == hello.programs.end()) {
            return unavailable(fmt::format("the helper process does not know {}: restart it", each.program));
        }
        if (found->second.empty()) {
            return unavailable(fmt::format("{} is not installed (apt-get install {})", each.program, each.package));
        }
    }
    return {};
}

std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

json::object LibvirtProvider::daemon_meta(std::uint64_t generation) const {
    return {{"installation", options_.installation.str()},
            {"resource", "machines"},
            {"generation", generation},
            {"uid", static_cast<std::int64_t>(uid_)},
            {"kind", "machines"},
            {"engine", "libvirtd"},
            {"provider", name()}};
}

Task<Status> LibvirtProvider::start(Duration budget) {
    const Deadline deadline(budget);
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(daemon_, deadline);
    ready_ = guard ? co_await machines::bring_up_whole([&] { return bring_up(deadline); })
                   : unavailable("the machines' daemon is being started already");
    co_return ready_;
}

Task<Status> LibvirtProvider::bring_up(Deadline deadline) {
    const agent::Answer<agent::Hello> hello = co_await agent_.hello(deadline.left());
    if (!hello) co_return unavailable(hello.error());
    if (hello->version != agent::kProtocolVersion) {
        co_return unavailable("the helper process is of another version: restart it");
    }
    if (!hello->isolation) co_return unavailable("machines take a helper that is root (docs/operating.md)");
    if (const Status installed = has_programs(*hello); !installed) co_return installed;
    if (hello->root.empty() || hello->images.empty()) {
        co_return unavailable("the helper process was not told where images are (slipway agent --images)");
    }
    uid_ = hello->uid_last - agent::kMachinesUid;
    const agent::Answer<void> network =
        co_await agent_.network_up(network_, options_.net.subnet.to_string(), options_.net.bridge, deadline.left());
    if (!network) co_return unavailable(network.error());
    if (const Status started = co_await start_daemon(deadline); !started) co_return started;
    if (const Status tried = co_await try_acceleration(deadline); !tried) co_return tried;
    warm_.begin(*hypervisor_, {versions_, processor_of(read_text("/proc/cpuinfo")), kvm_, uid_});
    co_return co_await machines::clear_taps(agent_, network_, deadline);
}

Task<Result<bool>> LibvirtProvider::daemon_lives(Deadline deadline) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(daemon_, deadline.left());
    if (!status) co_return unavailable(status.error());
    co_return status->process&& agent::is_alive(*status->process);
}

// It may die on its way, as at any time: that is no reason to have no machines until somebody looks again.
Task<Status> LibvirtProvider::start_daemon(Deadline deadline) {
    for (int tries = 1;; ++tries) {
        Status started = co_await run_daemon(deadline);
        if (started || tries == kStarts || !hypervisor_) co_return started;
        const Result<bool> lives = co_await daemon_lives(deadline);
        if (!lives || *lives) co_return started;
        log::warning("libvirt", "the machines' daemon died while it was started, and is started again",
                     {{"why", started.error().message}});
    }
}

// Guests outlive it: one that is found is used as it is, unless it says nothing.
Task<Status> LibvirtProvider::run_daemon(Deadline deadline) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(daemon_, deadline.left());
    if (!status) co_return unavailable(status.error());
    if (!status->exists) {
        agent::Seed seed;
        seed.name = agent::kDaemonSeed;
        // Each is another one: what was removed stays so.
        const auto generation = static_cast<std::uint64_t>(to_micros(clock_.now()));
        const agent::Answer<bool> made = co_await agent_.create_instance(daemon_, daemon_meta(generation), {},
                                                                         false, deadline.left(), std::move(seed));
        if (!made) co_return unavailable(made.error());
    } else if (json::get_string(status->meta, "installation") != options_.installation.str()) {
        co_return unavailable(fmt::format("{} is another installation's", daemon_));
    }
    const bool may_use_kvm = options_.acceleration != Acceleration::emulation && ::access("/dev/kvm", F_OK) == 0;
    const agent::Answer<agent::Started> started = co_await agent_.start_machines(
        daemon_, network_, may_use_kvm, may_use_kvm ? "kvm" : "emulation", deadline.left());
    if (!started) co_return unavailable(started.error());
    if (!hypervisor_) {
        hypervisor_ =
            std::make_unique<Hypervisor>(fmt::format("{}/{}/socket", agent_.known()->root, daemon_), calls_);
    }
    if (!started->already) hypervisor_->renew();
    const Result<std::string> version =
        co_await hypervisor_->version(deadline.within(started->already ? kFoundPatience : kAnswerPatience));
    if (!version && started->already) {
        log::warning("libvirt", "the machines' daemon that was found does not answer, and is ended",
                     {{"why", version.error().message}});
        if (const Status ended = co_await end_daemon(agent::Signal::kill, deadline); !ended) co_return ended;
    }
    if (!version) co_return fail(version.error());
    versions_ = *version;
    log::info("libvirt", started->already ? "the machines' daemon was found" : "the machines' daemon was started",
              {{"version", *version}});
    co_return Status{};
}

Task<Result<bool>> LibvirtProvider::has_machines(Deadline deadline) {
    const Result<std::vector<DomainName>> domains = co_await hypervisor_->all(deadline);
    if (!domains) co_return fail(domains.error());
    if (!domains->empty()) co_return true;
    co_return co_await machines::any_machine(agent_, deadline);
}

Task<Status> LibvirtProvider::end_daemon(agent::Signal how, Deadline deadline) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(daemon_, deadline.left());
    if (!status) co_return unavailable(status.error());
    if (!status->process) co_return Status{};
    const agent::Answer<bool> told = co_await agent_.signal(daemon_, *status->process, how, deadline.left());
    if (!told) co_return unavailable(told.error());
    while (agent::is_alive(*status->process)) {
        if (deadline.over()) co_return unavailable("the machines' daemon does not end");
        co_await pause(kProbeLook);
    }
    co_return Status{};
}

// One that died is started again, and so is one that hangs. Its machines do not notice. What was begun before a
// restart of the broker waits here until it is known whether it can go on: it is no failure of its own.
Task<Status> LibvirtProvider::in_touch(Deadline deadline) {
    if (ready_ && hypervisor_->contact() == Contact::good) co_return Status{};
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(daemon_, deadline);
    if (!guard) co_return unavailable("the machines' daemon is being started");
    if (!ready_) co_return ready_;
    const Contact contact = hypervisor_->contact();
    if (contact == Contact::good) co_return Status{};
    log::warning("libvirt", contact == Contact::silent ? "the machines' daemon hangs, and is started again"
                                                       : "the machines' daemon is gone, and is started again");
    if (contact == Contact::silent) {
        if (const Status ended = co_await end_daemon(agent::Signal::kill, deadline); !ended) co_return ended;
    }
    const agent::Answer<void> network =
        co_await agent_.network_up(network_, options_.net.subnet.to_string(), options_.net.bridge, deadline.left());
    if (!network) co_return unavailable(network.error());
    co_return co_await start_daemon(deadline);
}

// What does not come off is found by the next start.
Task<Status> LibvirtProvider::rest(Duration budget) {
    const Deadline deadline(budget);
    if (!ready_) co_return Status{};
    co_await warm_.rest(deadline.within(budget / 4));
    const Result<bool> needed = co_await has_machines(deadline.within(budget / 2));
    // Who waits for a daemon that hangs would never end.
    if (!needed) co_return co_await end_daemon(agent::Signal::kill, deadline);
    if (*needed) co_return Status{};
    ready_ = unavailable("the machines' daemon was stopped with the server");
    if (Status ended = co_await end_daemon(agent::Signal::terminate, deadline); !ended) co_return ended;
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(daemon_, deadline.left());
    const std::optional<agent::Identity> identity =
        status && status->exists ? agent::identity_of(status->meta) : std::nullopt;
    if (identity) {
        const agent::Answer<void> removed = co_await agent_.remove_instance(daemon_, *identity, deadline.left());
        if (!removed) co_return unavailable(removed.error());
    }
    const agent::Answer<void> down = co_await agent_.network_down(network_, deadline.left());
    if (!down) co_return unavailable(down.error());
    log::info("libvirt", "the machines' daemon and network went: there is no machine");
    co_return Status{};
}

Task<void> LibvirtProvider::tend() {
    if (!ready_) co_return;
    if (co_await in_touch(Deadline(kAnswerPatience))) co_await warm_.tend();
}

// /dev/kvm may be there and run nothing: a guest that resets at once is tried with it.
Task<Status> LibvirtProvider::try_acceleration(Deadline deadline) {
    kvm_ = false;
    if (options_.acceleration == Acceleration::emulation) {
        acceleration_ = "emulation (TCG), as configured";
        co_return Status{};
    }
    const DomainName probe{kProbe, {}};
    std::string why = "this host has no /dev/kvm";
    if (::access("/dev/kvm", F_OK) == 0) {
        const Status started = co_await hypervisor_->start(probe_xml(kProbe, daemon_), deadline);
        why = started ? "a guest that was tried with /dev/kvm did not run" : started.error().message;
        const Deadline at_most = deadline.within(kProbePatience);
        while (started && !kvm_ && !at_most.over()) {
            const Result<DomainSeen> seen = co_await hypervisor_->look(probe, at_most);
            kvm_ = seen && seen->state == DomainState::absent;
            if (!kvm_) co_await pause(kProbeLook);
        }
        static_cast<void>(co_await hypervisor_->end_any(kProbe, deadline));
    }
    acceleration_ = kvm_ ? "KVM" : "emulation (TCG): " + why;
    log::info("libvirt", "how machines are run", {{"acceleration", acceleration_}});
    if (!kvm_ && options_.acceleration == Acceleration::kvm) {
        co_return unavailable("machines are to be run by KVM (machines.acceleration), but " + why);
    }
    co_return Status{};
}

}  // namespace slipway::libvirt
