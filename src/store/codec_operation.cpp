#include "domain/overloaded.h"
#include "store/codec.h"
#include "store/json_in.h"
#include "store/json_out.h"

namespace slipway::store {
namespace {

using namespace operation_state;

void write_state(JsonOut& out, const OperationState& state) {
    out.begin_object("state");
    out.text("is", state_name(state));
    std::visit(Overloaded{
                   [](const Queued&) {},
                   [&](const Running& s) {
                       out.text("token", s.token.str());
                       out.time("until", s.until);
                   },
                   [&](const Waiting& s) {
                       out.time("until", s.until);
                       out.text("why", s.why);
                   },
                   [&](const Retrying& s) {
                       out.time("until", s.until);
                       out.text("error", s.error);
                   },
                   [&](const Succeeded& s) { out.time("at", s.at); },
                   [&](const Failed& s) {
                       out.time("at", s.at);
                       out.text("reason", s.reason);
                   },
                   [&](const Cancelled& s) {
                       out.time("at", s.at);
                       out.text("reason", s.reason);
                   },
               },
               state);
    out.end_object();
}

OperationState read_state(JsonIn in) {
    const std::string is = in.text("is");
    if (is == "queued") return Queued{};
    if (is == "running") return Running{LeaseToken(in.text("token")), in.time("until")};
    if (is == "waiting") return Waiting{in.time("until"), in.text("why")};
    if (is == "retrying") return Retrying{in.time("until"), in.text("error")};
    if (is == "succeeded") return Succeeded{in.time("at")};
    if (is == "failed") return Failed{in.time("at"), in.text("reason")};
    if (is == "cancelled") return Cancelled{in.time("at"), in.text("reason")};
    in.complain("is", "is an unknown state");
    return {};
}

void write_steps(JsonOut& out, const std::vector<Step>& steps) {
    out.begin_array("steps");
    for (const Step& step : steps) {
        out.object_item();
        out.text("kind", to_string(step.kind));
        out.text("status", to_string(step.status));
        out.number("attempts", step.attempts);
        out.boolean("uncertain", step.uncertain);
        out.boolean("absent_once", step.absent_once);
        out.text("last_error", step.last_error);
        out.text("request_id", step.request_id);
        out.end_object();
    }
    out.end_array();
}

std::vector<Step> read_steps(JsonIn& in) {
    std::vector<Step> steps;
    for (const json::value& item : in.array("steps")) {
        JsonIn from = in.item(item);
        Step step;
        step.kind = from.word("kind", parse_step_kind);
        step.status = from.word("status", parse_step_status);
        step.attempts = from.natural_as<std::uint32_t>("attempts");
        step.uncertain = from.boolean("uncertain");
        step.absent_once = from.boolean("absent_once");
        step.last_error = from.text("last_error");
        step.request_id = from.text("request_id");
        steps.push_back(std::move(step));
    }
    return steps;
}

std::string_view direction_word(Direction direction) {
    switch (direction) {
        case Direction::forward: return "forward";
        case Direction::undo: return "undo";
    }
    return "unknown";
}

std::optional<Direction> parse_direction(std::string_view text) {
    if (text == direction_word(Direction::forward)) return Direction::forward;
    if (text == direction_word(Direction::undo)) return Direction::undo;
    return std::nullopt;
}

void read_members(JsonIn& in, Operation& out) {
    out.id = OperationId(in.text("id"));
    out.resource = ResourceId(in.text("resource"));
    out.organization = OrganizationId(in.text("organization"));
    out.kind = in.word("kind", parse_operation_kind);
    out.provider = in.text("provider");
    out.host = HostId(in.text("host"));
    out.state = read_state(in.object("state"));
    out.direction = in.word("direction", parse_direction);
    out.cursor = in.natural_as<std::uint32_t>("cursor");
    out.steps = read_steps(in);
    out.token = in.text("token");
    out.fence = in.natural("fence");
    out.leases = in.natural_as<std::uint32_t>("leases");
    out.cancel_requested = in.boolean("cancel_requested");
    out.cancel_reason = in.text("cancel_reason");
    out.failure = in.text("failure");
    out.run_at = in.time("run_at");
    out.deadline = in.time("deadline");
    out.actor = in.text("actor");
    out.request_id = in.text("request_id");
    out.created_at = in.time("created_at");
    out.updated_at = in.time("updated_at");
}

}  // namespace

std::string encode(const Operation& operation) {
    JsonOut out;
    out.begin_object();
    out.text("id", operation.id.str());
    out.text("resource", operation.resource.str());
    out.text("organization", operation.organization.str());
    out.text("kind", to_string(operation.kind));
    out.text("provider", operation.provider);
    out.text("host", operation.host.str());
    write_state(out, operation.state);
    out.text("direction", direction_word(operation.direction));
    out.number("cursor", operation.cursor);
    write_steps(out, operation.steps);
    out.text("token", operation.token);
    out.number("fence", operation.fence);
    out.number("leases", operation.leases);
    out.boolean("cancel_requested", operation.cancel_requested);
    out.text("cancel_reason", operation.cancel_reason);
    out.text("failure", operation.failure);
    out.time("run_at", operation.run_at);
    out.time("deadline", operation.deadline);
    out.text("actor", operation.actor);
    out.text("request_id", operation.request_id);
    out.time("created_at", operation.created_at);
    out.time("updated_at", operation.updated_at);
    out.end_object();
    return out.take();
}

Result<Operation> decode_operation(std::string_view id, std::string_view body, std::uint64_t version,
                                   std::string_view blocked_by) {
    JsonDocument document(body, fmt::format("operation {}", id));
    JsonIn in = document.root();
    Operation out;
    read_members(in, out);
    out.blocked_by = OperationId(std::string(blocked_by));
    out.version = version;
    if (out.id.str() != id) document.complain("id", "names another operation");
    if (document.problem()) return fail(*document.problem());
    return out;
}

std::string encode(const EventDraft& event) {
    JsonOut out;
    out.begin_object();
    out.time("at", event.at);
    out.text("type", event.type);
    out.text("message", event.message);
    out.text("resource", event.resource.str());
    out.text("operation", event.operation.str());
    out.text("organization", event.organization.str());
    out.text("actor", event.actor);
    out.text("request_id", event.request_id);
    out.text("provider_request_id", event.provider_request_id);
    out.tree("data", event.data);
    out.end_object();
    return out.take();
}

Result<Event> decode_event(std::string_view body, std::uint64_t sequence) {
    JsonDocument document(body, fmt::format("event {}", sequence));
    JsonIn in = document.root();
    Event out;
    out.sequence = sequence;
    out.body.at = in.time("at");
    out.body.type = in.text("type");
    out.body.message = in.text("message");
    out.body.resource = ResourceId(in.text("resource"));
    out.body.operation = OperationId(in.text("operation"));
    out.body.organization = OrganizationId(in.text("organization"));
    out.body.actor = in.text("actor");
    out.body.request_id = in.text("request_id");
    out.body.provider_request_id = in.text("provider_request_id");
    out.body.data = in.tree("data");
    if (document.problem()) return fail(*document.problem());
    return out;
}

}  // namespace slipway::store
