// What every face shares: who is calling, and how an error is told.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "broker/administration.h"
#include "http/message.h"
#include "http/router.h"

namespace slipway::faces {

struct FaceOptions {
    // Faces open to callers without a key on every listener (--allow-anonymous). On loopback listeners the faces
    // that may be anonymous at all are open without being named here.
    std::set<std::string, std::less<>> anonymous = {};
    Duration wait_limit = std::chrono::seconds(60);  // of calls that block until the work is done
    Duration poll_limit = std::chrono::seconds(60);  // the longest that a caller of the native face may ask for
    std::size_t max_streams = 500;                   // of events, open at once
};

// Outlives the router. Thread-safe, because nothing in it changes.
struct FaceContext {
    Broker& broker;
    Administration& administration;
    FaceOptions options = {};
};

// The faces whose protocols never had authentication: "redis", "memcached", "ec2", "bigdata".
bool may_be_anonymous(std::string_view face);

// Who calls. Errors: unauthenticated (no key where one is needed; a wrong one anywhere), forbidden (a web page on a
// face without keys: what has an Origin, comes from another site, or names a loopback address by a domain name),
// storage.
Task<Result<Caller>> caller_of(const FaceContext& context, std::string_view face, const http::Request& request);

// The public text with every faulty field: "plan is required; one of: small. billingcode must be a string."
std::string describe(const Error& error);

// {"error":"..."}: the renderer of faces whose contracts know no more.
http::Response render_error(int status, const Error& error);

// The one way from an error of the broker to an answer: its status, WWW-Authenticate and Retry-After where they
// help, and a log line with the private detail where it is our fault.
http::Response error_response(const http::Request& request, const Error& error,
                              const http::ErrorRenderer& render = render_error);

// For GroupOptions: attaches a CallContext to the request, or answers for it. The context outlives the filter.
http::Filter authenticating(const FaceContext& context, std::string face,
                            http::ErrorRenderer render = render_error);

// For handlers behind authenticating().
const CallContext& call_of(const http::Request& request);

// The Idempotency-Key of a create; "" where there is none. ErrorCode::invalid_argument: empty, or more than one.
Result<std::string> idempotency_key_of(const http::Request& request);

// Seconds as Retry-After has them: at least 1.
std::string seconds_text(Duration duration);

}  // namespace slipway::faces
