#include "store_conformance.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "store/codec.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::conformance {

namespace {

class MemoryBackend final : public Backend {
  public:
    explicit MemoryBackend(const Clock& clock) : store_(clock) {}
    Store& store() override { return store_; }

  private:
    store::MemoryStore store_;
};

class SqliteBackend final : public Backend {
  public:
    explicit SqliteBackend(const Clock& clock) {
        // So few that some rows come from memory and some from the database.
        store::SqliteOptions options;
        options.recent_rows = 3;
        auto opened = store::SqliteStore::open(directory_.path() / "data", clock, random_, std::move(options));
        if (!opened) throw std::runtime_error(opened.error().message + ": " + opened.error().detail);
        store_ = std::move(*opened);
    }
    Store& store() override { return *store_; }

  private:
    TemporaryDirectory directory_;
    SeededRandom random_{1};
    std::unique_ptr<store::SqliteStore> store_;
};

template <class Row, class Read>
std::string dump_pages(Read read) {
    std::string out;
    PageRequest page{"", 1000};
    do {
        const auto answer = run(read(page));
        if (!answer) return out + answer.error().message;
        for (const Row& row : answer->items) {
            out += fmt::format("{} v{}", store::encode(row), row.version);
            if constexpr (std::same_as<Row, Operation>) out += " blocked by " + row.blocked_by.str();
            out += '\n';
        }
        page.after = answer->next;
    } while (!page.after.empty());
    return out;
}

const std::vector<OrganizationId>& organizations() {
    static const std::vector<OrganizationId> all{OrganizationId("acme"), OrganizationId("org-0"),
                                                 OrganizationId("org-1"), OrganizationId("org-2"),
                                                 OrganizationId("quiet")};
    return all;
}

std::string words(const std::optional<TimePoint>& time) {
    return time ? std::to_string(to_micros(*time)) : "never";
}

std::string dump_access(Store& store) {
    std::string out;
    for (const ApiKey& key : run(store.api_keys(std::nullopt, {"", 1000})).value().items) {
        out += fmt::format("key {} {} {} {} {} {} {} {}\n", key.id.str(), key.hash, key.organization.str(),
                           to_string(key.role), key.description, to_micros(key.created_at), words(key.revoked_at),
                           words(key.expires_at));
    }
    for (const Organization& one : run(store.organizations({"", 1000})).value().items) {
        out += fmt::format("organization {} {} {}\n", one.id.str(), one.title, to_micros(one.created_at));
    }
    for (const OrganizationId& organization : organizations()) {
        if (const auto one = run(store.organization(organization)).value()) {
            out += fmt::format("{} deleted {}\n", one->id.str(), words(one->deleted_at));
        }
        for (const Quota& quota : run(store.quotas(organization)).value()) {
            out += fmt::format("quota {} {} {}/{} {}\n", organization.str(),
                               quota.kind ? to_string(*quota.kind) : "all", quota.engine, quota.plan, quota.limit);
        }
    }
    for (const Webhook& webhook : run(store.webhooks()).value()) {
        out += fmt::format("webhook v{} {}\n", webhook.version, store::encode(webhook));
    }
    return out;
}

std::string dump_placement(Store& store) {
    std::string out;
    for (const OrganizationId& organization : organizations()) {
        for (const Kind kind : {Kind::cache, Kind::database_server}) {
            for (const HostLoad& load : run(store.host_loads(organization, kind, "redis")).value()) {
                out += fmt::format("host {} {}\n", load.host.str(), load.placed);
            }
        }
        PageRequest page{"", 3};
        do {
            const auto clusters = run(store.clusters(organization, page)).value();
            for (const Cluster& each : clusters.items) {
                out += fmt::format("cluster {} {} v{} {} {} {}\n", each.organization.str(), each.name, each.version,
                                   each.slug, each.database.str(), to_micros(each.created_at));
            }
            page.after = clusters.next;
        } while (!page.after.empty());
    }
    return out;
}

std::string dump_usage(Store& store) {
    std::string out;
    for (const ResourceCount& count : run(store.resource_counts()).value()) {
        out += fmt::format("count {} {} {} {} {}\n", to_string(count.kind), count.engine, count.state, count.pooled,
                           count.resources);
    }
    for (const OrganizationId& organization : organizations()) {
        for (const LiveCount& count : run(store.live_counts(organization)).value()) {
            out += fmt::format("live {} {} {}/{} {}\n", organization.str(), to_string(count.kind), count.engine,
                               count.plan, count.live);
        }
    }
    for (const Duration length : {Duration(7s), Duration(24h)}) {
        UsageFilter filter;
        filter.from = kStart + 3s;
        filter.to = filter.from + length;
        for (const UsageRow& row : run(store.usage(filter)).value()) {
            out +=
                fmt::format("usage {} {} {} {}/{} {} {}\n", row.key.organization.str(), row.key.billing_code,
                            to_string(row.key.kind), row.key.engine, row.key.plan, row.resources, row.time.count());
        }
    }
    const DurationQuery provisions{OperationKind::provision, Kind::cache, "redis", "small"};
    for (const Duration lasted : run(store.durations(provisions)).value()) {
        out += fmt::format("lasted {}\n", lasted.count());
    }
    return out;
}

}  // namespace

