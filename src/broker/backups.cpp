#include "broker/backups.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/check.h"
#include "domain/rotation.h"

namespace slipway {
namespace {

constexpr std::size_t kMostListed = 1000;

bool there(const Resource& backup) {
    return !std::holds_alternative<resource_state::Gone>(backup.state) &&
           !std::holds_alternative<resource_state::Deprovisioning>(backup.state);
}

bool may_look(const CallContext& context, const OrganizationId& organization) {
    return context.caller.organization == organization || context.caller.role == Role::administrator;
}

ResourceFilter backups_of(OrganizationId organization) {
    ResourceFilter filter;
    filter.organization = std::move(organization);
    filter.kind = Kind::backup;
    filter.pooled = false;
    return filter;
}

std::unexpected<Error> no_such_backup() { return fail(ErrorCode::not_found, "there is no such backup"); }

}  // namespace

BackupSource source_of(const Resource& backup) {
    return {ResourceId(json::get_string(backup.own_parameters, "source")),
            json::get_string(backup.own_parameters, "source_name"),
            json::get_string(backup.own_parameters, "database")};
}

void fill_from(const Resource& backup, ProvisionRequest& request) {
    request.parameters["restore_from"] = backup.id.str();
    request.parameters["restore_file"] = backup.external_name;
    request.time_limit = kBackupLimit;
    request.made_anew = true;
    request.origin = fmt::format("it is filled from backup {} of {}, taken at {}", backup.name,
                                 source_of(backup).name, format_time(backup.created_at));
}

Task<Result<ProvisionRequest>> Backups::wanted(const CallContext& context, ResourceId database,
                                               BackupRequest request) {
    const auto found = co_await broker_.find(context, std::move(database));
    if (!found) co_return fail(found.error());
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    if (found->kind != Kind::database) {
        co_return fail(ErrorCode::invalid_argument, fmt::format("only databases have backups, and {} is a {}",
                                                                found->name, to_string(found->kind)));
    }
    if (!std::holds_alternative<resource_state::Ready>(found->state)) {
        co_return fail(ErrorCode::conflict, fmt::format("it is {}: a backup is made of a database that is ready",
                                                        state_name(found->state)));
    }
    const auto plans = broker_.catalog().of(Kind::backup, found->engine);
    if (plans.empty()) {
        co_return fail(
            ErrorCode::unavailable,
            fmt::format("no backups are offered of {}: no plan of kind backup is configured", found->engine));
    }
    ProvisionRequest wanted;
    wanted.face = std::move(request.face);
    wanted.kind = Kind::backup;
    wanted.engine = found->engine;
    wanted.plan = request.plan.empty() ? plans.front()->name : request.plan;
    wanted.billing_code = request.billing_code.empty() ? found->billing_code : request.billing_code;
    wanted.idempotency_key = std::move(request.idempotency_key);
    wanted.name = std::move(request.name);
    wanted.organization = found->organization;
    wanted.parameters = {
        {"source", found->id.str()}, {"source_name", found->name}, {"database", database_name_of(*found)}};
    wanted.time_limit = kBackupLimit;
    co_return wanted;
}

Task<Result<Accepted>> Backups::create(CallContext context, ResourceId database, BackupRequest request) {
    auto wish = co_await wanted(context, std::move(database), std::move(request));
    if (!wish) co_return fail(wish.error());
    co_return co_await broker_.provision(std::move(context), std::move(*wish));
}

Task<Result<Preview>> Backups::preview(CallContext context, ResourceId database, BackupRequest request) {
    auto wish = co_await wanted(context, std::move(database), std::move(request));
    if (!wish) co_return refused_preview(wish.error());
    co_return co_await broker_.preview_provision(std::move(context), std::move(*wish));
}

Task<Result<std::vector<Resource>>> Backups::list(CallContext context, OrganizationId organization, Of of) {
    if (!may_look(context, organization)) co_return fail(no_such_organization());
    const ResourceFilter filter = backups_of(std::move(organization));
    std::vector<Resource> found;
    PageRequest from{"", 1000};
    do {
        auto page = co_await broker_.list(context, filter, from);
        if (!page) co_return fail(page.error());
        for (Resource& each : page->items) {
            const BackupSource source = source_of(each);
            const bool wanted = there(each) && (!of.database_name || source.database_name == *of.database_name) &&
                                (!of.database || source.database == *of.database);
            if (wanted) found.push_back(std::move(each));
        }
        from.after = page->next;
    } while (!from.after.empty());
    // The newest first.
    std::ranges::sort(found, [](const Resource& one, const Resource& other) {
        return std::pair(one.created_at, one.id) > std::pair(other.created_at, other.id);
    });
    if (found.size() > kMostListed) found.resize(kMostListed);
    co_return found;
}

Task<Result<Page<Resource>>> Backups::page(CallContext context, OrganizationId organization, PageRequest page) {
    if (!may_look(context, organization)) co_return fail(no_such_organization());
    auto found = co_await broker_.list(std::move(context), backups_of(std::move(organization)), std::move(page));
    if (found) std::erase_if(found->items, [](const Resource& each) { return !there(each); });
    co_return found;
}

// The store is asked for this one, not for the newest: the oldest is what somebody in need looks for.
Task<Result<Resource>> Backups::find(CallContext context, OrganizationId organization, std::string id_or_name) {
    if (!may_look(context, organization)) co_return fail(no_such_organization());
    const auto is_one = [&](const Resource& each) {
        return each.kind == Kind::backup && each.organization == organization && !each.pooled && there(each);
    };
    auto by_id = co_await broker_.find(context, ResourceId(id_or_name));
    if (by_id && is_one(*by_id)) co_return by_id;
    if (!by_id && by_id.error().code != ErrorCode::not_found) co_return fail(by_id.error());
    ResourceFilter filter = backups_of(organization);
    filter.name = id_or_name;
    auto by_name = co_await broker_.list(context, filter, {"", 1});
    if (!by_name) co_return fail(by_name.error());
    if (!by_name->items.empty() && is_one(by_name->items[0])) co_return std::move(by_name->items[0]);
    auto external = co_await broker_.by_external_name(std::move(context), std::move(id_or_name));
    if (!external) co_return fail(external.error());
    if (*external && is_one(**external)) co_return std::move(**external);
    co_return no_such_backup();
}

Task<Result<Resource>> Backups::find_of(CallContext context, OrganizationId organization, std::string database_name,
                                        std::string id_or_name) {
    auto found = co_await find(std::move(context), std::move(organization), std::move(id_or_name));
    if (found && source_of(*found).database_name != database_name) co_return no_such_backup();
    co_return found;
}

Task<Result<Resource>> Backups::to_restore(CallContext context, OrganizationId organization,
                                           std::string id_or_name) {
    if (!may_look(context, organization)) co_return fail(no_such_organization());
    auto found = co_await find(std::move(context), std::move(organization), id_or_name);
    if (!found && found.error().code != ErrorCode::not_found) co_return fail(found.error());
    if (!found) {
        co_return fail(status_of({{"restore_from", "names no backup of this organization"}}).error());
    }
    if (!std::holds_alternative<resource_state::Ready>(found->state)) {
        co_return fail(
            status_of({{"restore_from", fmt::format("names a backup that is {}", state_name(found->state))}})
                .error());
    }
    co_return found;
}

}  // namespace slipway
