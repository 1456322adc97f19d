#include "http/router.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace slipway::http {
namespace {

using Path = std::vector<std::string_view>;
using ByMethod = std::array<const Route*, kMethods>;

std::size_t index_of(Method method) { return static_cast<std::size_t>(method); }

struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> parameter;
    ByMethod routes{};
    ByMethod rest{};  // "*name" below this node
};

// Of all paths that begin with these segments.
struct Group {
    std::vector<std::string> prefix;
    GroupOptions options;
};

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        out.emplace_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    if (!out.empty() && out.back().empty()) out.pop_back();
    return out;
}

const Route* pick(const ByMethod& routes, Method method) {
    const Route* exact = routes.at(index_of(method));
    if (exact == nullptr && method == Method::head) return routes.at(index_of(Method::get));
    return exact;
}

const Route* find(const Node& node, const Path& path, std::size_t depth, Method method) {
    if (depth == path.size()) return pick(node.routes, method);
    const std::string_view segment = path[depth];
    if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
        if (const Route* found = find(*literal->second, path, depth + 1, method)) return found;
    }
    if (segment.empty()) return nullptr;
    if (node.parameter) {
        if (const Route* found = find(*node.parameter, path, depth + 1, method)) return found;
    }
    return pick(node.rest, method);
}

std::string shortened(std::string_view text) {
    constexpr std::size_t kLongest = 128;
    if (text.size() <= kLongest) return std::string(text);
    // Do not cut a character in two: the log stays valid UTF-8.
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    return std::string(text.substr(0, end)) + "...";
}

// Keys and passwords have capitals, URLs have colons.
bool is_name(std::string_view text) {
    constexpr std::size_t kLongest = 63;
    return text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
           });
}

}  // namespace

struct RouterTables {
    Node root;
    std::vector<std::unique_ptr<Route>> routes;
    std::vector<Group> groups;  // longest prefix first
    ErrorRenderer renderer = render_plain_error;
    bool optional_slash = true;
    std::string mistakes;

    void mistake(std::string_view pattern, std::string_view what) {
        mistakes += fmt::format("{}route {}: {}", mistakes.empty() ? "" : "; ", pattern, what);
    }
    [[nodiscard]] const Group* group_of(const Path& path) const {
        for (const Group& group : groups) {
            if (group.prefix.size() <= path.size() &&
                std::equal(group.prefix.begin(), group.prefix.end(), path.begin())) {
                return &group;
            }
        }
        return nullptr;
    }
    bool read_pieces(std::string_view pattern, Route& route);
    const Route** place(Method method, const Route& route);
};

// Fills the pieces; false and a mistake where the pattern is wrong.
bool RouterTables::read_pieces(std::string_view pattern, Route& route) {
    if (!pattern.starts_with('/')) return mistake(pattern, "must begin with a slash"), false;
    for (std::string& text : split(pattern)) {
        if (!route.pieces.empty() && route.pieces.back().kind == Route::Piece::Kind::rest) {
            return mistake(pattern, "'*' must stand last"), false;
        }
        Route::Piece piece;
        if (text.starts_with(':')) piece.kind = Route::Piece::Kind::parameter;
        if (text.starts_with('*')) piece.kind = Route::Piece::Kind::rest;
        piece.text = piece.kind == Route::Piece::Kind::literal ? std::move(text) : text.substr(1);
        if (piece.text.empty()) return mistake(pattern, "has an empty segment or name"), false;
        piece.redacted =
            std::ranges::count(route.options.redacted, piece.text) > 0 && piece.kind != Route::Piece::Kind::literal;
        route.pieces.push_back(std::move(piece));
    }
    for (const std::string& name : route.options.redacted) {
        if (std::ranges::none_of(route.pieces, [&](const auto& p) { return p.redacted && p.text == name; })) {
            return mistake(pattern, "has no parameter \"" + name + "\" to redact"), false;
        }
    }
    return true;
}

