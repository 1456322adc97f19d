// The one error type that crosses module borders, and Result, which carries it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// What went wrong, in words of no protocol. A face maps each code to its own status once.
enum class ErrorCode : std::uint8_t {
    invalid_argument,     // the request is wrong; `problems` may name the fields
    malformed,            // the bytes could not be parsed at all
    unauthenticated,      // no credentials, or wrong ones
    forbidden,            // known caller, not allowed
    not_found,            // no such thing, or not the caller's
    conflict,             // the state of the thing forbids it now
    precondition_failed,  // the caller named a version that is not the present one
    idempotency_reuse,    // the idempotency key came before with another request
    too_large,            // a limit on size was passed
    exhausted,            // a quota, a range or a queue is full
    timeout,              // not done within the bound
    unavailable,          // a part that is needed is not there (now)
    provider_failure,     // the provider refused or failed for good
    superseded,           // a newer lease owns this work; the write was refused
    storage,              // the store could not do it (I/O error, full disk, corruption)
    cancelled,            // stopped on request
    internal,             // a broken invariant of ours
};

std::string_view to_string(ErrorCode code);

// One faulty field of a request. Both texts may be shown to the caller.
struct FieldProblem {
    std::string field;    // path of the field, e.g. "plan" or "labels.team"
    std::string problem;  // what is wrong and what is allowed
    friend bool operator==(const FieldProblem&, const FieldProblem&) = default;
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;                 // public: may be shown to any caller; never holds a secret
    std::string detail;                  // private: for the log only; never holds a secret either
    std::vector<FieldProblem> problems;  // public
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Shorthand for `return fail(ErrorCode::not_found, "no such plan")`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string detail = {}) {
    return std::unexpected(Error{code, std::move(message), std::move(detail), {}});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace slipway
