#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/broker.h"
#include "broker/check.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr int kTries = 16;
constexpr std::string_view kIdPrefix = "res_";
// Of a listing by a selector: one page looks at no more resources than this, and reads no fewer at once.
constexpr std::uint32_t kMostLookedAt = 10'000;
constexpr std::uint32_t kLeastLookedAt = 100;
constexpr std::string_view kBillingTag = "billingcode";  // the tag's name in the Redis contract

}  // namespace

Task<Result<Resource>> Broker::find(CallContext context, ResourceId id) {
    auto found = co_await parts_.store.resource(id);
    if (!found) co_return fail(found.error());
    if (!*found || !may_see(context.caller, **found)) co_return no_such_resource();
    co_return std::move(**found);
}

// The one that a name means: of several the caller's own, since names are free in every organization anew.
Task<Result<Resource>> Broker::the_one(const CallContext& context, ResourceFilter filter) {
    const bool everywhere = context.caller.role == Role::administrator;
    filter.organization = context.caller.organization;
    auto page = co_await parts_.store.resources(filter, {"", 2});
    if (page && page->items.empty() && everywhere) {
        filter.organization.reset();
        page = co_await parts_.store.resources(std::move(filter), {"", 2});
    }
    if (!page) co_return fail(page.error());
    if (page->items.empty()) co_return no_such_resource();
    if (page->items.size() > 1) co_return fail(ErrorCode::conflict, "several resources have this name; use an id");
    co_return std::move(page->items[0]);
}

Task<Result<std::optional<Resource>>> Broker::by_external_name(CallContext context, std::string name) {
    std::set<std::string_view> providers;
    for (const Plan& plan : parts_.catalog.plans()) providers.insert(plan.provider);
    for (const std::string_view provider : providers) {
        auto found = co_await parts_.store.resource_by_external_name(std::string(provider), name);
        if (!found) co_return fail(found.error());
        if (!*found || !may_see(context.caller, **found)) continue;
        if (std::holds_alternative<resource_state::Gone>((*found)->state)) continue;
        co_return std::move(*found);
    }
    co_return std::optional<Resource>();
}

Task<Result<Resource>> Broker::find_by_name(CallContext context, Kind kind, std::string engine, std::string name) {
    ResourceFilter filter;
    filter.kind = kind;
    filter.engine = engine;
    filter.name = name;
    auto found = co_await the_one(context, std::move(filter));
    if (found || found.error().code != ErrorCode::not_found) co_return found;
    auto external = co_await by_external_name(context, std::move(name));
    if (!external) co_return fail(external.error());
    if (!*external || (*external)->kind != kind || (*external)->engine != engine) co_return no_such_resource();
    co_return std::move(**external);
}

Task<Result<Resource>> Broker::find_named(CallContext context, std::string id_or_name) {
    if (id_or_name.starts_with(kIdPrefix)) co_return co_await find(context, ResourceId(std::move(id_or_name)));
    ResourceFilter filter;
    filter.name = id_or_name;
    auto found = co_await the_one(context, std::move(filter));
    if (found || found.error().code != ErrorCode::not_found) co_return found;
    auto external = co_await by_external_name(context, std::move(id_or_name));
    if (!external) co_return fail(external.error());
    if (!*external) co_return no_such_resource();
    co_return std::move(**external);
}

Task<Result<Page<Resource>>> Broker::list(CallContext context, ResourceFilter filter, PageRequest page) {
    auto scope = scope_for(context.caller, std::move(filter.organization));
    if (!scope) co_return fail(scope.error());
    filter.organization = std::move(*scope);
    co_return co_await parts_.store.resources(std::move(filter), std::move(page));
}

