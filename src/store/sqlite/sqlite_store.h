// The Store in one SQLite database in a directory of its own: for one process at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "store/store.h"

namespace slipway::sqlite {
class DirectoryLock;
class Readers;
class RecentRows;
class Writer;
}  // namespace slipway::sqlite

namespace slipway::store {

struct SqliteOptions {
    RetryPolicy policy = {};
    std::size_t max_queue = 16'384;  // commits and leases that wait; more get ErrorCode::exhausted
    std::size_t max_batch = 512;     // that share one transaction
    std::size_t max_readers = 16;    // reads at one time; more wait
    int checkpoint_pages = 4000;     // of the write-ahead log, before they are moved into the database
    std::size_t recent_rows = 4096;  // resources, and as many operations, kept in memory (1 to 3 KB each)
    // Told of every transaction that was committed, on the writer's thread: how many commits and leases shared it,
    // and how long it took until it was on disk. Must return at once and not throw.
    std::function<void(std::size_t commits, Duration took)> on_batch = {};
    // For tests only. Without durability an answered commit can be lost at a power failure.
    bool durable = true;
    std::string vfs = {};  // a registered SQLite VFS; empty: the default one
};

// Since it was opened. How many jobs a batch has tells how many callers share one sync.
struct SqliteStatistics {
    std::uint64_t jobs = 0;     // commits and leases
    std::uint64_t batches = 0;  // transactions that they shared
};

// Thread-safe. Reads run on the calling thread, in microseconds, and see every commit answered before.
class SqliteStore final : public Store {
  public:
    // Makes the directory (mode 0700; files 0600), brings the schema up to date and takes the directory's lock.
    // The clock and the random source (of lease tokens; used by one thread at a time) must outlive the store.
    // Errors: unavailable (another process has it, or a newer version wrote it), storage.
    static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& directory, const Clock& clock,
                                                     Random& random, SqliteOptions options = {});
    // Writes what has queued. Executors of callers that wait for it must still be alive.
    ~SqliteStore() override;
    [[nodiscard]] SqliteStatistics statistics() const;

    Task<Result<CommitAnswer>> commit(Commit commit) override;
    Task<Result<LeaseAnswer>> lease(LeaseRequest request) override;
    Task<Result<std::optional<Resource>>> resource(ResourceId id) override;
    Task<Result<std::optional<Resource>>> resource_by_external_name(std::string provider,
                                                                    std::string external_name) override;
    Task<Result<Page<Resource>>> resources(ResourceFilter filter, PageRequest page) override;
    Task<Result<std::optional<Resource>>> claimable(Kind kind, std::string engine, std::string plan,
                                                    std::uint32_t skip) override;
    Task<Result<std::vector<PoolLevel>>> pool_levels() override;
    Task<Result<std::vector<HostLoad>>> host_loads(OrganizationId organization, Kind kind,
                                                   std::string engine) override;
    Task<Result<std::vector<Resource>>> expiring(TimePoint until, std::uint32_t limit) override;
    Task<Result<std::optional<Operation>>> operation(OperationId id) override;
    Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) override;
    Task<Result<Backlog>> backlog() override;
    Task<Result<std::vector<Duration>>> durations(DurationQuery query) override;
    Task<Result<std::vector<LiveCount>>> live_counts(OrganizationId organization) override;
    Task<Result<std::vector<ResourceCount>>> resource_counts() override;
    Task<Result<std::vector<UsageRow>>> usage(UsageFilter filter) override;
    Task<Result<EventPage>> events(EventFilter filter, std::uint64_t after, std::uint32_t limit) override;
    Task<Result<std::uint64_t>> last_event() override;
    Task<Result<std::optional<IdempotencyRecord>>> idempotency(std::string scope, std::string key) override;
    Task<Result<std::optional<ApiKey>>> api_key_by_hash(std::string hash) override;
    Task<Result<std::optional<ApiKey>>> api_key(ApiKeyId id) override;
    Task<Result<Page<ApiKey>>> api_keys(std::optional<OrganizationId> organization, PageRequest page) override;
    Task<Result<std::optional<Organization>>> organization(OrganizationId id) override;
    Task<Result<Page<Organization>>> organizations(PageRequest page) override;
    Task<Result<std::vector<Quota>>> quotas(OrganizationId organization) override;
    Task<Result<std::vector<Webhook>>> webhooks() override;
    Task<Result<std::optional<Cluster>>> cluster(OrganizationId organization, std::string name) override;
    Task<Result<Page<Cluster>>> clusters(OrganizationId organization, PageRequest page) override;
    Task<Result<std::vector<Orphan>>> orphans() override;
    Task<Result<std::optional<std::string>>> setting(std::string key) override;
    void listen(std::function<void(const CommitNotice&)> listener) override;

  private:
    SqliteStore(const Clock& clock, std::unique_ptr<sqlite::DirectoryLock> lock,
                std::unique_ptr<sqlite::RecentRows> recent, std::unique_ptr<sqlite::Readers> readers,
                std::unique_ptr<sqlite::Writer> writer);

    const Clock& clock_;
    // In the order in which they have to be there; the lock goes last.
    std::unique_ptr<sqlite::DirectoryLock> lock_;
    std::unique_ptr<sqlite::RecentRows> recent_;
    std::unique_ptr<sqlite::Readers> readers_;
    std::unique_ptr<sqlite::Writer> writer_;
};

}  // namespace slipway::store