BackendFactory memory_backend() {
    return {"memory", [](const Clock& clock) { return std::make_unique<MemoryBackend>(clock); }};
}
BackendFactory sqlite_backend() {
    return {"sqlite", [](const Clock& clock) { return std::make_unique<SqliteBackend>(clock); }};
}

ResourceId resource_id(int number) { return ResourceId(fmt::format("res_{:06}", number)); }
OperationId operation_id(int number) { return OperationId(fmt::format("op_{:06}", number)); }

Resource sample_resource(int number, std::string organization) {
    Resource resource;
    resource.id = resource_id(number);
    resource.name = fmt::format("cache {}", number);
    resource.engine = "redis";
    resource.plan = "small";
    resource.provider = "local";
    resource.external_name = fmt::format("slipway-{:06}", number);
    resource.organization = OrganizationId(std::move(organization));
    resource.face = "native";
    resource.billing_code = "code-1";
    resource.state = resource_state::Requested{operation_id(number)};
    resource.parameters = {{"maxmemory", 67108864}};
    resource.created_at = resource.updated_at = resource.health_at = kStart;
    return resource;
}

Operation sample_operation(int number, const Resource& resource, TimePoint run_at) {
    Operation operation;
    operation.id = operation_id(number);
    operation.resource = resource.id;
    operation.organization = resource.organization;
    operation.provider = resource.provider;
    operation.state = operation_state::Queued{};
    operation.steps = plan_steps(OperationKind::provision);
    operation.token = fmt::format("token-{}", number);
    operation.run_at = run_at;
    operation.deadline = kStart + 24h;
    operation.actor = "key_1";
    operation.created_at = operation.updated_at = kStart;
    return operation;
}

EventDraft sample_event(const Resource& resource, std::string type) {
    EventDraft event;
    event.at = kStart;
    event.type = std::move(type);
    event.message = "it happened";
    event.resource = resource.id;
    event.organization = resource.organization;
    event.actor = "key_1";
    return event;
}

Commit accept(const Resource& resource, const Operation& operation) {
    Commit commit;
    commit.writes.emplace_back(write::PutResource{resource});
    commit.writes.emplace_back(write::PutOperation{operation, std::nullopt});
    commit.events.push_back(sample_event(resource));
    return commit;
}

