// Changes of what a resource is called, how it is labelled, who pays for it and which plan it has.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/access.h"
#include "broker/check.h"
#include "broker/orders.h"
#include "domain/resource_step.h"

namespace slipway {
namespace {

// Workers change resources while callers look at them; every retry reads afresh.
constexpr int kTries = 16;

// What a change of labels, name and billing code does, in words for the owner.
std::vector<std::string> take_over(const UpdateRequest& request, Resource& resource) {
    std::vector<std::string> said;
    if (request.name && *request.name != resource.name) {
        said.push_back(fmt::format("it is called {} now", *request.name));
        resource.name = *request.name;
    }
    if (request.billing_code && *request.billing_code != resource.billing_code) {
        said.push_back(
            fmt::format("{} pays for it now, no longer {}", *request.billing_code, resource.billing_code));
        resource.billing_code = *request.billing_code;
    }
    for (const auto& [key, value] : request.labels) {
        const auto label = resource.labels.find(key);
        if (!value) {
            if (label == resource.labels.end()) continue;
            said.push_back(fmt::format("label {} was taken away", key));
            resource.labels.erase(label);
        } else if (label == resource.labels.end() || label->second != *value) {
            said.push_back(fmt::format("label {} was set", key));
            resource.labels[key] = *value;
        }
    }
    return said;
}

// A machine keeps its disk, and the disk what it was made of.
void check_machine_change(const Plan& wanted, const Resource& machine, std::vector<FieldProblem>& problems) {
    const std::string image = json::get_string(machine.parameters, "image");
    if (json::get_string(wanted.parameters, "image") != image) {
        problems.push_back(
            {"plan", fmt::format("must be one with the image {}, which the machine was made of", image)});
    } else if (json::get_int(wanted.parameters, "disk") < json::get_int(machine.parameters, "disk")) {
        problems.push_back({"plan", "must be one whose disk is not smaller"});
    }
}

void check_plan_change(const Catalog& catalog, const Resource& resource, const std::string& plan,
                       std::vector<FieldProblem>& problems) {
    check_plan(catalog, resource.kind, resource.engine, plan, problems);
    const Plan* wanted = catalog.find(resource.kind, resource.engine, plan);
    if (wanted == nullptr) return;
    if (wanted->provider != resource.provider) {
        problems.push_back({"plan", fmt::format("must be one of provider {}: {} is of {}", resource.provider, plan,
                                                wanted->provider)});
    } else if (wanted->placement.has_value() == resource.placed_on.empty()) {
        problems.push_back({"plan", resource.placed_on.empty() ? "must be one whose resources live by themselves"
                                                               : "must be one whose resources share a server"});
    } else if (resource.kind == Kind::machine) {
        check_machine_change(*wanted, resource, problems);
    } else if (wanted->password != resource.secrets.contains("password")) {
        problems.push_back({"plan", wanted->password ? "must be one without a password, as its present plan is"
                                                     : "must be one with a password, as its present plan is"});
    }
}

// Its end as it is asked for, within what its plans allow: those that it has and is to have, and the one to which
// it goes back where its present change fails.
void set_expiry(const Catalog& catalog, const UpdateRequest& request, TimePoint now, Resource& resource,
                std::vector<std::string>& said, std::vector<FieldProblem>& problems) {
    const bool wished = !std::holds_alternative<std::monostate>(request.expires_in);
    const bool another_plan = request.plan && *request.plan != resource.plan;
    if (!wished && !another_plan) return;
    std::vector<const Plan*> plans{
        catalog.find(resource.kind, resource.engine, request.plan.value_or(resource.plan))};
    if (wished && another_plan) plans.push_back(catalog.find(resource.kind, resource.engine, resource.plan));
    if (wished && resource.former) {
        plans.push_back(catalog.find(resource.kind, resource.engine, resource.former->plan));
    }
    std::erase(plans, nullptr);
    auto end = next_expiry(resource.expiry, request.expires_in, plans, now);
    if (!end) return problems.push_back({"expires_in", std::move(end.error())});
    if (*end == resource.expiry) return;
    resource.expiry = *end;
    said.push_back(words_of(resource.expiry));
}

}  // namespace

// Errors as every change of a resource has them.
Task<Result<Resource>> Broker::changeable(const CallContext& context, const ResourceId& id) {
    auto found = co_await parts_.store.resource(id);
    if (!found) co_return fail(found.error());
    if (!*found || !may_see(context.caller, **found)) co_return no_such_resource();
    if (!may_change(context.caller, **found)) co_return fail(only_reading());
    if (std::holds_alternative<resource_state::Gone>((*found)->state)) co_return no_such_resource();
    co_return std::move(**found);
}

Task<Result<Broker::Change>> Broker::draft_change(const CallContext& context, Resource resource,
                                                  const UpdateRequest& request) {
    if (request.if_version && *request.if_version != resource.version) {
        co_return fail(ErrorCode::precondition_failed,
                       fmt::format("it has version {} now, not {}", resource.version, *request.if_version));
    }
    if (resource.pooled) co_return fail(ErrorCode::conflict, "it waits in a pool: nobody owns it yet");
    if (!std::holds_alternative<std::monostate>(request.expires_in) &&
        std::holds_alternative<resource_state::Deprovisioning>(resource.state)) {
        co_return fail(ErrorCode::conflict, "it is being removed already: its end is not moved any more");
    }
    const TimePoint now = parts_.clock.now();
    Change change;
    change.plan_before = parts_.catalog.find(resource.kind, resource.engine, resource.plan);
    change.plan_after = change.plan_before;
    const std::string former_name = resource.name;
    const std::uint64_t version = resource.version;
    std::vector<std::string> said = take_over(request, resource);
    const bool another_plan = request.plan && *request.plan != resource.plan;

    std::vector<FieldProblem> problems;
    if (resource.name != former_name && resource.name != resource.external_name) {
        check_name(resource.name, options_.name_prefix, problems);
    }
    if (request.billing_code) check_billing_code(resource.billing_code, problems);
    check_labels(resource.labels, problems);
    if (another_plan) check_plan_change(parts_.catalog, resource, *request.plan, problems);
    set_expiry(parts_.catalog, request, now, resource, said, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());

    Commit commit;
    if (resource.name != former_name) {
        commit.preconditions.emplace_back(precondition::NameFree{resource.organization, resource.name});
    }
    if (!said.empty()) {
        resource.updated_at = now;
        commit.events.push_back(draft_event(resource, context.cause(), now, "resource.changed",
                                            fmt::format("{}: {}", former_name, fmt::join(said, "; "))));
    }
    if (another_plan) {
        change.plan_after = parts_.catalog.find(resource.kind, resource.engine, *request.plan);
        const Plan& plan = *change.plan_after;
        const auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
        if (!traits) co_return fail(traits.error());
        const auto quotas = co_await parts_.store.quotas(resource.organization);
        if (!quotas) co_return fail(quotas.error());
        change.quotas = rules_for(*quotas, resource.organization, plan, options_.max_resources_per_organization);
        change.quotas.erase(change.quotas.begin());  // of all plans together it stays one
        for (const QuotaRule& rule : change.quotas) commit.preconditions.push_back(precondition_of(rule));
        Operation operation = draft_operation(OperationKind::update, resource, context.cause(), now,
                                              options_.provision_limit, parts_.random);
        auto stepped = step(
            resource,
            {now, resource_event::UpdateRequested{
                      operation.id, FormerPlan{plan.name, overlaid(plan.parameters, resource.own_parameters)}}});
        if (!stepped) co_return fail(ErrorCode::conflict, stepped.error().why);
        EventDraft event =
            draft_event(resource, context.cause(), now, "resource.update_requested",
                        fmt::format("{} is to change from plan {} to {}", resource.name, resource.plan, plan.name));
        event.operation = operation.id;
        commit.events.push_back(std::move(event));
        resource = std::move(stepped->resource);
        change.operation = operation;
        commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
    }
    resource.version = version;
    change.resource = resource;
    if (!commit.events.empty()) {
        commit.writes.emplace(commit.writes.begin(), write::PutResource{std::move(resource)});
        change.commit = std::move(commit);
    }
    co_return change;
}

Task<Result<Accepted>> Broker::update(CallContext context, ResourceId id, UpdateRequest request) {
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await changeable(context, id);
        if (!found) co_return fail(found.error());
        auto change = co_await draft_change(context, std::move(*found), request);
        if (!change) co_return fail(change.error());
        if (!change->commit) co_return Accepted{std::move(change->resource), std::nullopt, false};
        auto answer = co_await parts_.store.commit(std::move(*change->commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            Accepted accepted{std::move(committed->resources.at(0)), std::nullopt, false};
            if (change->operation) accepted.operation = std::move(committed->operations.at(0));
            co_return accepted;
        }
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle != Obstacle::resource_changed) co_return refused(rejected, change->quotas);
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

}  // namespace slipway
