// What the writer thread does with commits and leases on its connection. Lives as long as nothing fails: after a
// failure of SQLite the session is dropped and a new one reads the stored state again.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/allocation_book.h"
#include "store/due_index.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/database.h"
#include "store/sqlite/recent_rows.h"
#include "store/sqlite/row_writer.h"
#include "store/store.h"

namespace slipway::sqlite {

// A commit with its bodies, made on its caller's thread: the writer thread is the one that must not wait.
struct PreparedCommit {
    Commit commit;
    std::vector<std::string> bodies;  // one for each write; empty where it has none
    std::vector<std::string> event_bodies;
    // What a try changes in the rows, as it was asked for: a batch that failed is done again.
    struct Original {
        std::uint64_t version = 0;
        OperationId blocked_by;
    };
    std::vector<Original> originals;  // one for each write
};
Result<PreparedCommit> prepare(Commit commit);
// Moves the rows as they were stored into the answer; once the transaction is committed.
void collect(PreparedCommit& work, Committed& answer);

class WriteSession {
  public:
    struct Needs {
        const Clock& clock;
        Random& random;
        RecentRows& recent;
        RetryPolicy policy;
        bool durable = true;
    };
    // Reads the open operations, the allocations and the last event's number. Throws SqlFailure, as does all below.
    WriteSession(const Database::Open& open, const Needs& needs);

    void begin() { transaction_.emplace(database_, "IMMEDIATE"); }
    void end();  // commits: what was answered since `begin` is on disk when it returns
    // Pages of the write-ahead log after the last `end`.
    [[nodiscard]] int log_pages() const { return log_pages_; }
    // As it is with what the present transaction has written, if there is one.
    [[nodiscard]] Backlog backlog() const { return due_.backlog(); }
    // Between transactions: moves the log into the database; what fails is left for the next time.
    void checkpoint() { (void)checkpoint_now(database_); }
    // Within a transaction. Nothing is written unless the answer is Committed, whose rows `collect` adds.
    Result<CommitAnswer> commit(PreparedCommit& work, CommitNotice& notice);
    LeaseAnswer lease(const LeaseRequest& request, CommitNotice& notice);

  private:
    struct Stored {  // what is stored now of the rows that a commit writes; one for each write
        std::optional<StoredResource> resource;
        std::optional<StoredOperation> operation;
    };
    void load();
    std::optional<Rejected> check(const Precondition& precondition, TimePoint now);
    std::optional<Rejected> check(const write::PutResource& put, Stored& stored);
    std::optional<Rejected> check(const write::PutOperation& put, Stored& stored, const Commit& commit);
    std::optional<Rejected> check(const write::PutWebhook& put);
    std::optional<Rejected> check(const write::PutCluster& put);
    std::optional<Rejected> check(const write::DropCluster& drop);
    std::optional<Rejected> check(const write::DeleteOrganization& deletion);
    // What is deleted is given nothing.
    [[nodiscard]] std::optional<Rejected> check_receiver(const Write& write) const;
    // A cluster's version now; 0: there is none.
    std::uint64_t version_of(const OrganizationId& organization, const std::string& cluster);
    Status check_constraints(const Commit& commit, const std::vector<Stored>& stored);
    bool name_is_taken(const precondition::NameFree& wanted);
    bool setting_is(const precondition::SettingIs& wanted);
    bool has_place(const ResourceId& host, std::uint64_t limit);
    bool exists(std::string_view sql, const std::string& a, const std::string& b);
    void write(PreparedCommit& work, const std::vector<Stored>& stored, TimePoint now, CommitNotice& notice);
    void unblock(const OperationId& id, CommitNotice& notice);
    void store(const Operation& operation, std::string_view body, const StoredOperation* before,
               CommitNotice& notice);
    void lease_one(const OperationId& id, const LeaseRequest& request, LeaseAnswer& answer, CommitNotice& notice);
    std::optional<LeasedWork> read_work(const OperationId& id);
    // As this transaction has it. Null: it was not written lately.
    [[nodiscard]] std::shared_ptr<const Resource> recent(const ResourceId& id) const;
    [[nodiscard]] std::shared_ptr<const Operation> recent(const OperationId& id) const;
    std::optional<StoredResource> stored(const ResourceId& id);
    std::optional<StoredOperation> stored(const OperationId& id);

    Needs needs_;
    Database database_;
    RowWriter rows_;
    store::DueIndex due_;
    store::AllocationBook allocations_;
    ChangedRows changed_;
    std::set<OrganizationId> deleted_organizations_;  // all there are: so no accept has to look any up
    std::uint64_t last_event_ = 0;
    int log_pages_ = 0;
    std::optional<Transaction> transaction_;
};

}  // namespace slipway::sqlite
