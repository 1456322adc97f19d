#include "cli/api.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kPage = 1000;
constexpr int kTries = 3;  // of a request that may be repeated
constexpr Duration kBetweenTries = std::chrono::milliseconds(500);

// What the server says is wrong, or its status where it says nothing.
std::string message_of(const net::HttpAnswer& answer) {
    const auto parsed = json::parse(answer.body);
    const std::string said = parsed && parsed->is_object() ? json::get_string(parsed->get_object(), "error") : "";
    return said.empty() ? fmt::format("the server answered with status {}", answer.status) : printable(said);
}

std::unexpected<Failure> not_understood() {
    return fail(Exit::failed, "the server's answer is not understood", "use a `slipway` of the server's version");
}

}  // namespace

net::HttpCall Api::prepare(Request request) {
    net::HttpCall call;
    call.trust = settings_.trust;
    call.method = std::move(request.method);
    call.target = std::move(request.target);
    call.body = std::move(request.body);
    call.body_type = std::move(request.body_type);
    call.headers = std::move(request.headers);
    call.sink = std::move(request.sink);
    call.answer_limit += request.patience;
    if (request.with_key) {
        call.bearer = settings_.key;
        const bool readable = !settings_.origin.https && !settings_.origin.loopback();
        if (!settings_.key.empty() && readable && !std::exchange(warned_, true)) {
            environment_.err << "slipway: warning: the key goes to " << printable(settings_.origin.url())
                             << " unencrypted; use https or a tunnel (ssh -L) where others can listen\n";
        }
    }
    return call;
}

Result<net::HttpAnswer> Api::call(Request request) {
    return environment_.call(settings_.origin, prepare(std::move(request)));
}

Failure Api::failure_of(const Error& error) const {
    if (error.code == ErrorCode::cancelled) return {Exit::interrupted, "interrupted"};
    if (error.code == ErrorCode::timeout) {
        return {Exit::unreachable, error.message, "see whether the server is overloaded; try again"};
    }
    if (error.code == ErrorCode::unauthenticated) {
        return {
            Exit::unreachable, error.message,
            "ask for it by a name that its certificate has; name the authority that signed it with --ca-file FILE "
            "or SLIPWAY_CA_FILE; renew it where it has expired"};
    }
    if (error.code == ErrorCode::malformed && settings_.origin.https) {
        return {Exit::unreachable, error.message, "where the server has no certificate, write http:// instead"};
    }
    return {Exit::unreachable, error.message,
            "start a server with `slipway serve`, or name the one that runs with --server URL or SLIPWAY_URL"};
}

Failure Api::failure_of(const net::HttpAnswer& answer) const {
    const std::string message = message_of(answer);
    const std::string how = "--key-file FILE, SLIPWAY_KEY_FILE or SLIPWAY_KEY";
    switch (answer.status) {
        case 401:
            if (settings_.key.empty()) {
                return {Exit::unauthenticated, "no API key was found (looked at " + settings_.key_source + ")",
                        "name one with " + how};
            }
            return {Exit::unauthenticated,
                    fmt::format("the server does not know the key from {}", settings_.key_source),
                    "name another with " + how};
        case 403: return {Exit::unauthenticated, message, "use a key that may do this: " + how};
        case 404: return {Exit::not_found, message, "`slipway ls` lists what this key can see"};
        case 412: return {Exit::failed, message, "look at it with `slipway show`, then name its present version"};
        case 429: return {Exit::failed, message, "try again in a moment"};
        case 503: return {Exit::failed, message, "try again; `slipway doctor` looks for the cause"};
        default: return {Exit::failed, message};
    }
}

Outcome<json::object> Api::ask(Request request) {
    const auto answer = call(std::move(request));
    if (!answer) return std::unexpected(failure_of(answer.error()));
    if (answer->status < 200 || answer->status > 299) return std::unexpected(failure_of(*answer));
    if (answer->body.empty()) return json::object();
    auto parsed = json::parse(answer->body);
    if (!parsed || !parsed->is_object()) {
        return fail(Exit::failed, fmt::format("what answers at {} is no Slipway", settings_.origin.url()),
                    "name another server with --server URL or SLIPWAY_URL");
    }
    return std::move(parsed->get_object());
}

Outcome<json::object> Api::get(const std::string& target, Duration patience) {
    return ask({.method = "GET", .target = target, .patience = patience});
}

Outcome<json::object> Api::post(const std::string& target, const json::object& body, Duration patience) {
    return ask({.method = "POST", .target = target, .body = json::dump(body), .patience = patience});
}

Outcome<json::object> Api::remove(const std::string& target) { return ask({.method = "DELETE", .target = target}); }

Outcome<json::object> Api::create(const std::string& target, const json::object& body) {
    const Request request{.method = "POST",
                          .target = target,
                          .body = json::dump(body),
                          .headers = {{"Idempotency-Key", environment_.fresh_key()}}};
    for (int left = kTries - 1;; --left) {
        auto made = ask(request);
        if (made || made.error().exit != Exit::unreachable || left == 0) return made;
        environment_.pause(kBetweenTries);
    }
}

Outcome<bool> Api::pages(const Pages& wanted, const std::function<bool(json::array)>& take) {
    const auto& [target, items, first, limit, whole] = wanted;
    std::string after = first;
    std::size_t found = 0;
    for (;;) {
        std::string page = target;
        if (!whole) {
            page += fmt::format("{}limit={}", page.contains('?') ? '&' : '?', std::min(kPage, limit - found));
        }
        if (!after.empty()) page += "&after=" + net::percent_encode(after);
        auto answer = get(page);
        if (!answer) return std::unexpected(std::move(answer.error()));
        const json::value* next = answer->if_contains("next");
        const std::string cursor = next == nullptr || next->is_null() ? "" : cell(*next);
        auto* listed = answer->if_contains(items);
        if (listed == nullptr || !listed->is_array() || (!cursor.empty() && cursor == after))
            return not_understood();
        found += listed->get_array().size();
        after = cursor;
        if (!take(std::move(listed->get_array()))) return !after.empty();
        if (after.empty() || found >= limit) return !after.empty();
    }
}

Outcome<json::array> Api::all(const Pages& wanted, bool& more) {
    json::array found;
    const auto listed = pages(wanted, [&](json::array page) {
        for (json::value& item : page) found.push_back(std::move(item));
        return true;
    });
    if (!listed) return std::unexpected(listed.error());
    more = *listed;
    return found;
}

std::string api_path(std::initializer_list<std::string_view> parts) {
    std::string path = "/api/v1";
    for (const std::string_view part : parts) path += "/" + net::percent_encode(part);
    return path;
}

}  // namespace slipway::cli
