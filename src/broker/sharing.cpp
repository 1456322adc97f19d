// What is shared, for those who look at resources: where a database lives, and what a server serves.
#include <algorithm>
#include <map>

#include "broker/access.h"
#include "broker/broker.h"
#include "broker/database_servers.h"

namespace slipway {
namespace {

constexpr std::string_view kIdPrefix = "res_";
constexpr std::size_t kMostNamed = 3;  // of those that are in the way of a removal

OrganizationId everybody() { return OrganizationId(kSystemOrganization); }

bool is_shared_server(const Resource& resource) {
    return resource.kind == Kind::database_server && resource.organization == everybody() && !resource.pooled;
}

}  // namespace

// Who holds a place on it, one by one.
Task<Result<Broker::Served>> Broker::served_by(const ResourceId& host) {
    Served served;
    ResourceFilter on_it;
    on_it.placed_on = host;
    PageRequest from{"", 1000};
    do {
        auto page = co_await parts_.store.resources(on_it, from);
        if (!page) co_return fail(page.error());
        for (Resource& each : page->items) {
            if (!holds_place(each)) continue;
            served.live += 1;
            if (served.first.size() < kMostNamed) served.first.push_back(std::move(each));
        }
        from.after = page->next;
    } while (!from.after.empty());
    co_return served;
}

// One question for each server that they live on, and for each engine of the servers, however many they are.
Task<Result<std::vector<Sharing>>> Broker::sharing(CallContext context, std::span<const Resource> resources) {
    std::map<ResourceId, std::string> names;
    std::map<std::string, HostsView> hosts;
    std::vector<Sharing> all(resources.size());
    for (std::size_t i = 0; i < resources.size(); ++i) {
        const Resource& each = resources[i];
        if (!each.placed_on.empty()) {
            const auto [known, anew] = names.try_emplace(each.placed_on);
            if (anew) {
                const auto server = co_await parts_.store.resource(each.placed_on);
                if (!server) co_return fail(server.error());
                if (*server) known->second = (*server)->name;
            }
            all[i].server = known->second;
        }
        if (!is_shared_server(each) || context.caller.role != Role::administrator) continue;
        const auto [view, anew] = hosts.try_emplace(each.engine);
        if (anew) {
            auto read = co_await read_hosts(parts_.store, each.kind, each.engine);
            if (!read) co_return fail(read.error());
            view->second = std::move(*read);
        }
        all[i].places = places_of(threshold_of(parts_.catalog, each.engine));
        const HostLoad* current = current_of(view->second);
        all[i].current = current != nullptr && current->host == each.id;
        const auto load = std::ranges::find(view->second.loads, each.id, &HostLoad::host);
        if (load != view->second.loads.end()) {
            all[i].serves = load->placed;
            continue;
        }
        // It takes no new ones, but may serve those that it has.
        const auto served = co_await served_by(each.id);
        if (!served) co_return fail(served.error());
        all[i].serves = served->live;
    }
    co_return all;
}

Task<Result<std::optional<ResourceId>>> Broker::shared_server(std::string id_or_name) {
    if (id_or_name.starts_with(kIdPrefix)) co_return ResourceId(std::move(id_or_name));
    ResourceFilter filter;
    filter.organization = everybody();
    filter.kind = Kind::database_server;
    filter.name = std::move(id_or_name);
    filter.pooled = false;
    const auto found = co_await parts_.store.resources(std::move(filter), {"", 1});
    if (!found) co_return fail(found.error());
    if (found->items.empty()) co_return std::optional<ResourceId>();
    co_return found->items[0].id;
}

}  // namespace slipway
