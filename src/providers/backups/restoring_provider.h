// A provider of databases that fills a new one from a backup before it says that it is there.
//
// What is asked of the database itself goes on to the provider that makes it. A database whose parameters name a
// backup ("restore_from", "restore_file") is made, marked on its server as begun, filled by a job with the login of
// its tenant, and marked as done; only then it is running. One whose restore was interrupted is emptied and filled
// anew. Once it was running (its handle says "restored") it is never emptied again, whatever the marks say.
#pragma once

#include <filesystem>
#include <string>

#include "domain/ports.h"
#include "providers/backups/backup_files.h"
#include "providers/backups/restore_marks.h"
#include "providers/backups/tools.h"
#include "providers/jobs.h"
#include "providers/name_locks.h"
#include "providers/provider.h"
#include "providers/sql/server_tls.h"

namespace slipway::backups {

struct RestoringOptions {
    std::filesystem::path directory;  // of the backups
    Tools tools = find_tools();
    std::size_t at_once = 2;
    Duration limit = std::chrono::hours(6);
    sql::SharedTls tls = {};  // of the servers; null: none
};

// Must outlive its calls; the others must outlive it. Used from one executor only.
class RestoringProvider final : public Provider {
  public:
    RestoringProvider(RestoringOptions options, Provider& databases, DatabaseServers& servers);

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
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override {
        return inner_.inventory(std::move(cursor), budget);
    }
    void on_change(std::function<void(std::string external_name)> listener) override {
        inner_.on_change(std::move(listener));
    }

  private:
    using Marks = std::expected<std::unique_ptr<RestoreMarks>, ProviderError>;

    Task<Marks> marks_of(const Spec& spec, Deadline deadline);
    // The database is there: whether what is to be in it is there too, and what is done about it.
    Task<ProviderAnswer> fill(const Target& target, const Spec& spec, Observation made, Deadline deadline);
    Task<ProviderAnswer> begin(const Target& target, const Spec& spec, Observation made, Deadline deadline);
    Task<ProviderAnswer> whole(const Target& target, const Spec& spec, Observation made, Deadline deadline);

    RestoringOptions options_;
    BackupFiles files_;
    Provider& inner_;
    DatabaseServers& servers_;
    NameLocks locks_;
    Jobs jobs_;
};

}  // namespace slipway::backups
