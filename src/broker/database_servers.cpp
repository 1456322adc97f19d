#include "broker/database_servers.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/administration.h"
#include "broker/check.h"

namespace slipway {
namespace {

constexpr Kind kServers = Kind::database_server;
constexpr std::uint64_t kDefaultThreshold = 50;

OrganizationId owner() { return OrganizationId(kSystemOrganization); }

ResourceFilter shared_servers() {
    ResourceFilter filter;
    filter.organization = owner();
    filter.kind = kServers;
    filter.pooled = false;
    return filter;
}

std::unexpected<Error> no_such_server() { return fail(ErrorCode::not_found, "there is no such server"); }

}  // namespace

std::uint64_t threshold_of(const Catalog& catalog, std::string_view engine) {
    std::optional<std::uint64_t> threshold;
    for (const Plan& plan : catalog.plans()) {
        if (plan.kind != Kind::database || plan.engine != engine || !plan.placement) continue;
        threshold = std::max(threshold.value_or(0), plan.placement->threshold);
    }
    return threshold.value_or(kDefaultThreshold);
}

const HostLoad* current_of(const HostsView& hosts) {
    if (hosts.loads.empty()) return nullptr;
    const auto recorded = std::ranges::find(hosts.loads, hosts.book.current, &HostLoad::host);
    return recorded != hosts.loads.end() ? &*recorded : &hosts.loads.back();
}

struct SharedServers::Standing {
    HostsView hosts;
    std::uint64_t threshold = kDefaultThreshold;
    std::optional<ResourceId> good;  // has room: the named one, else the current one

    [[nodiscard]] bool has_room(const HostLoad& load) const { return load.placed <= threshold; }
};

Task<Result<ServerAnswer>> SharedServers::answer(Resource server, bool created) {
    ServerAnswer answer{std::move(server), std::nullopt, created};
    if (const OperationId active = active_operation(answer.server.state); !active.empty()) {
        auto operation = co_await parts_.store.operation(active);
        if (!operation) co_return fail(operation.error());
        answer.operation = std::move(*operation);
    }
    co_return answer;
}

Task<Result<Resource>> SharedServers::named(const std::string& name) {
    ResourceFilter filter = shared_servers();
    filter.name = name;
    auto found = co_await parts_.store.resources(filter, {"", 1});
    if (!found) co_return fail(found.error());
    if (found->items.empty()) co_return no_such_server();
    co_return std::move(found->items[0]);
}

Task<Result<SharedServers::Standing>> SharedServers::standing(const ServerRequest& request) {
    Standing now;
    auto hosts = co_await read_hosts(parts_.store, kServers, request.engine);
    if (!hosts) co_return fail(hosts.error());
    now.hosts = std::move(*hosts);
    now.threshold = threshold_of(parts_.catalog, request.engine);
    if (request.current_name) {
        const auto server = co_await named(*request.current_name);
        if (!server) co_return fail(server.error());
        if (server->engine != request.engine) co_return no_such_server();
        const auto load = std::ranges::find(now.hosts.loads, server->id, &HostLoad::host);
        if (load != now.hosts.loads.end() && now.has_room(*load)) now.good = server->id;
    }
    const HostLoad* current = current_of(now.hosts);
    if (!now.good && current != nullptr && now.has_room(*current)) now.good = current->host;
    co_return now;
}

Task<Result<ServerAnswer>> SharedServers::ensure(CallContext context, ServerRequest request) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    if (request.name.empty()) co_return fail(status_of({{"name", "is required"}}).error());
    for (int tries = 0; tries < kPlacingTries; ++tries) {
        auto now = co_await standing(request);
        if (!now) co_return fail(now.error());
        if (now->good) {
            auto server = co_await parts_.store.resource(*now->good);
            if (!server) co_return fail(server.error());
            if (!*server) co_return no_such_server();
            co_return co_await answer(std::move(**server), false);
        }
        ProvisionRequest wanted;
        wanted.face = request.face;
        wanted.kind = kServers;
        wanted.engine = request.engine;
        wanted.plan = request.plan;
        wanted.billing_code = request.billing_code.empty() ? kSharedBillingCode : request.billing_code;
        wanted.idempotency_key = request.idempotency_key;
        wanted.name = request.name;
        wanted.organization = owner();
        wanted.parameters = request.parameters;
        // What was read of the current one must still hold; others may have room, for the caller does not ask them.
        const auto record = [&now](Commit& commit, const ResourceId& made) {
            const HostsView& hosts = now->hosts;
            HostBook book = hosts.book;
            book.current = made;
            std::vector<Precondition> first{precondition::SettingIs{hosts.key, hosts.setting}};
            if (const HostLoad* current = current_of(hosts)) {
                first.emplace_back(precondition::PlacesFull{current->host, places_of(now->threshold)});
            }
            // Who lost the race is told that, not that the name is taken.
            const auto after_key = std::ranges::find_if(commit.preconditions, [](const Precondition& each) {
                return !std::holds_alternative<precondition::IdempotencyKeyFree>(each);
            });
            commit.preconditions.insert(after_key, first.begin(), first.end());
            commit.writes.emplace_back(write::PutSetting{hosts.key, text_of(book)});
        };
        auto accepted = co_await parts_.broker.provision_with(context, std::move(wanted), record);
        if (accepted) co_return co_await answer(std::move(accepted->resource), true);
        if (accepted.error().code != ErrorCode::precondition_failed) co_return fail(accepted.error());
    }
    co_return fail(ErrorCode::unavailable, "too many ask for a server at once; try again");
}

