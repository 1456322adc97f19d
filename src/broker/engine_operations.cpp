#include "broker/engine_operations.h"

#include <fmt/format.h>

#include "broker/access.h"
#include "domain/draft.h"

namespace slipway {

Task<Result<Resource>> EngineOperations::find_running(CallContext context, ResourceId id) const {
    auto found = co_await parts_.broker.find(std::move(context), std::move(id));
    if (!found) co_return fail(found.error());
    const bool leaving = std::holds_alternative<resource_state::Deprovisioning>(found->state) ||
                         std::holds_alternative<resource_state::Gone>(found->state);
    if (leaving) co_return no_such_resource();
    if (endpoint_of(found->state) == nullptr) {
        co_return fail(ErrorCode::conflict,
                       fmt::format("{} is {}: there is no engine yet", found->name, state_name(found->state)));
    }
    co_return found;
}

Task<Result<std::vector<Statistic>>> EngineOperations::statistics(CallContext context, ResourceId id) const {
    auto found = co_await find_running(std::move(context), std::move(id));
    if (!found) co_return fail(found.error());
    co_return co_await parts_.engines.statistics(std::move(*found), limit_);
}

Task<Status> EngineOperations::flush(CallContext context, ResourceId id) const {
    auto found = co_await find_running(context, std::move(id));
    if (!found) co_return fail(found.error());
    if (!may_change(context.caller, *found)) co_return fail(ErrorCode::forbidden, "this key may only read");
    Commit commit;
    commit.events.push_back(draft_event(*found, context.cause(), parts_.clock.now(), "resource.flush_requested",
                                        fmt::format("{} was asked to forget everything", found->name)));
    if (const auto noted = co_await parts_.store.commit(std::move(commit)); !noted) co_return fail(noted.error());
    co_return co_await parts_.engines.flush(std::move(*found), limit_);
}

}  // namespace slipway
