#include <fmt/format.h>

#include "broker/access.h"
#include "broker/broker.h"
#include "broker/check.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr int kTries = 16;
constexpr std::string_view kBillingTag = "billingcode";  // the tag's name in the Redis contract

}  // namespace

Task<Result<Resource>> Broker::find(CallContext context, ResourceId id) {
    auto found = co_await parts_.store.resource(id);
    if (!found) co_return fail(found.error());
    if (!*found || !may_see(context.caller, **found)) co_return no_such_resource();
    co_return std::move(**found);
}

Task<Result<Resource>> Broker::find_by_name(CallContext context, Kind kind, std::string engine, std::string name) {
    ResourceFilter filter;
    filter.kind = kind;
    filter.engine = std::move(engine);
    filter.name = std::move(name);
    if (context.caller.role != Role::administrator) filter.organization = context.caller.organization;
    auto page = co_await parts_.store.resources(std::move(filter), {"", 2});
    if (!page) co_return fail(page.error());
    if (page->items.empty()) co_return no_such_resource();
    co_return std::move(page->items[0]);
}

Task<Result<Page<Resource>>> Broker::list(CallContext context, ResourceFilter filter, PageRequest page) {
    if (context.caller.role != Role::administrator) filter.organization = context.caller.organization;
    co_return co_await parts_.store.resources(std::move(filter), std::move(page));
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
    if (context.caller.role != Role::administrator) filter.organization = context.caller.organization;
    co_return co_await parts_.store.operations(std::move(filter), std::move(page));
}

Task<Result<std::vector<Event>>> Broker::timeline(CallContext context, ResourceId id, std::uint64_t after,
                                                  std::uint32_t limit) {
    const auto resource = co_await find(std::move(context), id);
    if (!resource) co_return fail(resource.error());
    co_return co_await parts_.store.events(after, id, limit);
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
        if (!may_change(context.caller, *found)) co_return fail(ErrorCode::forbidden, "this key may only read");
        if (std::holds_alternative<resource_state::Gone>(found->state)) co_return no_such_resource();
        if (billing) {
            found->billing_code = value;
        } else {
            found->labels[name] = value;
        }
        if (found->labels.size() > 32) co_return fail(ErrorCode::invalid_argument, "at most 32 tags are kept");
        const TimePoint now = parts_.clock.now();
        found->updated_at = now;
        Commit commit;
        commit.events.push_back(draft_event(*found, {context.caller.actor, context.request_id}, now,
                                            "resource.tagged", fmt::format("tag {} was set", name)));
        commit.writes.emplace_back(write::PutResource{std::move(*found)});
        auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) co_return std::move(committed->resources.at(0));
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

}  // namespace slipway