Task<Result<ServerAnswer>> SharedServers::current(CallContext context, std::string engine) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    const auto hosts = co_await read_hosts(parts_.store, kServers, std::move(engine));
    if (!hosts) co_return fail(hosts.error());
    const HostLoad* load = current_of(*hosts);
    if (load == nullptr) co_return no_such_server();
    auto server = co_await parts_.store.resource(load->host);
    if (!server) co_return fail(server.error());
    if (!*server) co_return no_such_server();
    co_return co_await answer(std::move(**server), false);
}

Task<Result<ServerAnswer>> SharedServers::find(CallContext context, std::string name) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    auto server = co_await named(name);
    if (!server) co_return fail(server.error());
    co_return co_await answer(std::move(*server), false);
}

Task<Result<Page<Resource>>> SharedServers::list(CallContext context, PageRequest page) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    co_return co_await parts_.store.resources(shared_servers(), std::move(page));
}

Task<Result<ServerAnswer>> SharedServers::remove(CallContext context, std::string name) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    const auto server = co_await named(name);
    if (!server) co_return fail(server.error());
    auto removed = co_await parts_.broker.deprovision(context, server->id);
    if (!removed) co_return fail(removed.error());
    co_return ServerAnswer{std::move(removed->resource), std::move(removed->operation), false};
}

// Broker::password shows nobody's password but to its owner; these are the system's.
Task<Result<std::optional<Secret>>> SharedServers::password(CallContext context, const Resource& server) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    if (server.kind != kServers || server.organization != owner()) co_return no_such_server();
    const auto sealed = server.secrets.find("password");
    if (sealed == server.secrets.end()) co_return std::optional<Secret>();
    auto opened = parts_.sealer.open(sealed->second, secret_context(server.id, "password"));
    if (!opened) co_return fail(opened.error());
    co_return std::optional<Secret>(std::move(*opened));
}

Task<Result<std::uint64_t>> SharedServers::serves(CallContext context, const Resource& server) {
    if (Status may = Administration::only_administrators(context); !may) co_return fail(may.error());
    const auto loads = co_await parts_.store.host_loads(owner(), kServers, server.engine);
    if (!loads) co_return fail(loads.error());
    const auto load = std::ranges::find(*loads, server.id, &HostLoad::host);
    co_return load != loads->end() ? load->placed : 0;
}

}  // namespace slipway
