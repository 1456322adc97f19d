// An operation: ordered steps, each with an undo, run by whoever holds the lease.
//
//   queued ──leased──▶ running ──all steps done──▶ succeeded
//     ▲                 │ │ │ └──undone─────────▶ failed | cancelled
//     │                 │ │ └──answer pending──▶ waiting ──leased (due)──▶ running
//     │                 │ └──error, try again──▶ retrying ──leased (due)──▶ running
//     └──parked─────────┘        running ──leased (lease over)──▶ running, by another worker
//
// An update is undone by going back to the former spec.
// A cancel request sets a flag; the worker (or the next lease) turns round and undoes. An operation that never
// did anything is cancelled at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/provider_types.h"

namespace slipway {

enum class Kind : std::uint8_t;  // resource.h

enum class OperationKind : std::uint8_t { provision, deprovision, update, repair, claim };
std::string_view to_string(OperationKind kind);
std::optional<OperationKind> parse_operation_kind(std::string_view text);

enum class StepKind : std::uint8_t {
    create,   // mutating; undone by remove
    verify,   // reads only: observed to be running
    update,   // mutating, idempotent: make it as the resource's spec says; of a claim undone by remove
    change,   // as update, after the spec was changed; undone by going back to the former one
    restart,  // observe, and where it is stopped bring it back from its data
    remove,   // mutating
};
std::string_view to_string(StepKind kind);
std::optional<StepKind> parse_step_kind(std::string_view text);

enum class StepStatus : std::uint8_t {
    pending,   // not begun: no call was made
    intended,  // the intent is on disk: calls may have been made
    done,
    undone,
};
std::string_view to_string(StepStatus status);
std::optional<StepStatus> parse_step_status(std::string_view text);

struct Step {
    StepKind kind = StepKind::create;
    StepStatus status = StepStatus::pending;
    bool uncertain = false;       // a call's outcome is not known: its effect may still show up
    bool absent_once = false;     // while it is undone: nothing was there at the last look
    std::uint32_t attempts = 0;   // failed attempts so far, in the present direction
    std::string last_error = {};  // public
    std::string request_id = {};  // the provider's id of the last call
    std::uint32_t moves = 0;      // ports and addresses that strangers held, each replaced by another
    friend bool operator==(const Step&, const Step&) = default;
};

enum class Direction : std::uint8_t { forward, undo };

namespace operation_state {
struct Queued {
    friend bool operator==(const Queued&, const Queued&) = default;
};
struct Running {
    LeaseToken token;
    TimePoint until;  // on the store's clock
    friend bool operator==(const Running&, const Running&) = default;
};
struct Waiting {
    TimePoint until;
    std::string why;  // public
    friend bool operator==(const Waiting&, const Waiting&) = default;
};
struct Retrying {
    TimePoint until;
    std::string error;  // public
    friend bool operator==(const Retrying&, const Retrying&) = default;
};
struct Succeeded {
    TimePoint at;
    friend bool operator==(const Succeeded&, const Succeeded&) = default;
};
struct Failed {
    TimePoint at;
    std::string reason;  // public
    friend bool operator==(const Failed&, const Failed&) = default;
};
struct Cancelled {
    TimePoint at;
    std::string reason;  // public
    friend bool operator==(const Cancelled&, const Cancelled&) = default;
};
}  // namespace operation_state

using OperationState = std::variant<operation_state::Queued, operation_state::Running, operation_state::Waiting,
                                    operation_state::Retrying, operation_state::Succeeded, operation_state::Failed,
                                    operation_state::Cancelled>;

std::string_view state_name(const OperationState& state);
bool is_terminal(const OperationState& state);

struct Operation {
    OperationId id;
    ResourceId resource;
    OrganizationId organization;
    OperationKind kind = OperationKind::provision;
    std::string provider;  // bounds on concurrency are kept per provider
    HostId host;           // only workers on this host may lease it; empty: any

    OperationState state;
    Direction direction = Direction::forward;
    std::uint32_t cursor = 0;  // the step that is being done or undone
    std::vector<Step> steps;
    std::string token;  // the client token told to the provider; fixed for ever at accept

    std::uint64_t fence = 0;   // raised by every lease; a write with an older one is refused
    std::uint32_t leases = 0;  // how often it was leased
    bool cancel_requested = false;
    std::string cancel_reason;  // public
    std::string failure;        // public: why it is being undone; empty while all is well
    OperationId blocked_by;     // not leased before that operation is terminal; empty: none
    TimePoint run_at;           // not leased before
    TimePoint deadline;         // forward work stops then and is undone

    std::string actor;       // who asked: an API key's id, "anonymous", "pool", "reconciler"
    std::string request_id;  // the request that caused it
    std::string trace;       // W3C traceparent of that request; empty: none
    TimePoint created_at;
    TimePoint updated_at;
    std::uint64_t version = 0;  // as in Resource
};

struct Progress {
    std::uint32_t done = 0;
    std::uint32_t total = 0;
    std::string sentence;  // for the owner, e.g. "creating the database"
};
// `of`: the kind of its resource; where it is not known the sentence says "it".
Progress progress_of(const Operation& operation, std::optional<Kind> of);

// The steps of an operation of this kind: the same list, unexecuted, answers dry runs.
std::vector<Step> plan_steps(OperationKind kind);

}  // namespace slipway
