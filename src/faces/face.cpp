#include "faces/face.h"

#include <algorithm>
#include <array>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "faces/trace.h"
#include "http/auth.h"
#include "http/error_status.h"

namespace slipway::faces {
namespace {

constexpr std::array<std::string_view, 4> kOnceOpen = {"redis", "memcached", "ec2", "bigdata"};

// How long a caller should leave us alone; nothing where trying again does not help.
std::optional<Duration> retry_after(ErrorCode code) {
    switch (code) {
        case ErrorCode::storage: return std::chrono::seconds(1);
        case ErrorCode::unavailable: return std::chrono::seconds(5);
        case ErrorCode::exhausted: return std::chrono::seconds(30);
        case ErrorCode::invalid_argument:
        case ErrorCode::malformed:
        case ErrorCode::unauthenticated:
        case ErrorCode::forbidden:
        case ErrorCode::not_found:
        case ErrorCode::conflict:
        case ErrorCode::idempotency_reuse:
        case ErrorCode::too_large:
        case ErrorCode::timeout:
        case ErrorCode::provider_failure:
        case ErrorCode::precondition_failed:
        case ErrorCode::superseded:
        case ErrorCode::cancelled:
        case ErrorCode::internal: return std::nullopt;
    }
    return std::nullopt;
}

// A name that somebody may have made point here; what has no dot is this machine's own, or one of its network.
bool is_foreign_name(std::string_view host) {
    if (host.starts_with('[')) return false;  // an IPv6 address
    host = host.substr(0, host.find(':'));
    boost::system::error_code wrong;
    static_cast<void>(boost::asio::ip::make_address(host, wrong));
    return static_cast<bool>(wrong) && host.contains('.') && !host.ends_with(".localhost");
}

// Any page that a browser on this machine shows can send requests to a loopback address. With most it says so by an
// Origin; images and links have none, but Sec-Fetch-Site, which is "none" only for what the user typed. A page
// whose own name was made to point here is of the same origin, and is known by that name.
bool is_of_a_web_page(const http::Request& request) {
    if (request.headers.get("origin")) return true;
    if (request.headers.get("sec-fetch-site").value_or("none") != "none") return true;
    return request.loopback_listener && is_foreign_name(request.headers.get("host").value_or(""));
}

Caller anonymous_caller() {
    return Caller{OrganizationId(kAnonymousOrganization), Role::user, std::string(kAnonymousOrganization)};
}

}  // namespace

bool may_be_anonymous(std::string_view face) { return std::ranges::find(kOnceOpen, face) != kOnceOpen.end(); }

Task<Result<Caller>> caller_of(const FaceContext& context, std::string_view face, const http::Request& request) {
    auto credentials = http::credentials_of(request);
    if (!credentials) co_return fail(std::move(credentials.error()));
    if (*credentials) co_return co_await context.broker.authenticate((*credentials)->secret);
    const bool open =
        may_be_anonymous(face) && (request.loopback_listener || context.options.anonymous.contains(face));
    if (!open) {
        co_return fail(ErrorCode::unauthenticated, "an API key is needed: send it as Authorization: Bearer KEY");
    }
    if (is_of_a_web_page(request)) {
        co_return fail(ErrorCode::forbidden,
                       "web pages need an API key here: send it as Authorization: Bearer KEY");
    }
    co_return anonymous_caller();
}

http::Filter authenticating(const FaceContext& context, std::string face, http::ErrorRenderer render) {
    return [&context, face = std::move(face),
            render = std::move(render)](http::Request& request) -> Task<std::optional<http::Response>> {
        auto caller = co_await caller_of(context, face, request);
        if (!caller) co_return error_response(request, caller.error(), render);
        request.attach(CallContext{std::move(*caller), request.request_id, trace_of(request)});
        co_return std::nullopt;
    };
}

const CallContext& call_of(const http::Request& request) {
    // Without a filter nobody is known, and the least that can be is a stranger who may read what he owns: nothing.
    static const CallContext nobody{Caller{OrganizationId(), Role::reader, "nobody"}, "", ""};
    const auto* call = request.attached<CallContext>();
    return call != nullptr ? *call : nobody;
}

std::string describe(const Error& error) {
    if (error.problems.empty()) return error.message;
    std::string text;
    for (const FieldProblem& problem : error.problems) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ". ", problem.field, problem.problem);
    }
    return text;
}

http::Response render_error(int status, const Error& error) {
    return http::Response::json(status, json::object{{"error", describe(error)}});
}

http::Response error_response(const http::Request& request, const Error& error, const http::ErrorRenderer& render) {
    const int status = http::status_of(error.code);
    // A provider's failure is told to its owner and stands in the operation's events.
    if (status >= 500 && error.code != ErrorCode::provider_failure) {
        log::error("faces", "a request failed",
                   {{"request", request.request_id},
                    {"trace", trace_of(request)},
                    {"code", std::string(to_string(error.code))},
                    {"error", error.message},
                    {"detail", error.detail}});
    }
    http::Response response = render(status, error);
    if (error.code == ErrorCode::unauthenticated) {
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"slipway\"");
    }
    if (const auto delay = retry_after(error.code)) {
        response.headers.emplace_back("Retry-After", seconds_text(*delay));
    }
    return response;
}

Result<std::string> idempotency_key_of(const http::Request& request) {
    const auto keys = request.headers.all("idempotency-key");
    if (keys.empty()) return std::string();
    const auto wrong = [](std::string what) {
        return fail(Error{ErrorCode::invalid_argument, "Idempotency-Key " + what, {}, {{"Idempotency-Key", what}}});
    };
    if (keys.size() > 1) return wrong("came more than once");
    if (keys.front().empty()) return wrong("must not be empty");
    return std::string(keys.front());
}

std::string seconds_text(Duration duration) {
    return fmt::format(
        "{}", std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(duration).count()));
}

}  // namespace slipway::faces
