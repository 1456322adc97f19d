#include "store/memory/memory_store.h"

namespace slipway::store {
namespace {

template <class T>
std::optional<T> copy_of(const T* found) {
    return found != nullptr ? std::optional<T>(*found) : std::nullopt;
}

bool says_nothing(const CommitNotice& notice) {
    return notice.resources.empty() && notice.operations.empty() && notice.last_event == 0;
}

}  // namespace

MemoryState MemoryStore::snapshot() const {
    const std::scoped_lock lock(mutex_);
    return state_;
}

void MemoryStore::restore(MemoryState state) {
    const std::scoped_lock lock(mutex_);
    state_ = std::move(state);
}

void MemoryStore::tell(const CommitNotice& notice) {
    if (says_nothing(notice)) return;
    const std::scoped_lock lock(listener_mutex_);
    if (listener_) listener_(notice);
}

Task<Result<CommitAnswer>> MemoryStore::commit(Commit commit) {
    CommitNotice notice;
    std::unique_lock lock(mutex_);
    Result<CommitAnswer> answer = state_.apply(std::move(commit), clock_.now(), &notice);
    lock.unlock();
    if (answer && std::holds_alternative<Committed>(*answer)) tell(notice);
    co_return answer;
}

Task<Result<LeaseAnswer>> MemoryStore::lease(LeaseRequest request) {
    CommitNotice notice;
    std::unique_lock lock(mutex_);
    Result<LeaseAnswer> answer = state_.lease(request, clock_.now(), &notice);
    lock.unlock();
    tell(notice);
    co_return answer;
}

Task<Result<std::optional<Resource>>> MemoryStore::resource(ResourceId id) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.resource(id));
}

Task<Result<std::optional<Resource>>> MemoryStore::resource_by_external_name(std::string provider,
                                                                             std::string external_name) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.resource_by_external_name(provider, external_name));
}

Task<Result<Page<Resource>>> MemoryStore::resources(ResourceFilter filter, PageRequest page) {
    const std::scoped_lock lock(mutex_);
    co_return state_.resources(filter, page);
}

Task<Result<std::optional<Resource>>> MemoryStore::claimable(Kind kind, std::string engine, std::string plan,
                                                             std::uint32_t skip) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.claimable(kind, engine, plan, skip));
}

Task<Result<std::vector<PoolLevel>>> MemoryStore::pool_levels() {
    const std::scoped_lock lock(mutex_);
    co_return state_.pool_levels();
}

Task<Result<std::vector<HostLoad>>> MemoryStore::host_loads(OrganizationId organization, Kind kind,
                                                            std::string engine) {
    const std::scoped_lock lock(mutex_);
    co_return state_.host_loads(organization, kind, engine);
}

Task<Result<std::vector<Resource>>> MemoryStore::expiring(TimePoint until, std::uint32_t limit) {
    const std::scoped_lock lock(mutex_);
    co_return state_.expiring(until, limit);
}

Task<Result<std::optional<Operation>>> MemoryStore::operation(OperationId id) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.operation(id));
}

Task<Result<Page<Operation>>> MemoryStore::operations(OperationFilter filter, PageRequest page) {
    const std::scoped_lock lock(mutex_);
    co_return state_.operations(filter, page);
}

Task<Result<Backlog>> MemoryStore::backlog() {
    const std::scoped_lock lock(mutex_);
    co_return state_.backlog();
}

Task<Result<std::vector<Duration>>> MemoryStore::durations(DurationQuery query) {
    const std::scoped_lock lock(mutex_);
    co_return state_.durations(query);
}

Task<Result<std::vector<LiveCount>>> MemoryStore::live_counts(OrganizationId organization) {
    const std::scoped_lock lock(mutex_);
    co_return state_.live_counts(organization);
}

Task<Result<std::vector<ResourceCount>>> MemoryStore::resource_counts() {
    const std::scoped_lock lock(mutex_);
    co_return state_.resource_counts();
}

Task<Result<std::vector<UsageRow>>> MemoryStore::usage(UsageFilter filter) {
    const std::scoped_lock lock(mutex_);
    co_return state_.usage(filter);
}

Task<Result<EventPage>> MemoryStore::events(EventFilter filter, std::uint64_t after, std::uint32_t limit) {
    const std::scoped_lock lock(mutex_);
    co_return state_.events(filter, after, limit);
}

Task<Result<std::uint64_t>> MemoryStore::last_event() {
    const std::scoped_lock lock(mutex_);
    co_return state_.last_event();
}

Task<Result<std::optional<IdempotencyRecord>>> MemoryStore::idempotency(std::string scope, std::string key) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.idempotency(scope, key, clock_.now()));
}

Task<Result<std::optional<ApiKey>>> MemoryStore::api_key_by_hash(std::string hash) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.api_key_by_hash(hash));
}

Task<Result<std::optional<ApiKey>>> MemoryStore::api_key(ApiKeyId id) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.api_key(id));
}

Task<Result<Page<ApiKey>>> MemoryStore::api_keys(std::optional<OrganizationId> organization, PageRequest page) {
    const std::scoped_lock lock(mutex_);
    co_return state_.api_keys(organization, page);
}

Task<Result<std::optional<Organization>>> MemoryStore::organization(OrganizationId id) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.organization(id));
}

Task<Result<Page<Organization>>> MemoryStore::organizations(PageRequest page) {
    const std::scoped_lock lock(mutex_);
    co_return state_.organizations(page);
}

Task<Result<std::vector<Quota>>> MemoryStore::quotas(OrganizationId organization) {
    const std::scoped_lock lock(mutex_);
    co_return state_.quotas(organization);
}

Task<Result<std::vector<Webhook>>> MemoryStore::webhooks() {
    const std::scoped_lock lock(mutex_);
    co_return state_.webhooks();
}

Task<Result<std::optional<Cluster>>> MemoryStore::cluster(OrganizationId organization, std::string name) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.cluster(organization, name));
}

Task<Result<Page<Cluster>>> MemoryStore::clusters(OrganizationId organization, PageRequest page) {
    const std::scoped_lock lock(mutex_);
    co_return state_.clusters(organization, page);
}

Task<Result<std::vector<Orphan>>> MemoryStore::orphans() {
    const std::scoped_lock lock(mutex_);
    co_return state_.orphans();
}

Task<Result<std::optional<std::string>>> MemoryStore::setting(std::string key) {
    const std::scoped_lock lock(mutex_);
    co_return copy_of(state_.setting(key));
}

void MemoryStore::listen(std::function<void(const CommitNotice&)> listener) {
    const std::scoped_lock lock(listener_mutex_);
    listener_ = std::move(listener);
}

}  // namespace slipway::store
