// Outgoing HTTP/1.1, plain or under TLS: one request, one answer, one connection. No product nouns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/trust.h"

namespace slipway::net {

// Where a server is, e.g. of "http://127.0.0.1:3000/base" or "https://broker.example.org".
struct Origin {
    std::string host;  // a name or an address, IPv6 without brackets
    std::uint16_t port = 80;
    std::string base;  // path prefix without a slash at its end; usually ""
    bool https = false;

    // ErrorCode::invalid_argument with what is wrong; credentials, queries and fragments are refused.
    static Result<Origin> parse(std::string_view url);
    [[nodiscard]] std::string url() const;
    [[nodiscard]] bool loopback() const;  // localhost, *.localhost, 127.0.0.0/8, ::1
};

struct HttpCall {
    std::string method = "GET";
    std::string target = "/";  // encoded: percent_encode() the parts that come from outside
    std::string body = {};     // sent where it is not empty
    std::string body_type = "application/json";
    Secret bearer = {};  // Authorization: Bearer; empty: none
    std::vector<std::pair<std::string, std::string>> headers = {};
    // Of https: whose certificates are believed. Null: those of this machine's authorities, read for this call
    // (some milliseconds: keep a Trust where there are many calls).
    std::shared_ptr<const Trust> trust = {};
    Duration connect_limit = std::chrono::seconds(5);  // for each: name look-up, connection, TLS handshake
    Duration answer_limit = std::chrono::seconds(30);  // from the connection to the last byte
    std::size_t max_answer = 64UL * 1024 * 1024;       // bytes of the answer's body
    // Only to addresses of the public Internet, whatever the name says: `forbidden` where it has no other.
    bool public_only = false;
    // Where it is set, the body of a 2xx answer goes here as it comes, however long, and not into the answer: then
    // answer_limit holds from one piece to the next. False ends the call, as if the body ended there.
    std::function<bool(std::string_view)> sink = {};
};

struct HttpAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    [[nodiscard]] std::string header(std::string_view name) const;  // "" where absent; any case
};

// Errors: unavailable (no such host, refused, closed before the answer), timeout, malformed (not HTTP, or not TLS
// where TLS was asked for), forbidden (public_only), unauthenticated (the server could not show that it is the one
// asked for), too_large, invalid_argument (a target or header that HTTP cannot carry). Messages hold neither target
// nor headers.
Task<Result<HttpAnswer>> http_call(Origin origin, HttpCall call);

// The same for callers without an executor; blocks.
Result<HttpAnswer> http_call_blocking(const Origin& origin, HttpCall call);

// For one path segment, or one name or value of a query: everything but A-Z a-z 0-9 - . _ ~ encoded.
std::string percent_encode(std::string_view text);

}  // namespace slipway::net
