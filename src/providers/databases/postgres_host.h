// A PostgreSQL server that serves many tenants.
#pragma once

#include "providers/databases/host.h"
#include "providers/databases/session_pool.h"
#include "providers/sql/postgres_session.h"

namespace slipway::databases {

class PostgresHost final : public Host {
  public:
    PostgresHost(ServerAccess access, boost::asio::any_io_executor executor, sql::SharedTls tls);

    Task<ProviderAnswer> observe(Tenant tenant, Deadline deadline) override;
    Task<ProviderAnswer> converge(Tenant tenant, bool make, Deadline deadline) override;
    Task<ProviderAnswer> remove(Tenant tenant, Deadline deadline) override;
    Task<Items> list(Deadline deadline) override;

  private:
    using Pool = SessionPool<sql::PostgresSession>;
    using Lease = Pool::Lease;

    static constexpr std::string_view kRemovedBefore = "removed before";
    static constexpr int kSchemaOfOwner = 150'000;  // the first version in which "public" is not everybody's

    // Of the login that takes turns with the role itself.
    struct Second {
        bool there = false;  // a role of its name
        bool ours = false;
        bool may_log_in = false;
        std::int64_t connections = 0;
        std::string verifier;
        bool whole = false;  // it may connect to the database, and acts as its owner there
    };
    // What is there under the names of a tenant.
    struct Seen {
        bool role = false;
        std::string role_name;
        std::optional<Tag> tag;
        bool may_log_in = false;
        std::int64_t connections = 0;
        std::string verifier;
        bool database = false;
        bool owned = false;   // the database, by the role
        bool opened = false;  // finished: it takes connections, of nobody but its owner
        bool marked_template = false;
        Second second;
    };
    // A call that changes something.
    struct Change {
        Lease& session;
        const Tenant& tenant;
        Deadline deadline;
        bool& touched;
    };
    using Looked = sql::Answer<std::pair<Lease, Seen>>;

    Task<Looked> look(const Tenant& tenant, const std::string& role, Deadline deadline);
    [[nodiscard]] static bool worth_a_new_one(const Lease& session, const sql::SqlError& error);
    Task<sql::Answer<Seen>> look_through(Lease& session, const Tenant& tenant, const std::string& role,
                                         Deadline deadline);
    // As the tenant, who can make things there: whether it can, or what is missing for it is given.
    enum class Rights : std::uint8_t { look, repair, fresh };  // fresh: nobody has given any yet
    Task<sql::Answer<void>> log_in(const Tenant& tenant, Rights rights, Deadline deadline) const;
    Task<sql::Answer<sql::PostgresSession>> administer(std::string database, Deadline deadline) const;
    [[nodiscard]] static std::optional<Observation> not_ours(const Tenant& tenant, const Seen& seen);
    // Whether nothing can bear these names there.
    [[nodiscard]] static bool impossible(const Tenant& tenant);
    Task<sql::Answer<bool>> removed_before(Lease& session, const Tenant& tenant, Deadline deadline);
    [[nodiscard]] static bool half_made(const Tenant& tenant, const Seen& seen);

    // Creates, renames and removals of one name exclude each other, whoever asks for them, until the transaction's
    // end.
    [[nodiscard]] static std::string lock(const std::string& name);
    // What it is called while it was made ahead and does not have the names that are wanted yet.
    struct Former {
        std::string role;
        std::string database;
    };
    Task<sql::Answer<std::optional<Former>>> former_names(Lease& session, const Tenant& tenant, Deadline deadline);
    Task<sql::Answer<void>> take_names(const Tenant& tenant, Deadline deadline, bool& renamed);
    // postgres_logins.cpp: while a password is rotated two logins are good, and a role has but one password.
    struct Login {
        std::string role;
        Secret password;  // empty: nobody may log in with it
        [[nodiscard]] bool wanted() const { return !password.empty(); }
    };
    [[nodiscard]] static Login owner_login(const Tenant& tenant);
    [[nodiscard]] static Login second_login(const Tenant& tenant);
    [[nodiscard]] static Login current_login(const Tenant& tenant);
    [[nodiscard]] static bool logins_as_wanted(const Tenant& tenant, const Seen& seen);
    [[nodiscard]] Observation well(const Tenant& tenant) const;
    Task<sql::Answer<void>> bring_up_second(Change change, const Seen& seen);
    Task<sql::Answer<void>> retire_logins(const Tenant& tenant, Deadline deadline, bool& touched);
    Task<sql::Answer<std::vector<std::string>>> second_logins(Lease& session, const Tenant& tenant,
                                                              Deadline deadline);
    Task<sql::Answer<void>> drop_second_logins(Change change);

    // "LOGIN … PASSWORD …"
    [[nodiscard]] static std::string login_clause(const Login& login, const Tenant& tenant);

    Task<sql::Answer<void>> prepare(Lease& session, Deadline deadline);
    Task<sql::Answer<void>> bring_up(Change change, const Seen& seen);
    Task<sql::Answer<void>> make_role(Change change);
    Task<sql::Answer<void>> make_database(Change change);
    Task<sql::Answer<void>> open_database(Change change, bool fresh);
    Task<sql::Answer<void>> alter_role(Change change);
    Task<sql::Answer<void>> add_extensions(const Tenant& tenant, Deadline deadline) const;
    Task<sql::Answer<std::string>> role_tagged(Lease& session, const Tenant& tenant, Deadline deadline);
    Task<sql::Answer<void>> bury(Change change, const std::string& role);
    Task<sql::Answer<void>> drop_database(Change change, const std::string& role, const std::string& database,
                                          const Seen& seen);
    Task<sql::Answer<void>> drop_owned(std::string database, const std::string& role, Deadline deadline) const;
    Task<sql::Answer<void>> drop_role(Change change, const std::string& role);

    ServerAccess access_;
    sql::SharedTls tls_;
    Pool pool_;
    bool prepared_ = false;
    std::string version_;
};

}  // namespace slipway::databases
