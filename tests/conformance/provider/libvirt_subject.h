// Real virtual machines, in a network of this process's own.
#pragma once

#include <libvirt/libvirt.h>

#include "machine_images.h"
#include "providers/libvirt/libvirt_provider.h"
#include "subject.h"

namespace slipway::testing {

class LibvirtSubject final : public Subject {
  public:
    // `warm`: the parameters of plans whose machines begin as a template.
    explicit LibvirtSubject(std::vector<json::object> warm = {});
    ~LibvirtSubject() override;

    void crash() override { open(); }
    // Whoever worked is gone; `meanwhile` something happens; then somebody comes back.
    void crash(const std::function<void()>& meanwhile);
    Provider& provider() override { return *provider_; }
    Spec spec() override;
    std::string picture() override;
    std::string identity(const std::string& name) override;
    void plant_foreign(const std::string& name) override;
    void unplant_foreign(const std::string& name) override;
    void make_stop(const std::string& name) override;
    std::vector<std::string> leftovers() override;
    [[nodiscard]] bool tells_of_stops() const override { return false; }

    // Another configuration, as by a restart of the server.
    void crash_and_want(std::vector<json::object> warm) {
        warm_ = std::move(warm);
        open();
    }
    // How long guests are given to shut down, from the next crash on.
    void give_to_shut_down(Duration patience) { shut_down_ = patience; }
    // How images are found from now on.
    void find_images_by(machines::FindImage find) { find_image_ = std::move(find); }
    [[nodiscard]] std::vector<std::string> templates() const;
    [[nodiscard]] std::string address(const Spec& spec) const;

    libvirt::LibvirtProvider& libvirt() { return *provider_; }
    agent::AgentClient& client() { return *client_; }
    [[nodiscard]] std::string directory(const std::string& name) const { return temp_.root() + "/" + name; }
    [[nodiscard]] std::string network() const;
    // The main processes of everything that runs in the machines' network, by name of the machine.
    [[nodiscard]] std::map<std::string, agent::Process> guests() const;
    // What an operator does there by other tools. False where it did not work.
    [[nodiscard]] bool at_daemon(const std::string& machine, const std::function<int(virDomainPtr)>& what) const;
    [[nodiscard]] std::string daemon() const { return "machines-" + network(); }

  private:
    void open();

    TempRoot temp_;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<agent::AgentClient> client_;
    std::unique_ptr<libvirt::LibvirtProvider> provider_;
    std::map<std::string, std::string> held_;  // images, by machine
    std::vector<json::object> warm_;
    Duration shut_down_ = std::chrono::seconds(60);
    machines::FindImage find_image_ = find_test_image;
    std::uint32_t addresses_ = 0;
};

}  // namespace slipway::testing
