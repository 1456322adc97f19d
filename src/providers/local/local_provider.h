// Real engines on this machine, as processes that outlive the broker and are adopted again.
//
// An instance is a directory of the helper (src/agent). Its process holds the directory's lock for as long as it
// lives; what it was started with (the setup's tag) is kept beside the lock. "Running" means: the lock is held by a
// process whose start time is right, and the engine that answers on the port proved to be that one (engine.h).
// Presence of a process that lives and does not answer is `pending` (never `stopped`): observe cannot tell a slow
// start from a hang. update and create can: they wait a moment (EngineFacts::patience), then kill it by its pidfd
// and start it again, from its data where the engine keeps any. One whose disk is full is left to wait for room.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/client.h"
#include "providers/by_verb.h"
#include "providers/local/engine.h"
#include "providers/local/watcher.h"
#include "providers/name_locks.h"

namespace slipway::local {

struct LocalOptions {
    InstallationId installation;
    std::string domain = "localhost";  // instances are advertised as <external name>.<domain>
    std::vector<std::string> addresses = {"127.0.0.1", "::1"};  // to listen on; IPv6 only where the host has it
    std::int64_t port_first = 20'000;
    std::int64_t port_last = 29'999;
    std::int64_t uid_first = 210'000;  // used where the helper is root; must lie in the helper's own range
    std::int64_t uid_last = 299'999;
    std::uint32_t concurrency = 16;
    SharedTls tls = {};  // of database servers; null: none
};

// Must outlive its calls; the client must outlive it. Used from one executor only.
class LocalProvider final : public ByVerb, public LiveEngines {
  public:
    LocalProvider(LocalOptions options, agent::AgentClient& agent, boost::asio::any_io_executor executor);

    // Asks the helper what it can do and watches what runs already. Until it has succeeded once, `available` says
    // that the helper is not there. May be called again.
    Task<Status> start(Duration budget);
    // Has every database server of ours looked at, because what its certificate should be has changed: on_change is
    // told of each.
    Task<Status> tell_renewed(Duration budget);

    [[nodiscard]] std::string_view name() const override { return "local"; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<std::string> secrets(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::uint32_t concurrency() const override { return options_.concurrency; }
    [[nodiscard]] bool on_this_host() const override { return true; }

    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    void on_change(std::function<void(std::string external_name)> listener) override;

    Task<Result<std::vector<Statistic>>> statistics(Resource resource, Duration budget) override;
    Task<Status> flush(Resource resource, Duration budget) override;

  private:
    struct Call;
    struct Live;

    Task<ProviderAnswer> answer(Verb verb, Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> do_observe(Call& call);
    Task<ProviderAnswer> do_converge(Call& call);
    Task<ProviderAnswer> do_remove(Call& call);

    Task<std::optional<ProviderAnswer>> look_at_living(Call& call, agent::InstanceStatus status);
    Task<std::optional<ProviderAnswer>> bring_up(Call& call);
    Task<std::optional<ProviderAnswer>> await_login(Call& call, agent::Process process, Duration at_most,
                                                    bool fresh);
    Task<ProviderAnswer> settle(Call& call, agent::Process process, bool fresh, Greeting greeting);
    Task<std::optional<ProviderError>> write_files(Call& call);
    Task<bool> mend_login(Call& call, agent::Process process);
    Task<ProviderAnswer> after_death(Call& call);
    ProviderAnswer out_of_room(const Call& call);
    Task<void> stop(Call& call, agent::Process process, bool gently);
    Task<void> clear_rest(Call& call);
    Task<Result<Live>> find_living(const Resource& resource, Deadline deadline);
    // Null where this provider has no such engine.
    [[nodiscard]] const Engine* engine_of(Kind kind, std::string_view engine) const;
    [[nodiscard]] Contact contact(const Call& call, const agent::Process& process, std::uint16_t port) const;
    [[nodiscard]] Observation running(const Call& call, const agent::Process& process, std::uint16_t port,
                                      std::string detail, const std::string& version) const;
    [[nodiscard]] json::object meta(const Call& call) const;

    LocalOptions options_;
    std::vector<std::unique_ptr<Engine>> engines_;
    agent::AgentClient& agent_;
    NameLocks locks_;
    Watcher watcher_;
    std::function<void(std::string external_name)> on_change_;
    std::uint32_t live_calls_ = 0;
    std::set<std::string> full_;  // instances that were said to have no room
};

}  // namespace slipway::local