std::string dump(Store& store) {
    ResourceFilter all;
    all.include_gone = true;
    std::string out = dump_pages<Resource>([&](const PageRequest& page) { return store.resources(all, page); });
    for (int i = 0; i < kSampleAddresses; ++i) {
        ResourceFilter at;
        at.address = sample_address(i);
        out += "at " + *at.address + ":\n";
        out += dump_pages<Resource>([&](const PageRequest& page) { return store.resources(at, page); });
    }
    for (const TimePoint until : {kStart, kStart + 30s, TimePoint::max()}) {
        out += fmt::format("due until {}:", to_micros(until));
        for (const Resource& each : run(store.expiring(until, 7)).value()) {
            out += fmt::format(" {} at {}", each.id.str(), to_micros(each.expiry->due));
        }
        out += '\n';
    }
    out += dump_pages<Operation>([&](const PageRequest& page) { return store.operations({}, page); });
    std::uint64_t after = 0;
    while (true) {
        const auto events = run(store.events({}, after, 1000));
        if (!events || events->items.empty()) break;
        for (const Event& event : events->items) {
            out += fmt::format("{} {}\n", event.sequence, store::encode(event.body));
            after = event.sequence;
        }
    }
    for (const Orphan& orphan : run(store.orphans()).value()) {
        out += fmt::format("orphan {} {} {} {}\n", orphan.provider, orphan.external_name, orphan.kind,
                           to_micros(orphan.last_seen));
    }
    const Backlog backlog = run(store.backlog()).value();
    out += fmt::format("first due {}\n", words(backlog.first_due));
    for (const auto& [what, open] : backlog.open) {
        out += fmt::format("open {} {} {}\n", to_string(what.first), to_string(what.second), open);
    }
    out += dump_access(store);
    out += dump_usage(store);
    out += dump_placement(store);
    for (const PoolLevel& level : run(store.pool_levels()).value()) {
        out += fmt::format("pool {} {} {} ready {} coming {}\n", to_string(level.kind), level.engine, level.plan,
                           level.ready, level.coming);
    }
    return out;
}

Committed StoreConformance::must(Commit commit) {
    auto answer = run(store().commit(std::move(commit)));
    if (!answer) {
        ADD_FAILURE() << answer.error().message << ": " << answer.error().detail;
        return {};
    }
    if (const auto* rejected = std::get_if<Rejected>(&*answer)) {
        ADD_FAILURE() << "rejected: " << static_cast<int>(rejected->obstacle) << " " << rejected->subject;
        return {};
    }
    return std::get<Committed>(std::move(*answer));
}

Rejected StoreConformance::refused(Commit commit) {
    const std::string before = dump(store());
    auto answer = run(store().commit(std::move(commit)));
    EXPECT_EQ(dump(store()), before) << "a rejected commit left a trace";
    if (!answer || !std::holds_alternative<Rejected>(*answer)) {
        ADD_FAILURE() << (answer ? "it was committed" : answer.error().message);
        return {};
    }
    return std::get<Rejected>(std::move(*answer));
}

Error StoreConformance::invalid(Commit commit) {
    const std::string before = dump(store());
    auto answer = run(store().commit(std::move(commit)));
    EXPECT_EQ(dump(store()), before) << "an invalid commit left a trace";
    if (!answer) return answer.error();
    ADD_FAILURE() << "it was answered";
    return {};
}

Resource StoreConformance::put(Resource resource) {
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(resource)});
    auto committed = must(std::move(commit));
    return committed.resources.empty() ? Resource() : committed.resources[0];
}

Operation StoreConformance::put(Operation operation, std::optional<std::uint64_t> fence) {
    Commit commit;
    commit.writes.emplace_back(write::PutOperation{std::move(operation), fence});
    auto committed = must(std::move(commit));
    return committed.operations.empty() ? Operation() : committed.operations[0];
}

Resource StoreConformance::stored(const ResourceId& id) {
    auto found = run(store().resource(id));
    EXPECT_TRUE(found && *found) << id;
    return found && *found ? **found : Resource();
}

Operation StoreConformance::stored(const OperationId& id) {
    auto found = run(store().operation(id));
    EXPECT_TRUE(found && *found) << id;
    return found && *found ? **found : Operation();
}

LeaseAnswer StoreConformance::lease(std::uint32_t capacity, std::string host) {
    LeaseRequest request;
    request.host = HostId(std::move(host));
    request.duration = 30s;
    request.capacity = {{"local", capacity}};
    request.per_organization = 1000;
    return lease(std::move(request));
}

LeaseAnswer StoreConformance::lease(LeaseRequest request) {
    auto answer = run(store().lease(std::move(request)));
    EXPECT_TRUE(answer);
    return answer ? std::move(*answer) : LeaseAnswer();
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

}  // namespace slipway::conformance
