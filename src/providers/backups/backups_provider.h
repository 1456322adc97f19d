// Backups of databases: what the engine's own program for dumps writes of a database, with the login of its tenant
// and so with no right that the tenant does not have. Each is a file below a directory of the server's
// (backup_files.h). A dump runs longer than a call: it is pending, with its progress, until it is through; after a
// restart it begins anew.
#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domain/ports.h"
#include "providers/backups/backup_files.h"
#include "providers/backups/tools.h"
#include "providers/jobs.h"
#include "providers/name_locks.h"
#include "providers/provider.h"
#include "providers/sql/server_tls.h"

namespace slipway::backups {

struct BackupsOptions {
    InstallationId installation;
    std::filesystem::path directory;
    Tools tools = find_tools();
    std::size_t at_once = 2;                 // dumps that run at the same time
    Duration limit = std::chrono::hours(6);  // of one
    std::uint32_t concurrency = 16;
    sql::SharedTls tls = {};  // of the servers; null: none
};

// Must outlive its calls; the logins must outlive it. Used from one executor only.
class BackupsProvider final : public Provider {
  public:
    BackupsProvider(BackupsOptions options, DatabaseLogins& logins);

    [[nodiscard]] std::string_view name() const override { return "backups"; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string> secrets(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::uint32_t concurrency() const override { return options_.concurrency; }
    [[nodiscard]] bool on_this_host() const override { return true; }

    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) override;
    // What is gone cannot be brought back: it only looks.
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    // Files change for nobody: scans find it.
    void on_change(std::function<void(std::string external_name)>) override {}

  private:
    [[nodiscard]] bool ours(const BackupMeta& meta, const Target& target) const;
    // What is there of it, whatever its job does; none: nothing.
    std::optional<Observation> look(const Target& target);
    Task<ProviderAnswer> begin(const Target& target, const Spec& spec, Deadline deadline);
    ProviderAnswer take_away(const Target& target);

    BackupsOptions options_;
    BackupFiles files_;
    DatabaseLogins& logins_;
    NameLocks locks_;
    Jobs jobs_;
    Jobs removals_;
};

}  // namespace slipway::backups
