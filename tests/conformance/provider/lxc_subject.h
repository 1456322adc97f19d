// Real containers, in a network of this process's own.
#pragma once

#include "machine_images.h"
#include "providers/lxc/lxc_provider.h"
#include "subject.h"

namespace slipway::testing {

class LxcSubject final : public Subject {
  public:
    LxcSubject();
    ~LxcSubject() override;

    void crash() override { open(); }
    // The next helper ends at that point; empty: it does not.
    void crash_with_helper_that_dies_at(const std::string& point) { open(point); }
    Provider& provider() override { return *provider_; }
    Spec spec() override;
    std::string picture() override;
    std::string identity(const std::string& name) override;
    void plant_foreign(const std::string& name) override;
    void unplant_foreign(const std::string& name) override;
    void make_stop(const std::string& name) override;
    std::vector<std::string> leftovers() override;
    [[nodiscard]] bool tells_of_stops() const override { return false; }

    agent::AgentClient& client() { return *client_; }
    [[nodiscard]] const std::string& root() const { return root_; }
    // The host's end of a container's address.
    [[nodiscard]] std::string address(const Spec& spec) const;
    [[nodiscard]] std::string directory(const std::string& name) const { return root_ + "/" + name; }
    [[nodiscard]] std::string network() const;
    // The processes that hold the locks of containers, by name of the container.
    [[nodiscard]] std::map<std::string, agent::Process> monitors() const;
    // The first process of a container, as the host numbers it; 0: there is none.
    [[nodiscard]] pid_t init_of(const std::string& name) const;
    // Runs a shell in a container, as root there and within its limits. What it printed; "failed: …" where it did
    // not end well.
    std::string inside(const std::string& name, const std::string& script) const;
    // Directories of control groups of containers of this network.
    [[nodiscard]] std::vector<std::string> groups() const;

  private:
    void open(const std::string& die_at = {});

    TempRoot temp_;
    std::string root_ = temp_.root();
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<agent::AgentClient> client_;
    std::unique_ptr<lxc::LxcProvider> provider_;
    std::map<std::string, std::string> held_;  // images, by machine
    std::uint32_t addresses_ = 0;
};

}  // namespace slipway::testing
