#include "cli/api.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kPage = 500;

// What the server says is wrong, or its status where it says nothing.
std::string message_of(const net::HttpAnswer& answer) {
    const auto parsed = json::parse(answer.body);
    std::string said = parsed && parsed->is_object() ? json::get_string(parsed->get_object(), "error") : "";
    return said.empty() ? fmt::format("the server answered with status {}", answer.status) : printable(said);
}

}  // namespace

Result<net::HttpAnswer> Api::call(std::string method, std::string target, std::string body, Duration patience,
                                  bool with_key) {
    net::HttpCall call;
    call.trust = settings_.trust;
    call.method = std::move(method);
    call.target = std::move(target);
    call.body = std::move(body);
    call.answer_limit += patience;
    if (with_key) {
        call.bearer = settings_.key;
        const bool readable = !settings_.origin.https && !settings_.origin.loopback();
        if (!settings_.key.empty() && readable && !std::exchange(warned_, true)) {
            environment_.err << "slipway: warning: the key goes to " << printable(settings_.origin.url())
                             << " unencrypted; use https or a tunnel (ssh -L) where others can listen\n";
        }
    }
    return environment_.call(settings_.origin, std::move(call));
}

Failure Api::failure_of(const Error& error) const {
    if (error.code == ErrorCode::timeout) {
        return {Exit::unreachable, error.message, "see whether the server is overloaded; try again"};
    }
    if (error.code == ErrorCode::unauthenticated) {
        return {Exit::unreachable, error.message,
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
        case 503: return {Exit::failed, message, "try again; `slipway doctor` looks for the cause"};
        default: return {Exit::failed, message, ""};
    }
}

Outcome<json::object> Api::ask(std::string method, const std::string& target, std::string body, Duration patience) {
    const auto answer = call(std::move(method), target, std::move(body), patience);
    if (!answer) return std::unexpected(failure_of(answer.error()));
    if (answer->status < 200 || answer->status > 299) return std::unexpected(failure_of(*answer));
    auto parsed = json::parse(answer->body);
    if (!parsed || !parsed->is_object()) {
        return std::unexpected(Failure{Exit::failed,
                                       fmt::format("what answers at {} is no Slipway", settings_.origin.url()),
                                       "name another server with --server URL or SLIPWAY_URL"});
    }
    return std::move(parsed->get_object());
}

Outcome<json::object> Api::get(const std::string& target, Duration patience) {
    return ask("GET", target, {}, patience);
}

Outcome<json::object> Api::post(const std::string& target, const json::object& body, Duration patience) {
    return ask("POST", target, json::dump(body), patience);
}

Outcome<json::object> Api::remove(const std::string& target) { return ask("DELETE", target, {}, {}); }

Outcome<json::array> Api::all(const std::string& target, std::string_view items, std::size_t limit, bool& more) {
    json::array found;
    std::string after;
    more = false;
    do {
        const std::size_t wanted = std::min(kPage, limit - found.size());
        std::string page =
            fmt::format("{}{}limit={}", target, target.find('?') == std::string::npos ? '?' : '&', wanted);
        if (!after.empty()) page += "&after=" + net::percent_encode(after);
        auto answer = get(page);
        if (!answer) return std::unexpected(std::move(answer.error()));
        after = json::get_string(*answer, "next");
        auto* listed = answer->if_contains(items);
        if (listed == nullptr || !listed->is_array()) {
            return std::unexpected(Failure{Exit::failed, "the server's answer is not understood",
                                           "use a `slipway` of the server's version"});
        }
        for (json::value& item : listed->get_array()) found.push_back(std::move(item));
    } while (!after.empty() && found.size() < limit);
    more = !after.empty();
    return found;
}

}  // namespace slipway::cli
