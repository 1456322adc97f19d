// A request target: what is accepted is written out again and read back the same; the path that is logged holds no
// part of a redacted parameter; no error repeats what came in.
#include <fmt/format.h>

#include "base/text.h"
#include "faces/query.h"
#include "fuzz/fuzz.h"
#include "http/request_access.h"
#include "http/router.h"
#include "net/http_client.h"

namespace slipway::fuzz {
namespace {

using http::Target;

std::string written(const Target& target) {
    if (target.asterisk()) return "*";
    std::string out;
    for (const std::string_view segment : target.segments()) out += "/" + net::percent_encode(segment);
    if (target.trailing_slash() || out.empty()) out += "/";
    char separator = '?';
    for (const auto& [name, value] : target.parameters()) {
        out += fmt::format("{}{}={}", separator, net::percent_encode(name), net::percent_encode(value));
        separator = '&';
    }
    return out;
}

void check_clean(const Target& target, std::string_view input) {
    for (const std::string_view segment : target.segments()) {
        check(valid_utf8(segment), "a segment is UTF-8", input);
        check(segment != "." && segment != "..", "no segment leads elsewhere", input);
        for (const char c : segment) {
            check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/', "a segment is clean", input);
        }
    }
    for (const auto& [name, value] : target.parameters()) {
        check(valid_utf8(name) && valid_utf8(value), "parameters are UTF-8", input);
    }
}

const http::Router& router() {
    static const http::Router routes = [] {
        http::Router made;
        const auto nothing = [](http::Request&) -> Task<http::Response> { co_return http::Response::empty(204); };
        const auto add = [&](std::string_view pattern, std::vector<std::string> redacted) {
            made.add(http::Method::get, pattern, nothing, {.redacted = std::move(redacted)});
        };
        add("/v1/redis/url/:name", {"name"});
        add("/v1/redis/instance/:name", {"name"});
        add("/v1/redis/instance", {});
        add("/api/v1/resources/:id/events", {});
        add("/files/:kind/*rest", {"rest"});
        add("/open/*rest", {});
        check(made.check().has_value(), "the routes are right");
        return made;
    }();
    return routes;
}

void check_logged(const Target& target, std::string_view input) {
    const auto match = router().match(http::Method::get, target);
    if (match.route == nullptr) return;
    const std::string path = match.route->logged_path(target.segments());
    check(path.size() <= 2048 && valid_utf8(path), "a logged path is bounded and clean", path);
    const auto& pieces = match.route->pieces;
    bool redacted = false;
    for (std::size_t i = 0; i < target.segments().size(); ++i) {
        const auto& piece = pieces[std::min(i, pieces.size() - 1)];
        redacted = redacted || piece.redacted;
        const bool secret = piece.redacted && target.segments()[i].contains(kCanary);
        const bool elsewhere = !piece.redacted && target.segments()[i].contains(kCanary);
        if (elsewhere) return;  // it may be in the log for that reason
        check(!secret || !path.contains(kCanary), "a redacted parameter is not logged", input);
    }
    check(!redacted || path.contains("[redacted]"), "what was redacted is said to be", path);
}

// A reader that knows nearly nothing: nearly every query is a mistake, and the answer names no value.
void check_query(std::string_view input) {
    const auto request = http::make_request(http::Method::get, input);
    if (!request) return;
    faces::QueryReader query(*request);
    const auto text = query.text("plan", 20);
    const auto flag = query.boolean("pooled");
    const auto number = query.integer("wait", 0, 60);
    const PageRequest page = query.page();
    const auto labels = query.prefixed("label.");
    const Status good = query.finish();
    check(!text || (!text->empty() && text->size() <= 20), "a text is within its bounds", input);
    check(!number || (*number >= 0 && *number <= 60), "a number is within its bounds", input);
    check(page.limit >= 1 && page.limit <= 1000, "a page is within its bounds", input);
    bool named = false;
    std::size_t known = 0;
    for (const auto& [name, value] : request->query()) {
        named = named || name.contains(kCanary);
        known += name == "plan" || name == "pooled" || name == "wait" ? 1 : 0;
    }
    if (good) {
        check(known == static_cast<std::size_t>(text.has_value()) + (flag ? 1 : 0) + (number ? 1 : 0),
              "what was given is what was read", input);
        return;
    }
    check(good.error().code == ErrorCode::invalid_argument && !good.error().message.empty(),
          "the error is precise");
    for (const FieldProblem& problem : good.error().problems) {
        check(named || !(problem.field + problem.problem).contains(kCanary), "no error repeats a value", input);
    }
}

}  // namespace

void http_target(std::string_view input) {
    Target target;
    if (const Status parsed = target.parse(input); !parsed) {
        check(parsed.error().code == ErrorCode::malformed, "a wrong target is malformed", input);
        check(!parsed.error().message.contains(kCanary), "no error repeats the target", parsed.error().message);
        return;
    }
    check_clean(target, input);
    const std::string canonical = written(target);
    Target again;
    const Status parsed = again.parse(canonical);
    check(parsed.has_value(), "what was accepted is accepted when it is written out", canonical);
    check(again.segments() == target.segments() && again.parameters() == target.parameters() &&
              again.trailing_slash() == target.trailing_slash() && again.asterisk() == target.asterisk(),
          "and means the same", canonical);
    check(written(again) == canonical, "there is one way to write it", canonical);
    check_logged(target, input);
    check_query(input);
}

}  // namespace slipway::fuzz
