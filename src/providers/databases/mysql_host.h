// A MySQL or MariaDB server that serves many tenants.
#pragma once

#include "providers/databases/host.h"
#include "providers/databases/session_pool.h"
#include "providers/sql/mysql_session.h"

namespace slipway::databases {

class MysqlHost final : public Host {
  public:
    MysqlHost(ServerAccess access, boost::asio::any_io_executor executor, sql::SharedTls tls);

    Task<ProviderAnswer> observe(Tenant tenant, Deadline deadline) override;
    Task<ProviderAnswer> converge(Tenant tenant, bool make, Deadline deadline) override;
    Task<ProviderAnswer> remove(Tenant tenant, Deadline deadline) override;
    Task<Items> list(Deadline deadline) override;

  private:
    using Pool = SessionPool<sql::MysqlSession>;
    using Lease = Pool::Lease;

    // What is there under the names of a tenant.
    struct Seen {
        bool ours = false;     // a row that says so
        bool strange = false;  // a row of somebody else's with one of the names
        std::string database;  // of our row
        std::string user;      // of our row
        bool has_database = false;
        bool has_user = false;
        std::optional<Tag> neighbour;  // of the strange row, where it is of this installation
        [[nodiscard]] bool foreign() const { return strange || (!ours && (has_database || has_user)); }
    };
    // A call that changes something.
    struct Change {
        Lease& session;
        const Tenant& tenant;  // its user is what it is called on this server
        Deadline deadline;
        bool& touched;
    };

    // Whether nothing can bear these names there.
    static bool impossible(const Tenant& tenant);
    static Observation not_ours(const Seen& seen);
    static std::size_t most_user(const sql::MysqlSession& session);
    static std::string version_number(const std::string& text);
    Task<sql::Answer<sql::MysqlSession>> administer(Deadline deadline) const;
    // A session that works.
    Task<sql::Answer<Lease>> session(Deadline deadline);
    Task<sql::Answer<Seen>> look(Lease& session, const Tenant& tenant, Deadline deadline);
    Task<sql::Answer<void>> log_in(const Tenant& tenant, Deadline deadline) const;

    Task<sql::Answer<void>> prepare(Lease& session, Deadline deadline);
    Task<sql::Answer<void>> lock(const Change& change);
    Task<sql::Answer<void>> unlock(const Change& change);
    Task<ProviderAnswer> converge_locked(Change change, bool make, bool& settled);
    Task<ProviderAnswer> remove_locked(Change change);
    Task<sql::Answer<bool>> removed_before(const Change& change);
    Task<sql::Answer<void>> bring_up(Change change, const Seen& seen);
    Task<sql::Answer<void>> tear_down(Change change, const Seen& seen);
    Task<sql::Answer<void>> end_connections(Change change, const std::string& user);

    ServerAccess access_;
    sql::SharedTls tls_;
    Pool pool_;
    bool prepared_ = false;
    std::string version_;
};

}  // namespace slipway::databases
