#include "store/sqlite/sqlite_store.h"

#include <cerrno>
#include <cstring>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/directory_lock.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/queries.h"
#include "store/sqlite/readers.h"
#include "store/sqlite/recent_rows.h"
#include "store/sqlite/writer.h"

namespace slipway::store {
namespace {

namespace asio = boost::asio;

// Made by hand so that its mode is 0600 whatever the umask; SQLite gives the files beside it the same mode.
Status make_private_file(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return fail(ErrorCode::storage, fmt::format("{}: cannot open it: {}", path.string(), std::strerror(errno)));
    }
    ::close(file);
    return {};
}

Status bring_up_to_date(const sqlite::Database::Open& open, TimePoint now) {
    try {
        sqlite::Database database(open);
        std::string mode;
        if (sqlite::Cursor row = database.statement("PRAGMA journal_mode = WAL").run(); row.next()) {
            mode = row.string(0);
        }
        if (mode != "wal") {
            return fail(ErrorCode::storage, "the file system of the data directory does not support SQLite's WAL");
        }
        database.execute("PRAGMA synchronous = FULL");
        return sqlite::migrate(database, sqlite::embedded_migrations(), now);
    } catch (const sqlite::SqlFailure& failure) {
        return fail(sqlite::to_error(failure));
    }
}

// Suspends the caller until the writer answers; resumes it on its own executor, which is kept alive until then.
template <class Answer, class Submit>
Task<Result<Answer>> until_answered(Submit submit) {
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Answer>)>(
        [submit = std::move(submit)](auto handler) mutable {
            auto executor =
                asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
            submit([handler = std::move(handler), executor](Result<Answer> answer) mutable {
                asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable {
                    std::move(handler)(std::move(answer));
                });
            });
        },
        asio::use_awaitable);
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& directory, const Clock& clock,
                                                       Random& random, SqliteOptions options) {
    // Statistics that nobody reads cost a global lock at every allocation. Refused, which does no harm, once
    // SQLite is in use.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    auto lock = sqlite::DirectoryLock::take(directory);
    if (!lock) return fail(lock.error());
    const sqlite::Database::Open file{(directory / "slipway.db").string(), options.vfs, false};
    if (Status status = make_private_file(file.path); !status) return fail(status.error());
    if (Status status = bring_up_to_date(file, clock.now()); !status) return fail(status.error());
    auto recent = std::make_unique<sqlite::RecentRows>(options.recent_rows);
    auto writer = sqlite::Writer::start({file,
                                         options.max_queue,
                                         options.max_batch,
                                         options.checkpoint_pages,
                                         {clock, random, *recent, options.policy, options.durable},
                                         std::move(options.on_batch)});
    if (!writer) return fail(writer.error());
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(clock, std::make_unique<sqlite::DirectoryLock>(std::move(*lock)), std::move(recent),
                        std::make_unique<sqlite::Readers>(file, options.max_readers), std::move(*writer)));
}

SqliteStore::SqliteStore(const Clock& clock, std::unique_ptr<sqlite::DirectoryLock> lock,
                         std::unique_ptr<sqlite::RecentRows> recent, std::unique_ptr<sqlite::Readers> readers,
                         std::unique_ptr<sqlite::Writer> writer)
    : clock_(clock),
      lock_(std::move(lock)),
      recent_(std::move(recent)),
      readers_(std::move(readers)),
      writer_(std::move(writer)) {}

SqliteStore::~SqliteStore() {
    // The last connection to close moves the log into the database file, and only one that writes can.
    readers_.reset();
    writer_.reset();
}

SqliteStatistics SqliteStore::statistics() const { return {writer_->jobs(), writer_->batches()}; }

Task<Result<CommitAnswer>> SqliteStore::commit(Commit commit) {
    auto work = sqlite::prepare(std::move(commit));
    if (!work) co_return fail(work.error());
    co_return co_await until_answered<CommitAnswer>([this, work = std::move(*work)](auto done) mutable {
        writer_->submit(sqlite::Writer::CommitJob{std::move(work), std::move(done)});
    });
}

Task<Result<LeaseAnswer>> SqliteStore::lease(LeaseRequest request) {
    co_return co_await until_answered<LeaseAnswer>([this, request = std::move(request)](auto done) mutable {
        writer_->submit(sqlite::Writer::LeaseJob{std::move(request), std::move(done)});
    });
}

Task<Result<std::optional<Resource>>> SqliteStore::resource(ResourceId id) {
    if (const auto row = recent_->resource(id)) co_return *row;
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_resource(db, id); });
}

Task<Result<std::optional<Resource>>> SqliteStore::resource_by_external_name(std::string provider,
                                                                             std::string external_name) {
    co_return readers_->run(
        [&](sqlite::Database& db) { return sqlite::find_resource_by_external_name(db, provider, external_name); });
}

