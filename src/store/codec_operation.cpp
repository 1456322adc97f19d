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

// A member that is added to a step does not compile here before it is written and read as well.
void write_steps(JsonOut& out, const std::vector<Step>& steps) {
    out.begin_array("steps");
    for (const auto& [kind, status, uncertain, absent_once, attempts, last_error, request_id, moves] : steps) {
        out.object_item();
        out.text("kind", to_string(kind));
        out.text("status", to_string(status));
        out.boolean("uncertain", uncertain);
        out.boolean("absent_once", absent_once);
        out.number("attempts", attempts);
        out.text("last_error", last_error);
        out.text("request_id", request_id);
        if (moves != 0) out.number("moves", moves);
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
        if (from.has("moves")) step.moves = from.natural_as<std::uint32_t>("moves");
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
    out.trace = in.text_if_any("trace");
    out.created_at = in.time("created_at");
    out.updated_at = in.time("updated_at");
}

}  // namespace

std::string encode(const Operation& operation) {
    // As in write_steps: every member is named, or this does not compile.
    const auto& [id, resource, organization, kind, provider, host, state, direction, cursor, steps, token, fence,
                 leases, cancel_requested, cancel_reason, failure, blocked_by, run_at, deadline, actor, request_id,
                 trace, created_at, updated_at, version] = operation;
    static_cast<void>(blocked_by);  // these two are columns
    static_cast<void>(version);
    JsonOut out;
    out.begin_object();
    out.text("id", id.str());
    out.text("resource", resource.str());
    out.text("organization", organization.str());
    out.text("kind", to_string(kind));
    out.text("provider", provider);
    out.text("host", host.str());
    write_state(out, state);
    out.text("direction", direction_word(direction));
    out.number("cursor", cursor);
    write_steps(out, steps);
    out.text("token", token);
    out.number("fence", fence);
    out.number("leases", leases);
    out.boolean("cancel_requested", cancel_requested);
    out.text("cancel_reason", cancel_reason);
    out.text("failure", failure);
    out.time("run_at", run_at);
    out.time("deadline", deadline);
    out.text("actor", actor);
    out.text("request_id", request_id);
    if (!trace.empty()) out.text("trace", trace);
    out.time("created_at", created_at);
    out.time("updated_at", updated_at);
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
    if (!is_terminal(out.state) && out.cursor >= out.steps.size()) document.complain("cursor", "names no step");
    if (document.problem()) return fail(*document.problem());
    return out;
}

std::string encode(const EventDraft& event) {
    const auto& [at, type, message, resource, operation, organization, actor, request_id, provider_request_id,
                 trace, data] = event;
    JsonOut out;
    out.begin_object();
    out.time("at", at);
    out.text("type", type);
    out.text("message", message);
    out.text("resource", resource.str());
    out.text("operation", operation.str());
    out.text("organization", organization.str());
    out.text("actor", actor);
    out.text("request_id", request_id);
    out.text("provider_request_id", provider_request_id);
    if (!trace.empty()) out.text("trace", trace);
    out.tree("data", data);
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
    out.body.trace = in.text_if_any("trace");
    out.body.data = in.tree("data");
    if (document.problem()) return fail(*document.problem());
    return out;
}

}  // namespace slipway::store