// The place in the tree where the route belongs.
const Route** RouterTables::place(Method method, const Route& route) {
    Node* node = &root;
    for (const Route::Piece& piece : route.pieces) {
        switch (piece.kind) {
            case Route::Piece::Kind::literal: {
                auto& next = node->literals[piece.text];
                if (!next) next = std::make_unique<Node>();
                node = next.get();
                break;
            }
            case Route::Piece::Kind::parameter:
                if (!node->parameter) node->parameter = std::make_unique<Node>();
                node = node->parameter.get();
                break;
            case Route::Piece::Kind::rest: return &node->rest.at(index_of(method));
        }
    }
    return &node->routes.at(index_of(method));
}

Router::Router() : tables_(std::make_unique<RouterTables>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, Handler handler, RouteOptions options) {
    auto route = std::make_unique<Route>(std::move(handler), std::move(options), std::vector<Route::Piece>());
    if (!tables_->read_pieces(pattern, *route)) return;
    if (route->options.label.empty()) route->options.label = pattern;
    const Route** place = tables_->place(method, *route);
    if (*place != nullptr) return tables_->mistake(pattern, "is there twice");
    *place = route.get();
    tables_->routes.push_back(std::move(route));
}

void Router::group(std::string_view prefix, GroupOptions options) {
    auto& groups = tables_->groups;
    Group group{split(prefix), std::move(options)};
    const auto same = [&](const Group& other) { return other.prefix == group.prefix; };
    if (std::ranges::any_of(groups, same)) return tables_->mistake(prefix, "is a group twice");
    const auto shorter = [&](const Group& other) { return other.prefix.size() < group.prefix.size(); };
    groups.insert(std::ranges::find_if(groups, shorter), std::move(group));
}

void Router::set_optional_trailing_slash(bool on) { tables_->optional_slash = on; }

void Router::set_error_renderer(ErrorRenderer renderer) { tables_->renderer = std::move(renderer); }

Status Router::check() const {
    if (tables_->mistakes.empty()) return {};
    return fail(ErrorCode::invalid_argument, tables_->mistakes);
}

Router::Match Router::match(Method method, const Target& target) const {
    if (target.trailing_slash() && !tables_->optional_slash) return {};
    const Path& path = target.segments();
    if (const Route* found = find(tables_->root, path, 0, method)) return {.route = found, .allow = {}};
    Match out;
    for (std::size_t i = 0; i < kMethods; ++i) {
        const auto other = static_cast<Method>(i);
        if (find(tables_->root, path, 0, other) == nullptr || other == Method::options) continue;
        out.allow += to_string(other);
        out.allow += ", ";
    }
    if (!out.allow.empty()) out.allow += to_string(Method::options);
    return out;
}

Response Router::render_error(const Path& path, int status, const Error& error) const {
    const Group* group = tables_->group_of(path);
    return group != nullptr && group->options.renderer ? group->options.renderer(status, error)
                                                       : tables_->renderer(status, error);
}

const Filter* Router::filter_for(const Path& path) const {
    const Group* group = tables_->group_of(path);
    return group != nullptr && group->options.filter ? &group->options.filter : nullptr;
}

Response render_plain_error(int status, const Error& error) {
    return Response::json(status, json::object{{"error", error.message}});
}

std::string Route::logged_path(const Path& path) const {
    if (pieces.empty()) return "/";
    std::string out;
    for (std::size_t i = 0; i < pieces.size() && i < path.size(); ++i) {
        const std::size_t end = pieces[i].kind == Piece::Kind::rest ? path.size() : i + 1;
        for (std::size_t k = i; k < end && out.size() < 1024; ++k) {
            const bool named = pieces[i].kind == Piece::Kind::literal || is_name(path[k]);
            const bool redacted = pieces[i].redacted || (options.only_names_logged && !named);
            out += '/';
            out += redacted ? "[redacted]" : shortened(path[k]);
            if (pieces[i].redacted) break;  // how many segments it had is nobody's business either
        }
    }
    return out;
}

}  // namespace slipway::http
