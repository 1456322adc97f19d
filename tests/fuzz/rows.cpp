// A stored row: any bytes give a row or ErrorCode::storage. A row that is read is written, read and written the
// same again, and everything that a server does with one by itself (show it, lease it, step it) works with it.
#include "store/rows.h"

#include <algorithm>
#include <cmath>

#include "domain/stepping.h"
#include "faces/native/shapes.h"
#include "faces/redis/shapes.h"
#include "fuzz/fuzz.h"
#include "http/target.h"
#include "store/codec.h"

namespace slipway::fuzz {
namespace {

const TimePoint kNow = from_micros(1'700'000'000'123'456);

template <class T>
void check_error(const Result<T>& failed, std::string_view body) {
    check(failed.error().code == ErrorCode::storage, "a damaged row is the store's trouble", body);
    check(!failed.error().message.empty() && !failed.error().detail.empty(), "the error says what and where", body);
}

// The id as the row's column would have it.
std::string id_in(std::string_view body) {
    const auto parsed = json::parse(body);
    return parsed && parsed->is_object() ? json::get_string(parsed->get_object(), "id") : std::string();
}

void show(const json::object& shown) { check(!json::dump(shown).empty(), "it can be shown"); }

void try_resource(const std::string& id, std::string_view body) {
    const auto read = store::decode_resource(id, body, 3);
    if (!read) return check_error(read, body);
    const std::string written = store::encode(*read);
    const auto again = store::decode_resource(id, written, 3);
    check(again.has_value(), "what was read and written is read", written);
    check(store::encode(*again) == written, "and written the same again", written);
    check(again->state == read->state && again->labels == read->labels && again->handle == read->handle,
          "nothing is lost", written);
    show(faces::resource_json(*read, {}));
    show(faces::instance_summary(*read));
    show(faces::deleted_cluster(*read));
    static_cast<void>(store::counts_in_pool(*read));
    for (const ResourceChange& change : {ResourceChange(resource_event::Started{OperationId("op_1")}),
                                         ResourceChange(resource_event::DeleteRequested{OperationId("op_2")})}) {
        const auto stepped = step(*read, {kNow, change});
        check(stepped || !stepped.error().why.empty(), "a refusal says why", body);
    }
}

// Everything that a worker may be told of the step it is at.
void try_steps(const Operation& operation) {
    const RetryPolicy policy;
    Observation running;
    running.presence = Presence::running;
    running.endpoint = Endpoint{"redis", "h", 1};
    const std::vector<OperationChange> changes = {
        operation_event::Leased{LeaseToken("host/1"), kNow + std::chrono::seconds(30)},
        operation_event::Began{true},
        operation_event::Began{false},
        operation_event::Answered{Verb::observe, Observation{}, 0.5},
        operation_event::Answered{Verb::create, running, 0.5},
        operation_event::Answered{Verb::remove, std::unexpected(ProviderError{}), 0.5},
        operation_event::Renewed{kNow},
        operation_event::Parked{},
        operation_event::CancelRequested{"asked"},
        operation_event::Exhausted{"full"}};
    for (const OperationChange& change : changes) {
        auto stepped = step(operation, {kNow, change}, policy);
        if (!stepped) continue;
        Resource resource;
        std::vector<EventDraft> events;
        static_cast<void>(apply_effects(std::move(stepped->effects), kNow, resource, events));
        const std::string written = store::encode(stepped->operation);
        const auto read = store::decode_operation(operation.id.str(), written, 1, "");
        check(read.has_value(), "what a step makes of a row can be read", written);
    }
    const auto leased = lease(operation, Resource(), LeaseToken("host/1"), kNow, std::chrono::seconds(30), policy);
    check(leased || !leased.error().why.empty(), "a refusal says why");
    static_cast<void>(due_now(operation, kNow));
}

void try_operation(const std::string& id, std::string_view body) {
    const auto read = store::decode_operation(id, body, 3, "");
    if (!read) return check_error(read, body);
    const std::string written = store::encode(*read);
    const auto again = store::decode_operation(id, written, 3, "");
    check(again.has_value(), "what was read and written is read", written);
    check(store::encode(*again) == written, "and written the same again", written);
    check(again->state == read->state && again->steps == read->steps, "nothing is lost", written);
    show(faces::operation_json(*read, std::nullopt));
    static_cast<void>(store::due_at(*read));
    static_cast<void>(store::is_work(*read));
    try_steps(*read);
}

void try_event(std::string_view body) {
    const auto read = store::decode_event(body, 7);
    if (!read) return check_error(read, body);
    const std::string written = store::encode(read->body);
    const auto again = store::decode_event(written, 7);
    check(again.has_value(), "what was read and written is read", written);
    check(store::encode(again->body) == written && again->body.data == read->body.data,
          "and written the same again", written);
    show(faces::event_json(*read));
}

void try_webhook(const std::string& id, std::string_view body) {
    const auto read = store::decode_webhook(id, body, 3);
    if (!read) return check_error(read, body);
    const std::string written = store::encode(*read);
    const auto again = store::decode_webhook(id, written, 3);
    check(again.has_value(), "what was read and written is read", written);
    check(store::encode(*again) == written, "and written the same again", written);
}

bool finite(const json::value& in) {
    if (const auto* number = in.if_double()) return std::isfinite(*number);
    if (const auto* items = in.if_array()) return std::ranges::all_of(*items, finite);
    const auto* members = in.if_object();
    return members == nullptr ||
           std::ranges::all_of(*members, [](const auto& each) { return finite(each.value()); });
}

// Numbers that JSON cannot write: nothing that a server takes in has them, so that no row of ours does.
bool holds_infinity(std::string_view body) {
    boost::json::parse_options options;
    options.max_depth = 100;
    options.allow_invalid_utf8 = true;
    boost::system::error_code error;
    const auto value = boost::json::parse(boost::json::string_view(body.data(), body.size()), error, {}, options);
    return !error && !finite(value);
}

}  // namespace

void rows(std::string_view input) {
    if (holds_infinity(input)) return;
    const std::string id = id_in(input);
    try_resource(id, input);
    try_operation(id, input);
    try_event(input);
    try_webhook(id, input);
}

}  // namespace slipway::fuzz