Task<Result<Page<Resource>>> SqliteStore::resources(ResourceFilter filter, PageRequest page) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_resources(db, filter, page); });
}

Task<Result<std::optional<Resource>>> SqliteStore::claimable(Kind kind, std::string engine, std::string plan,
                                                             std::uint32_t skip) {
    co_return readers_->run(
        [&](sqlite::Database& db) { return sqlite::find_claimable(db, kind, engine, plan, skip); });
}

Task<Result<std::vector<PoolLevel>>> SqliteStore::pool_levels() {
    co_return readers_->run([](sqlite::Database& db) { return sqlite::read_pool_levels(db); });
}

Task<Result<std::vector<HostLoad>>> SqliteStore::host_loads(OrganizationId organization, Kind kind,
                                                            std::string engine) {
    co_return readers_->run(
        [&](sqlite::Database& db) { return sqlite::read_host_loads(db, organization, kind, engine); });
}

Task<Result<std::vector<Resource>>> SqliteStore::expiring(TimePoint until, std::uint32_t limit) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_expiring(db, until, limit); });
}

Task<Result<std::optional<Operation>>> SqliteStore::operation(OperationId id) {
    if (const auto row = recent_->operation(id)) co_return *row;
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_operation(db, id); });
}

Task<Result<Page<Operation>>> SqliteStore::operations(OperationFilter filter, PageRequest page) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_operations(db, filter, page); });
}

Task<Result<Backlog>> SqliteStore::backlog() { co_return writer_->backlog(); }

Task<Result<std::vector<Duration>>> SqliteStore::durations(DurationQuery query) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_durations(db, query); });
}

Task<Result<std::vector<LiveCount>>> SqliteStore::live_counts(OrganizationId organization) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_live_counts(db, organization); });
}

Task<Result<std::vector<ResourceCount>>> SqliteStore::resource_counts() {
    co_return readers_->run([](sqlite::Database& db) { return sqlite::read_resource_counts(db); });
}

Task<Result<std::vector<UsageRow>>> SqliteStore::usage(UsageFilter filter) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_usage(db, filter); });
}

Task<Result<EventPage>> SqliteStore::events(EventFilter filter, std::uint64_t after, std::uint32_t limit) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_events(db, filter, after, limit); });
}

Task<Result<std::uint64_t>> SqliteStore::last_event() {
    co_return readers_->run([](sqlite::Database& db) { return sqlite::read_last_event(db); });
}

Task<Result<std::optional<IdempotencyRecord>>> SqliteStore::idempotency(std::string scope, std::string key) {
    co_return readers_->run(
        [&](sqlite::Database& db) { return sqlite::find_idempotency(db, scope, key, clock_.now()); });
}

Task<Result<std::optional<ApiKey>>> SqliteStore::api_key_by_hash(std::string hash) {
    if (auto key = recent_->api_key(hash)) co_return key;
    const std::uint64_t generation = recent_->key_generation();
    auto found = readers_->run([&](sqlite::Database& db) { return sqlite::find_api_key_by_hash(db, hash); });
    if (found && *found) recent_->keep(**found, generation);
    co_return found;
}

Task<Result<std::optional<ApiKey>>> SqliteStore::api_key(ApiKeyId id) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_api_key(db, id); });
}

Task<Result<Page<ApiKey>>> SqliteStore::api_keys(std::optional<OrganizationId> organization, PageRequest page) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_api_keys(db, organization, page); });
}

Task<Result<std::optional<Organization>>> SqliteStore::organization(OrganizationId id) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_organization(db, id); });
}

Task<Result<Page<Organization>>> SqliteStore::organizations(PageRequest page) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_organizations(db, page); });
}

Task<Result<std::vector<Quota>>> SqliteStore::quotas(OrganizationId organization) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_quotas(db, organization); });
}

Task<Result<std::vector<Webhook>>> SqliteStore::webhooks() {
    co_return readers_->run([](sqlite::Database& db) { return sqlite::read_webhooks(db); });
}

Task<Result<std::optional<Cluster>>> SqliteStore::cluster(OrganizationId organization, std::string name) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_cluster(db, organization, name); });
}

Task<Result<Page<Cluster>>> SqliteStore::clusters(OrganizationId organization, PageRequest page) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::read_clusters(db, organization, page); });
}

Task<Result<std::vector<Orphan>>> SqliteStore::orphans() {
    co_return readers_->run([](sqlite::Database& db) { return sqlite::read_orphans(db); });
}

Task<Result<std::optional<std::string>>> SqliteStore::setting(std::string key) {
    co_return readers_->run([&](sqlite::Database& db) { return sqlite::find_setting(db, key); });
}

void SqliteStore::listen(std::function<void(const CommitNotice&)> listener) {
    writer_->listen(std::move(listener));
}

}  // namespace slipway::store
