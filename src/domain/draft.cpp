#include "domain/draft.h"

#include <fmt/format.h>

#include "domain/expiry.h"
#include "domain/machine.h"
#include "domain/rotation.h"
#include "domain/words.h"

namespace slipway {
namespace {

constexpr std::size_t kSecretLength = 32;  // alphanumeric: about 190 bits
constexpr std::size_t kNameDigits = 8;     // the form that clients of the Redis broker rely on

void add_secrets(Resource& resource, const Plan& plan, const ProviderTraits& traits, Random& random,
                 Sealer& sealer) {
    resource.secrets.clear();
    const auto add = [&](const std::string& name) {
        const Secret secret(random.alphanumeric(kSecretLength));
        resource.secrets[name] = sealer.seal(secret, secret_context(resource.id, name));
    };
    if (plan.password && plan.kind != Kind::machine) add("password");
    for (const std::string& name : traits.secrets) add(name);
}

}  // namespace

EventDraft draft_event(const Resource& resource, const Cause& cause, TimePoint at, std::string type,
                       std::string message) {
    EventDraft event;
    event.at = at;
    event.type = std::move(type);
    event.message = std::move(message);
    event.resource = resource.id;
    event.organization = resource.organization;
    event.actor = cause.actor;
    event.request_id = cause.request_id;
    event.trace = cause.trace;
    return event;
}

void make_of(Resource& resource, const Plan& plan, const ProviderTraits& traits, const HostId& host, Random& random,
             Sealer& sealer) {
    resource.kind = plan.kind;
    resource.engine = plan.engine;
    resource.plan = plan.name;
    resource.provider = traits.provider;
    forget_rotations(resource);  // of the secrets that it had
    resource.parameters = overlaid(plan.parameters, resource.own_parameters);
    resource.host = traits.on_this_host ? host : HostId();
    add_secrets(resource, plan, traits, random, sealer);
}

Operation draft_operation(OperationKind kind, const Resource& resource, const Cause& cause, TimePoint now,
                          Duration time_limit, Random& random) {
    Operation operation;
    operation.id = make_id<OperationId>("op", now, random);
    operation.resource = resource.id;
    operation.organization = resource.organization;
    operation.kind = kind;
    operation.provider = resource.provider;
    operation.host = resource.host;
    operation.steps = plan_steps(kind);
    operation.token = operation.id.str();
    operation.run_at = now;
    operation.deadline = now + time_limit;
    operation.actor = cause.actor;
    operation.request_id = cause.request_id;
    operation.trace = cause.trace;
    operation.created_at = operation.updated_at = now;
    return operation;
}

Draft draft_provision(const ProvisionDraftRequest& request, TimePoint now, Random& random, Sealer& sealer) {
    const Plan& plan = *request.plan;
    Draft draft;
    Resource& resource = draft.resource;
    resource.id = make_id<ResourceId>("res", now, random);
    resource.external_name = fmt::format("{}-{}", request.name_prefix, random.hex(kNameDigits));
    resource.name = request.name.empty() ? resource.external_name : request.name;
    resource.organization = request.organization;
    resource.face = request.face;
    resource.billing_code = request.billing_code;
    resource.labels = request.labels;
    resource.pooled = request.pooled;
    resource.created_at = resource.updated_at = resource.health_at = now;
    resource.own_parameters = request.parameters;
    resource.placed_on = request.placed_on;
    resource.expiry = request.expiry;
    make_of(resource, plan, request.traits, request.host, random, sealer);
    if (!request.password.empty()) {
        const std::string name(kMachinePassword);
        resource.secrets[name] = sealer.seal(request.password, secret_context(resource.id, name));
    }
    // What is served by another lives where that does, whoever its provider is.
    if (!request.placed_on.empty()) resource.host = request.host;

    draft.operation =
        draft_operation(OperationKind::provision, resource, request.cause, now, request.time_limit, random);
    draft.operation.blocked_by = request.blocked_by;
    resource.state = resource_state::Requested{draft.operation.id};
    draft.ranges = request.traits.ranges;
    std::string more = request.origin.empty() ? "" : "; " + request.origin;
    if (resource.expiry) more += "; " + words_of(resource.expiry);
    EventDraft event = draft_event(resource, request.cause, now, "resource.requested",
                                   fmt::format("a {} of plan {} was requested; it is called {}{}",
                                               product_of(resource), plan.name, resource.name, more));
    event.operation = draft.operation.id;
    draft.events.push_back(std::move(event));
    return draft;
}

}  // namespace slipway
