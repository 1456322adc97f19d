#include "domain/operation.h"

#include <algorithm>

#include <fmt/format.h>

#include "domain/overloaded.h"
#include "domain/words.h"

namespace slipway {

using namespace operation_state;

std::string_view state_name(const OperationState& state) {
    return std::visit(Overloaded{
                          [](const Queued&) { return "queued"; },
                          [](const Running&) { return "running"; },
                          [](const Waiting&) { return "waiting"; },
                          [](const Retrying&) { return "retrying"; },
                          [](const Succeeded&) { return "succeeded"; },
                          [](const Failed&) { return "failed"; },
                          [](const Cancelled&) { return "cancelled"; },
                      },
                      state);
}

bool is_terminal(const OperationState& state) {
    return std::holds_alternative<Succeeded>(state) || std::holds_alternative<Failed>(state) ||
           std::holds_alternative<Cancelled>(state);
}

std::vector<Step> plan_steps(OperationKind kind) {
    switch (kind) {
        case OperationKind::provision: return {Step{.kind = StepKind::create}, Step{.kind = StepKind::verify}};
        case OperationKind::deprovision: return {Step{.kind = StepKind::remove}};
        case OperationKind::update: return {Step{.kind = StepKind::change}, Step{.kind = StepKind::verify}};
        case OperationKind::repair: return {Step{.kind = StepKind::restart}};
        case OperationKind::claim: return {Step{.kind = StepKind::update}};
    }
    return {};
}

namespace {

std::string doing(StepKind kind, Direction direction, std::optional<Kind> of) {
    if (direction == Direction::undo) return "undoing what was done";
    const bool backup = of == Kind::backup;
    const std::string it = of ? fmt::format("the {}", noun_of(*of)) : "it";
    switch (kind) {
        case StepKind::create: return backup ? "dumping the database" : "creating " + it;
        case StepKind::verify:
            if (of == Kind::machine) return "logging in to the machine";
            return backup ? "checking that it is whole" : "checking that it answers";
        case StepKind::update:
        case StepKind::change: return "applying the change";
        case StepKind::restart: return "bringing it back";
        case StepKind::remove: return "removing " + it;
    }
    return "";
}

}  // namespace

Progress progress_of(const Operation& operation, std::optional<Kind> of) {
    Progress progress;
    progress.total = static_cast<std::uint32_t>(operation.steps.size());
    progress.done = static_cast<std::uint32_t>(
        std::ranges::count(operation.steps, StepStatus::done, [](const Step& step) { return step.status; }));
    const auto* step = operation.cursor < operation.steps.size() ? &operation.steps[operation.cursor] : nullptr;
    std::string now = step == nullptr ? "" : doing(step->kind, operation.direction, of);
    progress.sentence =
        std::visit(Overloaded{
                       [&](const Queued&) {
                           return operation.blocked_by.empty() ? std::string("waiting for a worker")
                                                               : std::string("waiting for an earlier operation");
                       },
                       [&](const Running&) { return now; },
                       [&](const Waiting& in) { return in.why.empty() ? now : now + ": " + in.why; },
                       [&](const Retrying& in) { return now + "; trying again: " + in.error; },
                       [](const Succeeded&) { return std::string("done"); },
                       [](const Failed& in) { return "failed: " + in.reason; },
                       [](const Cancelled& in) { return "cancelled: " + in.reason; },
                   },
                   operation.state);
    return progress;
}

}  // namespace slipway
