// A resource, an operation and an event made of any values: written and read they are what they were. Unlike the
// rows of `rows`, their texts may hold any bytes.
#include <array>

#include "fuzz/fuzz.h"
#include "store/codec.h"

namespace slipway::fuzz {
namespace {

// What the clock of a machine may say.
TimePoint time_in(Bytes& in) {
    return from_micros(static_cast<std::int64_t>(in.number() % 4'000'000'000'000'000U));
}

Endpoint endpoint_in(Bytes& in) { return {in.text(), in.text(), static_cast<std::uint16_t>(in.number())}; }

json::value value_in(Bytes& in, int depth) {
    switch (in.below(depth > 4 ? 5 : 7)) {
        case 0: return in.flag();
        case 1: return static_cast<std::int64_t>(in.number());
        case 2: return in.number();
        case 3: return boost::json::string(in.text());
        case 4: return nullptr;
        case 5: {
            json::array items;
            for (std::size_t i = in.below(4); i > 0; --i) items.push_back(value_in(in, depth + 1));
            return items;
        }
        default: {
            json::object members;
            for (std::size_t i = in.below(4); i > 0; --i) members[in.text()] = value_in(in, depth + 1);
            return members;
        }
    }
}

json::object tree_in(Bytes& in) {
    json::object tree;
    for (std::size_t i = in.below(4); i > 0; --i) tree[in.text()] = value_in(in, 0);
    return tree;
}

ResourceState resource_state_in(Bytes& in) {
    using namespace resource_state;
    switch (in.below(std::variant_size_v<ResourceState>)) {
        case 0: return Requested{OperationId(in.text())};
        case 1: return Provisioning{OperationId(in.text())};
        case 2: return Ready{endpoint_in(in), OperationId(in.text())};
        case 3: return Updating{OperationId(in.text()), endpoint_in(in)};
        case 4: return Deprovisioning{OperationId(in.text()), in.flag()};
        case 5: return Gone{time_in(in)};
        default: return Failed{in.text()};
    }
}

Resource resource_in(Bytes& in) {
    Resource out;
    out.id = ResourceId(in.text());
    out.name = in.text();
    out.kind =
        std::array{Kind::cache, Kind::database_server, Kind::database, Kind::machine, Kind::cluster, Kind::backup}
            .at(in.below(6));
    out.engine = in.text();
    out.plan = in.text();
    out.provider = in.text();
    out.external_name = in.text();
    out.generation = in.number();
    out.organization = OrganizationId(in.text());
    out.face = in.text();
    out.billing_code = in.text();
    for (std::size_t i = in.below(4); i > 0; --i) out.labels[in.text()] = in.text();
    out.pooled = in.flag();
    out.host = HostId(in.text());
    out.state = resource_state_in(in);
    out.health =
        std::array{Health::unknown, Health::healthy, Health::degraded, Health::unreachable}.at(in.below(4));
    out.health_at = time_in(in);
    out.health_detail = in.text();
    for (std::size_t i = in.below(4); i > 0; --i) out.remnants.push_back(in.text());
    out.parameters = tree_in(in);
    if (in.flag()) out.former = FormerPlan{in.text(), tree_in(in)};
    for (std::size_t i = in.below(4); i > 0; --i)
        out.allocations[in.text()] = static_cast<std::int64_t>(in.number());
    for (std::size_t i = in.below(4); i > 0; --i) out.secrets[in.text()] = Sealed{in.text(), in.text()};
    out.handle = tree_in(in);
    // Left out where they are empty.
    if (in.flag()) out.placed_on = ResourceId(in.text());
    if (in.flag()) out.address = in.text();
    if (in.flag()) out.expiry = Expiry{time_in(in), time_in(in), in.flag(), in.flag()};
    if (in.flag()) out.own_parameters = tree_in(in);
    out.created_at = time_in(in);
    out.updated_at = time_in(in);
    out.version = in.number();
    return out;
}

OperationState operation_state_in(Bytes& in) {
    using namespace operation_state;
    switch (in.below(std::variant_size_v<OperationState>)) {
        case 0: return Queued{};
        case 1: return Running{LeaseToken(in.text()), time_in(in)};
        case 2: return Waiting{time_in(in), in.text()};
        case 3: return Retrying{time_in(in), in.text()};
        case 4: return Succeeded{time_in(in)};
        case 5: return Failed{time_in(in), in.text()};
        default: return Cancelled{time_in(in), in.text()};
    }
}

Operation operation_in(Bytes& in) {
    Operation out;
    out.id = OperationId(in.text());
    out.resource = ResourceId(in.text());
    out.organization = OrganizationId(in.text());
    out.kind = std::array{OperationKind::provision, OperationKind::deprovision, OperationKind::update,
                          OperationKind::repair, OperationKind::claim}
                   .at(in.below(5));
    out.provider = in.text();
    out.host = HostId(in.text());
    out.state = operation_state_in(in);
    out.direction = in.flag() ? Direction::undo : Direction::forward;
    out.steps = plan_steps(out.kind);
    out.cursor = static_cast<std::uint32_t>(in.below(out.steps.size()));
    for (Step& step : out.steps) {
        step.status =
            std::array{StepStatus::pending, StepStatus::intended, StepStatus::done, StepStatus::undone}.at(
                in.below(4));
        step.uncertain = in.flag();
        step.absent_once = in.flag();
        step.attempts = static_cast<std::uint32_t>(in.number());
        step.moves = static_cast<std::uint32_t>(in.number());
        step.last_error = in.text();
        step.request_id = in.text();
    }
    out.token = in.text();
    out.fence = in.number();
    out.leases = static_cast<std::uint32_t>(in.number());
    out.cancel_requested = in.flag();
    out.cancel_reason = in.text();
    out.failure = in.text();
    out.blocked_by = OperationId(in.text());
    out.run_at = time_in(in);
    out.deadline = time_in(in);
    out.actor = in.text();
    out.request_id = in.text();
    out.trace = in.text();
    out.created_at = time_in(in);
    out.updated_at = time_in(in);
    out.version = in.number();
    return out;
}

EventDraft event_in(Bytes& in) {
    EventDraft out;
    out.at = time_in(in);
    out.type = in.text();
    out.message = in.text();
    out.resource = ResourceId(in.text());
    out.operation = OperationId(in.text());
    out.organization = OrganizationId(in.text());
    out.actor = in.text();
    out.request_id = in.text();
    out.provider_request_id = in.text();
    out.trace = in.text();
    out.data = tree_in(in);
    return out;
}

void round_trip(const Resource& in) {
    const std::string body = store::encode(in);
    const auto out = store::decode_resource(in.id.str(), body, in.version);
    check(out.has_value(), "a resource that was written is read", body);
    check(store::encode(*out) == body, "a resource is written the same again", body);
    check(out->name == in.name && out->kind == in.kind && out->engine == in.engine && out->plan == in.plan &&
              out->provider == in.provider && out->external_name == in.external_name &&
              out->generation == in.generation && out->organization == in.organization && out->face == in.face &&
              out->billing_code == in.billing_code && out->labels == in.labels && out->pooled == in.pooled &&
              out->host == in.host,
          "a resource keeps what it is", body);
    check(out->state == in.state && out->health == in.health && out->health_at == in.health_at &&
              out->health_detail == in.health_detail && out->remnants == in.remnants,
          "a resource keeps how it is", body);
    check(out->parameters == in.parameters && out->former == in.former && out->allocations == in.allocations &&
              out->secrets == in.secrets && out->handle == in.handle && out->placed_on == in.placed_on &&
              out->address == in.address && out->expiry == in.expiry && out->own_parameters == in.own_parameters &&
              out->created_at == in.created_at && out->updated_at == in.updated_at && out->version == in.version,
          "a resource keeps what it has", body);
}

void round_trip(const Operation& in) {
    const std::string body = store::encode(in);
    const auto out = store::decode_operation(in.id.str(), body, in.version, in.blocked_by.str());
    check(out.has_value(), "an operation that was written is read", body);
    check(store::encode(*out) == body, "an operation is written the same again", body);
    check(out->resource == in.resource && out->organization == in.organization && out->kind == in.kind &&
              out->provider == in.provider && out->host == in.host && out->state == in.state &&
              out->direction == in.direction && out->cursor == in.cursor && out->steps == in.steps,
          "an operation keeps where it stands", body);
    check(out->token == in.token && out->fence == in.fence && out->leases == in.leases &&
              out->cancel_requested == in.cancel_requested && out->cancel_reason == in.cancel_reason &&
              out->failure == in.failure && out->blocked_by == in.blocked_by && out->run_at == in.run_at &&
              out->deadline == in.deadline && out->actor == in.actor && out->request_id == in.request_id &&
              out->trace == in.trace && out->created_at == in.created_at && out->updated_at == in.updated_at &&
              out->version == in.version,
          "an operation keeps what it knows", body);
}

void round_trip(const EventDraft& in) {
    const std::string body = store::encode(in);
    const auto out = store::decode_event(body, 9);
    check(out.has_value(), "an event that was written is read", body);
    check(store::encode(out->body) == body, "an event is written the same again", body);
    check(out->sequence == 9 && out->body.at == in.at && out->body.type == in.type &&
              out->body.message == in.message && out->body.resource == in.resource &&
              out->body.operation == in.operation && out->body.organization == in.organization &&
              out->body.actor == in.actor && out->body.request_id == in.request_id &&
              out->body.provider_request_id == in.provider_request_id && out->body.trace == in.trace &&
              out->body.data == in.data,
          "an event keeps what it says", body);
}

Webhook webhook_in(Bytes& in) {
    Webhook out;
    out.id = WebhookId(in.text());
    out.organization = OrganizationId(in.text());
    out.url = in.text();
    out.secret = {in.text(), in.text()};
    for (std::size_t i = in.below(4); i > 0; --i) out.types.push_back(in.text());
    out.enabled = in.flag();
    out.cursor = in.number();
    out.failures = static_cast<std::uint32_t>(in.number());
    out.next_attempt = time_in(in);
    out.last_error = in.text();
    if (in.flag()) out.delivered_at = time_in(in);
    out.created_at = time_in(in);
    out.version = in.number();
    return out;
}

void round_trip(const Webhook& in) {
    const std::string body = store::encode(in);
    const auto out = store::decode_webhook(in.id.str(), body, in.version);
    check(out.has_value(), "a webhook that was written is read", body);
    check(store::encode(*out) == body, "a webhook is written the same again", body);
    check(out->id == in.id && out->organization == in.organization && out->url == in.url &&
              out->secret == in.secret && out->types == in.types && out->enabled == in.enabled &&
              out->cursor == in.cursor && out->failures == in.failures && out->next_attempt == in.next_attempt &&
              out->last_error == in.last_error && out->delivered_at == in.delivered_at &&
              out->created_at == in.created_at && out->version == in.version,
          "a webhook keeps what it is", body);
}

}  // namespace

void rows_round_trip(std::string_view input) {
    Bytes in(input);
    switch (in.below(4)) {
        case 0: return round_trip(resource_in(in));
        case 1: return round_trip(operation_in(in));
        case 2: return round_trip(event_in(in));
        default: return round_trip(webhook_in(in));
    }
}

}  // namespace slipway::fuzz
