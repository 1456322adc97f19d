// Databases on shared servers: a role (or user) and a database of its own for each tenant.
//
// What is on a server says itself whose it is: in PostgreSQL a comment on the role, written together with it, and
// the database's owner; in MySQL a row of slipway.tenants, written first and deleted last. What bears no such mark
// of the same installation, resource and generation is foreign and never touched. Each server also remembers what
// was removed (slipway.removed, for thirty days), so that a create which comes late is refused.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domain/ports.h"
#include "providers/by_verb.h"
#include "providers/databases/host.h"
#include "providers/name_locks.h"

namespace slipway::databases {

struct DatabasesOptions {
    InstallationId installation;
    std::uint32_t concurrency = 64;
    // Of operations at one server: one that hangs must not hold up the others'. Who comes later is told to wait.
    std::uint32_t per_server = 16;
    sql::SharedTls tls = {};  // of the servers; null: none
};

// Must outlive its calls; the servers must outlive it. Used from one executor only.
class DatabasesProvider final : public ByVerb {
  public:
    DatabasesProvider(DatabasesOptions options, DatabaseServers& servers, boost::asio::any_io_executor executor)
        : options_(std::move(options)), servers_(servers), executor_(std::move(executor)) {
        if (!options_.tls) options_.tls = std::make_shared<const sql::TlsSource>();
    }

    [[nodiscard]] std::string_view name() const override { return "databases"; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string> secrets(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::uint32_t concurrency() const override { return options_.concurrency; }
    [[nodiscard]] bool on_this_host() const override { return true; }

    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    // Servers tell nobody when a role of theirs changes: scans find it.
    void on_change(std::function<void(std::string external_name)>) override {}

  private:
    struct Reached {
        std::shared_ptr<Host> host;
        std::string trouble;  // of its server
    };
    using Found = std::expected<Reached, ProviderAnswer>;

    Task<ProviderAnswer> answer(Verb verb, Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> dispatch(Verb verb, ResourceId server, Tenant tenant, std::string engine,
                                  Deadline deadline);
    Task<ProviderAnswer> remove_anywhere(Tenant tenant, Deadline deadline);
    // The host, or what the call is answered with.
    Task<Found> find_host(Verb verb, ResourceId server, std::string engine);
    std::shared_ptr<Host> host_of(const ServerAccess& access);

    using Counts = std::map<ResourceId, std::uint32_t>;
    // One call at a server, as long as it lives. May outlive the provider.
    class UnderWay {
      public:
        UnderWay(std::shared_ptr<Counts> all, ResourceId server)
            : all_(std::move(all)), server_(std::move(server)) {
            ++(*all_)[server_];
        }
        UnderWay(const UnderWay&) = delete;
        UnderWay& operator=(const UnderWay&) = delete;
        ~UnderWay() {
            if (--(*all_)[server_] == 0) all_->erase(server_);
        }

      private:
        std::shared_ptr<Counts> all_;
        ResourceId server_;
    };
    struct Known {
        ServerAccess access;
        std::shared_ptr<Host> host;
    };

    DatabasesOptions options_;
    DatabaseServers& servers_;
    boost::asio::any_io_executor executor_;
    NameLocks locks_;
    std::shared_ptr<Counts> under_way_ = std::make_shared<Counts>();
    std::map<ResourceId, Known> hosts_;
};

}  // namespace slipway::databases
