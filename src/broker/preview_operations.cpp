// Dry runs of what works on things that are there already: a cancel, an adoption, and what other use cases draft.
#include <algorithm>
#include <ranges>

#include "broker/access.h"
#include "broker/orders.h"
#include "broker/previewing.h"

namespace slipway {
namespace {

// What is undone by removing what it is about.
bool makes_or_gives(OperationKind kind) { return kind == OperationKind::provision || kind == OperationKind::claim; }

// What was begun and is to be undone, the last one first. Nothing where nobody has begun.
std::vector<PlannedStep> undoing(const Operation& operation, const Resource& resource) {
    const auto removal = [&] {
        return PlannedStep{StepKind::remove,
                           words_for(StepKind::remove, operation.kind, resource.kind, resource.engine)};
    };
    std::vector<PlannedStep> steps;
    for (const Step& step : operation.steps | std::views::reverse) {
        const bool begun = step.status == StepStatus::intended || step.status == StepStatus::done;
        switch (step.kind) {
            case StepKind::create:
                if (begun) steps.push_back(removal());
                break;
            case StepKind::update:
                // What was claimed goes to nobody else any more, begun or not.
                if (operation.kind == OperationKind::claim) steps.push_back(removal());
                break;
            case StepKind::change:
                if (begun) steps.push_back({StepKind::change, "go back to its former settings"});
                break;
            case StepKind::verify:
            case StepKind::restart:
            case StepKind::remove: break;
        }
    }
    return steps;
}

}  // namespace

Task<Result<Preview>> Broker::preview_operation(Resource resource, Operation operation, Commit commit) {
    Preview preview;
    preview.price_before = preview.price_after =
        price_of(parts_.catalog.find(resource.kind, resource.engine, resource.plan));
    const Status told = co_await foresee(operation, resource.kind, resource.engine, resource.plan, preview);
    if (!told) co_return fail(told.error());
    const Status outlook = co_await try_out(std::move(commit), {});
    co_return judged(std::move(preview), outlook);
}

Task<Result<Preview>> Broker::preview_cancel(CallContext context, OperationId id) {
    const auto found = co_await find_operation(context, id);
    if (!found) co_return fail(found.error());
    Preview preview;
    auto halt = co_await draft_cancel(context, id, "it was only tried");
    if (!halt) co_return judged(std::move(preview), fail(halt.error()));
    const Resource& of = halt->resource;
    preview.steps = undoing(halt->operation, of);
    preview.price_before = price_of(parts_.catalog.find(of.kind, of.engine, of.plan));
    if (makes_or_gives(halt->operation.kind)) {
        if (Status told = co_await foresee_quotas(of, -1, preview); !told) co_return fail(told.error());
    } else {
        const std::string& plan = of.former ? of.former->plan : of.plan;
        preview.price_after = price_of(parts_.catalog.find(of.kind, of.engine, plan));
    }
    const Status outlook = co_await try_out(std::move(halt->commit), {});
    co_return judged(std::move(preview), outlook);
}

Task<Result<Preview>> Broker::preview_adopt(CallContext context, AdoptRequest request) {
    request.idempotency_key.clear();
    Preview preview;
    const Status outlook = co_await foresee_adoption(context, request, preview);
    co_return judged(std::move(preview), outlook);
}

Task<Status> Broker::foresee_adoption(const CallContext& context, const AdoptRequest& request, Preview& preview) {
    const auto organization = co_await adopter(context, request);
    if (!organization) co_return fail(organization.error());
    auto taking = co_await draft_adoption(context, request, *organization, {});
    if (!taking) co_return fail(taking.error());
    const Resource& of = taking->resource;
    preview.server = taking->server;
    preview.expires_at = ends_at(of);
    preview.price_after = price_of(parts_.catalog.find(of.kind, of.engine, of.plan));
    if (Status told = co_await foresee_quotas(of, 1, preview); !told) co_return told;
    if (Status told = co_await foresee(taking->operation, of.kind, of.engine, of.plan, preview); !told) {
        co_return told;
    }
    preview.steps.at(0).what = of.kind == Kind::machine ? "take it over where it is, with the login that it has"
                                                        : "take it over where it is, with new credentials";
    co_return co_await try_out(std::move(taking->commit), taking->quotas);
}

}  // namespace slipway
