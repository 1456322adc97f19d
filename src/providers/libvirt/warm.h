// Templates of virtual machines: one for each plan that wants its machines restored from a saved state, started
// once, saved while it waits to be told who it is, and kept by the helper (agent/warm.h, docs/decisions/0021).
//
// A template is made for what its state depends on: the build of its image, the plan's processors, memory and disk,
// how guests are run, and the versions of what runs them. One that nobody asks for any more goes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/client.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/hypervisor.h"
#include "providers/machines/boot_queue.h"

namespace slipway::libvirt {

// Whatever a state depends on besides image and plan. Part of a template's name.
struct WarmHost {
    std::string versions;   // of QEMU and libvirt
    std::string processor;  // processor_of()
    bool kvm = false;
    uid_t uid = 0;  // whom machines run as
};
// Model, features and microcode of the first processor that /proc/cpuinfo tells of.
std::string processor_of(std::string_view cpuinfo);
// "warm-" and 16 hexadecimal digits. What tells one machine from another does not count.
std::string template_name(const Shape& shape, const Image& image, const WarmHost& host);

struct WarmOptions {
    InstallationId installation;
    machines::Net net;
    std::string network;
    std::vector<json::object> plans;  // parameters of those that want it
    machines::FindImage find_image;
};

// Used from one executor only; tend() by one caller. What it refers to outlives it.
class WarmTemplates {
  public:
    WarmTemplates(WarmOptions options, agent::AgentClient& agent, const Clock& clock, machines::BootQueue& boots);

    // Nothing is done before. The hypervisor outlives this, or the next begin().
    void begin(Hypervisor& hypervisor, WarmHost host);
    // Removes what an interrupted server left and what nobody asks for any more, then makes one that is missing. To
    // be called from time to time; may take a boot.
    Task<void> tend();
    // Gives up the one that is being made. Begins again with begin().
    Task<void> rest(Deadline deadline);

    // The name of the template that such a machine can begin as; empty: there is none (yet).
    [[nodiscard]] std::string find(const Shape& shape, const Image& image) const;
    // A machine could not be restored from it, or did not answer: it is made anew, but not at once.
    void spoil(const std::string& name);

  private:
    struct Wanted {
        Shape shape;
        Image image;
    };
    enum class Known : std::uint8_t { frozen, to_go };

    [[nodiscard]] std::map<std::string, Wanted> wanted() const;
    [[nodiscard]] std::optional<Wanted> wanted_by(const json::object& plan) const;
    Task<bool> find_left();
    Task<void> remove_others(std::set<std::string> wanted);
    Task<Status> remove(std::string name);
    Task<void> make(std::string name, Wanted wanted);
    Task<Status> make_whole(const std::string& name, Wanted& wanted, Deadline deadline);
    Task<Status> run(const std::string& name, const Wanted& wanted, Deadline deadline);
    Task<Status> wait_for_its_word(const std::string& name, const Wanted& wanted, Deadline deadline);
    Task<bool> wait_for_turn(const std::string& name);
    [[nodiscard]] agent::Identity identity(std::uint64_t generation) const;
    void put_off(const std::string& name);

    WarmOptions options_;
    agent::AgentClient& agent_;
    const Clock& clock_;
    machines::BootQueue& boots_;
    Hypervisor* hypervisor_ = nullptr;  // not owned; null before begin()
    WarmHost host_;
    bool looked_ = false;   // what is there is in `known_`
    bool resting_ = false;  // nothing more is made
    bool busy_ = false;     // one is being made
    std::map<std::string, Known> known_;
    std::map<std::string, TimePoint> not_before_;  // those that could not be made
};

}  // namespace slipway::libvirt
