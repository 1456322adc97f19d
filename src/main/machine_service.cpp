#include "main/machine_service.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/log.h"

namespace slipway {
namespace {

constexpr Duration kLookForImages = std::chrono::seconds(3);
constexpr Duration kStart =
    std::chrono::seconds(30);  // the first time QEMU is asked what it can do, and KVM is tried

void tell(const Status& rested) {
    if (rested) return;
    log::warning("main", "what runs machines is left to the next start", {{"why", rested.error().message}});
}

}  // namespace

MachineService::MachineService(Parts parts)
    : parts_(std::move(parts)),
      images_(parts_.config.images, parts_.state_dir.path, process_environment()),
      machines_(libvirt_options(parts_.config.machines, parts_.installation, parts_.state_dir.images(),
                                parts_.catalog, missing_image()),
                parts_.agent, parts_.clock, parts_.random),
      containers_(
          lxc_options(parts_.config.machines, parts_.installation, parts_.state_dir.images(), missing_image()),
          parts_.agent, parts_.clock, parts_.random),
      consoles_(parts_.installation, parts_.agent),
      playbooks_(parts_.state_dir, parts_.config.machines, parts_.metrics) {}

void MachineService::add_to(ProviderRegistry& registry) {
    registry.add(playbooks_.around(machines_));
    registry.add(playbooks_.around(containers_));
}

void MachineService::add_to(ConsolesOnOps& consoles) {
    for (const std::string_view provider : {machines_.name(), containers_.name()}) {
        consoles.add(std::string(provider), consoles_);
    }
}

std::map<std::string, Metrics::Boots> MachineService::boots() const {
    const auto of = [](machines::BootLevels boots) { return Metrics::Boots{boots.under_way, boots.waiting}; };
    return {{"vm", of(machines_.boots())}, {"container", of(containers_.boots())}};
}

MissingImage MachineService::missing_image() {
    return [this](const std::string& name) { return images_.missing(name); };
}

void MachineService::start(const boost::asio::any_io_executor& executor) {
    images_.start();
    const auto keep = [&](auto& provider) {
        boost::asio::co_spawn(
            executor,
            [this, &provider] {
                return keep_starting(std::string(provider.name()), [&provider] { return provider.start(kStart); });
            },
            boost::asio::detached);
    };
    keep(machines_);
    keep(containers_);
    boost::asio::co_spawn(executor, [this] { return keep_tending(); }, boost::asio::detached);
}

// Templates follow images, which are built and removed by other processes.
Task<void> MachineService::keep_tending() {
    for (;;) {
        co_await machines_.tend();
        co_await parts_.scheduler.sleep(kLookForImages);
    }
}

Task<void> MachineService::keep_starting(std::string provider, std::function<Task<Status>()> start) {
    for (;;) {
        if (wants_machines(parts_.catalog, provider, parts_.state_dir.images())) {
            const Status started = co_await start();
            parts_.on_change();
            if (started) co_return;
        }
        co_await parts_.scheduler.sleep(kLookForImages);
    }
}

Task<void> MachineService::rest(Duration budget) {
    tell(co_await machines_.rest(budget));
    tell(co_await containers_.rest(budget));
}

}  // namespace slipway
