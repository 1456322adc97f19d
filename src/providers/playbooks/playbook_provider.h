// A provider of machines that runs the playbook of a new machine's plan before it says that the machine is there.
//
// What is asked of the machine itself goes on to the provider that makes it. Once that has seen the first login
// work, ansible-playbook is run as a job, with that login and the host key that answered it; only after its good
// end the machine is running. A run that a crash interrupted begins anew: playbooks do nothing twice. Once the
// machine is ready its password is forgotten, and no playbook is run on it any more.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "providers/jobs.h"
#include "providers/name_locks.h"
#include "providers/playbooks/run.h"
#include "providers/provider.h"

namespace slipway::playbooks {

struct PlaybookOptions {
    std::filesystem::path directory;  // of the runs under way; nobody else uses it
    std::function<Programs()> find = find_programs;
    OnPlayed on_played = {};
};

// Must outlive its calls; the jobs, which several of these may share, and the other provider must outlive it. Used
// from one executor only.
class PlaybookProvider final : public Provider {
  public:
    PlaybookProvider(PlaybookOptions options, Jobs& jobs, Provider& machines);

    // Ends what runs of an earlier process that died, and removes its files. Blocks, for 2 s at most. Before the
    // first call, once for each directory.
    static void clear(const std::filesystem::path& directory);

    [[nodiscard]] std::string_view name() const override { return inner_.name(); }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override {
        return inner_.available(kind, engine);
    }
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const override {
        return inner_.ranges(kind, engine);
    }
    [[nodiscard]] std::vector<std::string> secrets(Kind kind, std::string_view engine) const override {
        return inner_.secrets(kind, engine);
    }
    [[nodiscard]] std::uint32_t concurrency() const override { return inner_.concurrency(); }
    [[nodiscard]] bool on_this_host() const override { return inner_.on_this_host(); }
    [[nodiscard]] bool external_tags() const override { return inner_.external_tags(); }

    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override {
        return inner_.update(std::move(target), std::move(spec), budget);
    }
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override {
        return inner_.inventory(std::move(cursor), budget);
    }
    void on_change(std::function<void(std::string external_name)> listener) override {
        inner_.on_change(std::move(listener));
    }

  private:
    [[nodiscard]] std::string job_of(const Target& target) const;
    [[nodiscard]] Observation pending(const JobView& view, const Target& target, const Playbook& playbook) const;
    ProviderAnswer begin(const Target& target, const Spec& spec, const Playbook& playbook, const Observation& made);
    // True once nothing of it is left.
    bool drop(const Target& target);

    PlaybookOptions options_;
    Jobs& jobs_;
    Provider& inner_;
    NameLocks locks_;
    std::map<std::string, std::shared_ptr<Whereabouts>> where_;  // by the job's name
};

}  // namespace slipway::playbooks