// Equalities are the store's to find; what is left of the selector is looked at here, page by page.
Task<Result<Page<Resource>>> Broker::list(CallContext context, ResourceFilter filter, LabelSelector selector,
                                          PageRequest page) {
    std::erase_if(selector.requirements, [&](LabelRequirement& each) {
        if (each.op != LabelRequirement::Operator::in || each.values.size() != 1) return false;
        filter.labels.emplace_back(std::move(each.key), std::move(each.values[0]));
        return true;
    });
    Page<Resource> found;
    const std::uint32_t wanted = page.limit;
    for (std::uint32_t looked_at = 0; looked_at < kMostLookedAt;) {
        page.limit = wanted - static_cast<std::uint32_t>(found.items.size());
        if (!selector.requirements.empty()) page.limit = std::max(page.limit, std::min(wanted, kLeastLookedAt));
        auto part = co_await list(context, filter, page);
        if (!part) co_return fail(part.error());
        looked_at += std::max<std::uint32_t>(1, static_cast<std::uint32_t>(part->items.size()));
        for (Resource& each : part->items) {
            if (!matches(selector, each.labels)) continue;
            if (found.items.size() == wanted) {  // the rest is for the next page
                found.next = found.items.back().id.str();
                co_return found;
            }
            found.items.push_back(std::move(each));
        }
        page.after = found.next = part->next;
        if (found.next.empty() || found.items.size() == wanted) break;
    }
    co_return found;
}

Task<Result<std::vector<PlanView>>> Broker::plans(CallContext /*context*/) {
    const auto levels = co_await parts_.store.pool_levels();
    if (!levels) co_return fail(levels.error());
    std::vector<PlanView> views;
    for (const Plan& plan : parts_.catalog.plans()) {
        PlanView view;
        view.plan = &plan;
        const auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
        if (!traits) view.available = fail(traits.error());
        for (const PoolLevel& level : *levels) {
            if (level.kind != plan.kind || level.engine != plan.engine || level.plan != plan.name) continue;
            view.ready = level.ready;
            view.coming = level.coming;
        }
        views.push_back(std::move(view));
    }
    co_return views;
}

Task<Result<OperationView>> Broker::find_operation(CallContext context, OperationId id) {
    auto found = co_await parts_.store.operation(id);
    if (!found) co_return fail(found.error());
    if (!*found) co_return no_such_operation();
    auto resource = co_await parts_.store.resource((*found)->resource);
    if (!resource) co_return fail(resource.error());
    if (!*resource || !may_see(context.caller, **resource)) co_return no_such_operation();
    co_return OperationView{std::move(**found), std::move(*resource)};
}

Task<Result<Page<Operation>>> Broker::list_operations(CallContext context, OperationFilter filter,
                                                      PageRequest page) {
    auto scope = scope_for(context.caller, std::move(filter.organization));
    if (!scope) co_return fail(scope.error());
    filter.organization = std::move(*scope);
    co_return co_await parts_.store.operations(std::move(filter), std::move(page));
}

Task<Result<Resource>> Broker::tag(CallContext context, ResourceId id, std::string name, std::string value) {
    const bool billing = name == kBillingTag;
    if (!valid_label_key(name)) {
        co_return fail({ErrorCode::invalid_argument,
                        "name must be 1 to 63 of A-Z a-z 0-9 . _ - / :",
                        "",
                        {{"name", "must be 1 to 63 of A-Z a-z 0-9 . _ - / :"}}});
    }
    if (billing ? !valid_billing_code(value) : !valid_label_value(value)) {
        const std::string rule = billing ? "must be 1 to 128 bytes without control characters"
                                         : "must be at most 255 bytes without control characters";
        co_return fail({ErrorCode::invalid_argument, "value " + rule, "", {{"value", rule}}});
    }
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await find(context, id);
        if (!found) co_return fail(found.error());
        if (!may_change(context.caller, *found)) co_return fail(only_reading());
        if (std::holds_alternative<resource_state::Gone>(found->state)) co_return no_such_resource();
        if (billing) {
            found->billing_code = value;
        } else {
            found->labels[name] = value;
        }
        if (found->labels.size() > kMaxLabels) {
            co_return fail(ErrorCode::invalid_argument, fmt::format("at most {} tags are kept", kMaxLabels));
        }
        const TimePoint now = parts_.clock.now();
        found->updated_at = now;
        Commit commit;
        commit.events.push_back(
            draft_event(*found, context.cause(), now, "resource.tagged", fmt::format("tag {} was set", name)));
        commit.writes.emplace_back(write::PutResource{std::move(*found)});
        auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) co_return std::move(committed->resources.at(0));
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

}  // namespace slipway
