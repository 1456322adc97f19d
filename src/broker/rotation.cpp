#include "broker/rotation.h"

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/previewing.h"

namespace slipway {
namespace {

// Each loss follows a change of the same resource by somebody else.
constexpr int kTries = 16;

Commit commit_of(RotationDraft draft) {
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(draft.resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(draft.operation), std::nullopt});
    commit.events.push_back(std::move(draft.event));
    return commit;
}

std::unexpected<Error> keeps_changing() { return fail(ErrorCode::conflict, "it keeps changing; try again"); }

}  // namespace

Task<Result<Resource>> Rotations::rotatable(const CallContext& context, const ResourceId& id) const {
    auto found = co_await parts_.store.resource(id);
    if (!found) co_return fail(found.error());
    if (!*found || !may_see(context.caller, **found)) co_return no_such_resource();
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    // Nor does an administrator change what another organization's programs log in with.
    if (context.caller.organization != (*found)->organization) {
        co_return fail(ErrorCode::forbidden, "only its owner changes the password");
    }
    if (std::holds_alternative<resource_state::Gone>((*found)->state)) co_return no_such_resource();
    if (const auto never = never_rotated(**found)) co_return fail(ErrorCode::conflict, never->why);
    co_return std::move(**found);
}

RotationTerms Rotations::terms(const CallContext& context) const {
    return {context.cause(), parts_.clock.now(), options_.time_limit, options_.grace};
}

Task<Result<std::optional<Accepted>>> Rotations::commit(RotationDraft draft) const {
    auto answer = co_await parts_.store.commit(commit_of(std::move(draft)));
    if (!answer) co_return fail(answer.error());
    auto* committed = std::get_if<Committed>(&*answer);
    if (committed == nullptr) co_return std::optional<Accepted>();
    co_return Accepted{std::move(committed->resources.at(0)), std::move(committed->operations.at(0)), false};
}

Task<Result<Accepted>> Rotations::begin(CallContext context, ResourceId id) const {
    for (int tries = 0; tries < kTries; ++tries) {
        const auto found = co_await rotatable(context, id);
        if (!found) co_return fail(found.error());
        auto draft = draft_rotation(*found, terms(context), parts_.random, parts_.sealer);
        if (!draft) co_return fail(ErrorCode::conflict, draft.error().why);
        auto accepted = co_await commit(std::move(*draft));
        if (!accepted) co_return fail(accepted.error());
        if (*accepted) co_return std::move(**accepted);
    }
    co_return keeps_changing();
}

Task<Result<Accepted>> Rotations::confirm(CallContext context, ResourceId id) const {
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await rotatable(context, id);
        if (!found) co_return fail(found.error());
        if (!rotation_in(found->parameters).keep_former) {
            Accepted accepted{std::move(*found), std::nullopt, false};
            if (is_rotating(accepted.resource)) {
                auto operation = co_await parts_.store.operation(active_operation(accepted.resource.state));
                if (!operation) co_return fail(operation.error());
                accepted.operation = std::move(*operation);
            }
            co_return accepted;
        }
        auto draft = draft_confirmation(*found, terms(context), "the new password is in use", parts_.random);
        if (!draft) co_return fail(ErrorCode::conflict, draft.error().why);
        auto accepted = co_await commit(std::move(*draft));
        if (!accepted) co_return fail(accepted.error());
        if (*accepted) co_return std::move(**accepted);
    }
    co_return keeps_changing();
}

Task<Result<Preview>> Rotations::preview(Broker& broker, CallContext context, ResourceId id, bool confirms) const {
    auto found = co_await rotatable(context, id);
    if (!found) co_return refused_preview(found.error());
    if (confirms && !rotation_in(found->parameters).keep_former) {  // nothing is to be confirmed
        Preview nothing;
        nothing.price_before = nothing.price_after =
            price_of(broker.catalog().find(found->kind, found->engine, found->plan));
        co_return nothing;
    }
    auto draft = confirms ? draft_confirmation(*found, terms(context), "the new password is in use", parts_.random)
                          : draft_rotation(*found, terms(context), parts_.random, parts_.sealer);
    if (!draft) co_return refused_preview(Error{ErrorCode::conflict, draft.error().why, "", {}});
    Operation operation = draft->operation;
    auto preview =
        co_await broker.preview_operation(std::move(*found), std::move(operation), commit_of(std::move(*draft)));
    if (!preview) co_return fail(preview.error());
    for (PlannedStep& step : preview->steps) {
        if (step.kind != StepKind::change) continue;
        step.what = confirms ? "end the former password"
                             : "give it a new password; the former one stays good until the new one is confirmed";
    }
    co_return preview;
}

}  // namespace slipway
