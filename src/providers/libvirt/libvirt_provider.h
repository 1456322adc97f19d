// Virtual machines on this host: QEMU, run by a libvirt daemon of this installation's own.
//
// A machine is an instance of the helper (src/agent): a directory with its disk, an overlay of an image. The daemon
// is one too, runs as an unprivileged uid of its own, in a network namespace of its own, and knows a machine only
// as long as it runs: what is there after a crash of the host is the directories. Guests outlive daemon and broker,
// and are found again by both.
//
// "Running" means: the daemon runs the very machine (name and UUID), and who answers by its address has its host
// key. That key is learned with the first login, which is a real one with the name and password that were asked
// for: until it works the machine is `pending`. Then the volume that carried the password's hash goes.
//
// A machine of a plan that wants it begins as a template (warm.h): with the template's disk and its state, from
// where it goes on as one of its own. What is not possible is no failure: it boots as any other.
//
// Only so many machines boot at once; the others wait for their turn, in the order in which they asked.
#pragma once

#include <memory>
#include <string>

#include "agent/client.h"
#include "providers/by_verb.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/hypervisor.h"
#include "providers/libvirt/warm.h"
#include "providers/machines/boot_queue.h"
#include "providers/machines/login.h"
#include "providers/name_locks.h"

namespace slipway::libvirt {

enum class Acceleration : std::uint8_t { automatic, kvm, emulation };

struct LibvirtOptions {
    InstallationId installation;
    machines::Net net;
    std::size_t boots = 2;                          // at once
    Duration shut_down = std::chrono::seconds(60);  // that a guest is given for it, where its plan changes
    Acceleration acceleration = Acceleration::automatic;
    machines::FindImage find_image;
    machines::ImageKeeper keeper;
    std::vector<json::object> warm = {};  // parameters of the plans that want a template (warm.h)
    std::string network =
        {};  // the id of its network, 8 hexadecimal digits; empty: it follows from the installation
};

// Must outlive its calls; client and clock must outlive it. Used from one executor only.
class LibvirtProvider final : public ByVerb {
  public:
    LibvirtProvider(LibvirtOptions options, agent::AgentClient& agent, const Clock& clock, Random& random);
    ~LibvirtProvider() override;

    // Brings network and daemon up, or finds them. Until it has succeeded once, `available` says why not. May be
    // called again. Calls that come meanwhile wait for it.
    Task<Status> start(Duration budget);
    // With no machine left, daemon and network go: nothing of them is kept up for nobody. For the end of a server;
    // start() brings them back.
    Task<Status> rest(Duration budget);
    // Makes templates for the plans that want some, and removes others. To be called from time to time, by one
    // caller; may take a boot. Nothing waits for it.
    Task<void> tend();
    // How guests are run, in words: "KVM", "emulation (TCG): …".
    [[nodiscard]] const std::string& acceleration() const { return acceleration_; }
    // The same as one word: "kvm", "emulation", or "none" where nothing is run yet.
    [[nodiscard]] std::string_view accelerator() const {
        if (!ready_) return "none";
        return kvm_ ? "kvm" : "emulation";
    }
    [[nodiscard]] machines::BootLevels boots() const { return boots_.levels(clock_.now()); }

    [[nodiscard]] std::string_view name() const override { return "libvirt"; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<std::string> secrets(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::uint32_t concurrency() const override { return kConcurrency; }
    [[nodiscard]] bool on_this_host() const override { return true; }

    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    void on_change(std::function<void(std::string external_name)> listener) override;

  private:
    // Calls wait for a boot by being asked again, so that few of them are under way at any time.
    static constexpr std::uint32_t kConcurrency = 8;

    struct Call;

    Task<ProviderAnswer> answer(Verb verb, Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> do_observe(Call& call);
    Task<ProviderAnswer> look_who_answers(Call& call, const std::string& address);
    Task<ProviderAnswer> do_converge(Call& call);
    Task<ProviderAnswer> do_remove(Call& call);

    Task<std::optional<ProviderAnswer>> make(Call& call);
    Task<agent::Answer<bool>> make_disk(Call& call, const std::string& hash, std::string from);
    Task<std::optional<ProviderAnswer>> boot(Call& call);
    Task<Result<bool>> wake(Call& call);
    Task<std::optional<ProviderAnswer>> give_up_waking(Call& call);
    Task<ProviderAnswer> stop_other(Call& call);
    Task<std::optional<ProviderError>> end_guest(Call& call);
    Task<ProviderAnswer> settle(Call& call, bool restored);
    [[nodiscard]] std::optional<ProviderError> read_shape(Call& call, const std::string& made_of) const;
    [[nodiscard]] std::optional<ProviderError> hold_image(const Call& call) const;

    Task<Status> bring_up(Deadline deadline);
    Task<Status> start_daemon(Deadline deadline);
    Task<Status> run_daemon(Deadline deadline);
    Task<Result<bool>> daemon_lives(Deadline deadline);
    Task<Status> try_acceleration(Deadline deadline);
    Task<Status> in_touch(Deadline deadline);
    Task<Status> end_daemon(agent::Signal how, Deadline deadline);
    Task<Result<bool>> has_machines(Deadline deadline);
    [[nodiscard]] json::object daemon_meta(std::uint64_t generation) const;
    [[nodiscard]] json::object meta(const Call& call) const;

    LibvirtOptions options_;
    agent::AgentClient& agent_;
    const Clock& clock_;
    Random& random_;
    std::string network_;         // the id of ours
    std::string daemon_;          // the name of its instance
    uid_t uid_ = 0;               // whom machines run as
    machines::Workers calls_{3};  // of the daemon
    machines::Workers logins_{4};
    std::unique_ptr<Hypervisor> hypervisor_;
    machines::BootQueue boots_;
    WarmTemplates warm_;
    std::map<std::string, TimePoint> woken_;  // since when they have not answered
    NameLocks locks_;
    std::map<std::string, TimePoint> halting_;  // since when they were asked to shut down
    Status ready_ =
        fail(ErrorCode::unavailable, "no image of machines has been made yet (slipway images build tiny)");
    std::string versions_;  // of what runs them
    bool kvm_ = false;
    std::string acceleration_;
};

}  // namespace slipway::libvirt
