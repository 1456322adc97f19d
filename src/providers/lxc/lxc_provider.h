// Containers that are used like machines: an address of their own, the login that was asked for, a root file system
// over an image's files.
//
// A container is an instance of the helper (src/agent/containers.h), which makes, starts and ends it. It lives by a
// monitor process, which outlives broker and helper and holds the instance's lock: that is how it is found again.
//
// "Running" means what it means for virtual machines: who answers by its address has the host key that was learned
// with the first login, which is a real one with the name and password that were asked for. Until it works the
// container is `pending`. Then the files that carried the password's hash go.
#pragma once

#include <map>
#include <string>

#include "agent/client.h"
#include "providers/by_verb.h"
#include "providers/machines/boot_queue.h"
#include "providers/machines/login.h"
#include "providers/machines/shape.h"
#include "providers/name_locks.h"

namespace slipway::lxc {

struct LxcOptions {
    InstallationId installation;
    machines::Net net;
    std::size_t boots = 2;  // at once
    machines::FindImage find_image;
    machines::ImageKeeper keeper;
    std::string network =
        {};  // the id of its network, 8 hexadecimal digits; empty: it follows from the installation
};

// Must outlive its calls; client and clock must outlive it. Used from one executor only.
class LxcProvider final : public ByVerb {
  public:
    LxcProvider(LxcOptions options, agent::AgentClient& agent, const Clock& clock, Random& random);

    // Brings the network up, or finds it. Until it has succeeded once, `available` says why not. May be called
    // again.
    Task<Status> start(Duration budget);
    // With no machine left, the network goes. For the end of a server; start() brings it back.
    Task<Status> rest(Duration budget);

    [[nodiscard]] machines::BootLevels boots() const { return boots_.levels(clock_.now()); }

    [[nodiscard]] std::string_view name() const override { return "lxc"; }
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
    Task<ProviderAnswer> do_converge(Call& call);
    Task<ProviderAnswer> do_remove(Call& call);

    Task<std::optional<ProviderAnswer>> make(Call& call);
    Task<std::optional<ProviderAnswer>> boot(Call& call);
    Task<ProviderAnswer> stop_other(Call& call);
    Task<ProviderAnswer> settle(Call& call);
    Task<ProviderAnswer> look_who_answers(Call& call);
    [[nodiscard]] std::optional<ProviderError> read_shape(Call& call, const std::string& made_of) const;
    [[nodiscard]] std::optional<ProviderError> hold_image(const Call& call) const;
    [[nodiscard]] machines::LoginTry login_of(const Call& call) const;
    [[nodiscard]] json::object meta(const Call& call) const;

    Task<Status> bring_up(Deadline deadline);
    Task<Status> started(Deadline deadline);

    LxcOptions options_;
    agent::AgentClient& agent_;
    const Clock& clock_;
    Random& random_;
    std::string network_;  // the id of ours
    uid_t uid_ = 0;        // whom their directories belong to
    machines::Workers logins_{4};
    machines::BootQueue boots_;
    NameLocks locks_;
    std::map<std::string, TimePoint> halting_;  // since when they were asked to end
    std::map<std::string, int> boots_tried_;    // since they last ran
    Status ready_ =
        fail(ErrorCode::unavailable, "no image of machines has been made yet (slipway images build tiny)");
};

}  // namespace slipway::lxc
