// What makes machines on this host: virtual ones, containers, and the playbooks around both.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "base/scheduler.h"
#include "main/configured_images.h"
#include "main/consoles.h"
#include "main/machines.h"
#include "main/playbooks.h"
#include "ops/registry.h"
#include "providers/machines/consoles.h"

namespace slipway {

// Made and destroyed on any thread while nothing of it runs; else used on the engine's. Whatever the parts refer to
// outlives it.
class MachineService {
  public:
    struct Parts {
        const Config& config;
        const Catalog& catalog;
        const StateDir& state_dir;
        InstallationId installation;
        agent::AgentClient& agent;
        const Clock& clock;  // steady
        Random& random;
        Scheduler& scheduler;
        Metrics& metrics;
        std::function<void()> on_change;  // of what is available
    };
    explicit MachineService(Parts parts);

    void add_to(ProviderRegistry& registry);
    // Those of the machines of all of these providers.
    void add_to(ConsolesOnOps& consoles);
    // Each is started once there is an image, which may be made while we run. To be called before work is taken up:
    // what waits for machines waits for this.
    void start(const boost::asio::any_io_executor& executor);
    // What runs for nobody goes.
    Task<void> rest(Duration budget);
    // How many boot and wait, by engine.
    [[nodiscard]] std::map<std::string, Metrics::Boots> boots() const;
    // How guests are run: "kvm", "emulation", "none".
    [[nodiscard]] std::string accelerator() const { return std::string(machines_.accelerator()); }
    // How guests are run, in words.
    [[nodiscard]] const std::string& acceleration() const { return machines_.acceleration(); }

  private:
    Task<void> keep_starting(std::string provider, std::function<Task<Status>()> start);
    Task<void> keep_tending();

    MissingImage missing_image();

    Parts parts_;
    ConfiguredImages images_;
    libvirt::LibvirtProvider machines_;
    lxc::LxcProvider containers_;
    machines::HelperConsoles consoles_;
    Playbooks playbooks_;
};

}  // namespace slipway
