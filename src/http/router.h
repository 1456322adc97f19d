// Which handler answers which method and path, and what the server's own errors look like there.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "http/message.h"

namespace slipway::http {

// Called on the connection's thread; the request lives until the answer was sent. A client that hangs up does not
// stop a handler. Exceptions become a 500 and a log line.
using Handler = std::function<Task<Response>(Request&)>;

// Runs before a body is read (the request's body is still empty): an answer ends the request there.
// The place for authentication and for the media types of a face.
using Filter = std::function<Task<std::optional<Response>>(Request&)>;

// Turns an error of the server itself (400, 404, 405, 408, 413, 414, 415, 417, 431, 500, 501, 503, 505) into an
// answer. The server adds what belongs to the status (Allow, Retry-After, Connection).
using ErrorRenderer = std::function<Response(int status, const Error& error)>;

// {"error":"<public message>"}
Response render_plain_error(int status, const Error& error);

struct RouteOptions {
    std::optional<std::size_t> max_body = {};  // bytes; the server's limit otherwise
    // Path parameters that may hold a secret: the log has "[redacted]" in their place.
    std::vector<std::string> redacted = {};
    // The log has every path parameter that is no name (1 to 63 of a-z 0-9 - _) as "[redacted]" too: for routes
    // whose names and ids are such, where people mistake a key or a URL for one.
    bool only_names_logged = false;
    std::string label = {};  // for logs and metrics; the pattern otherwise
};

struct GroupOptions {
    ErrorRenderer renderer = {};  // otherwise the router's
    Filter filter = {};           // otherwise none
};

class Route;
struct RouterTables;

// Built once, then only read: by any thread. Mistakes in patterns are collected and stop Server::start.
class Router {
  public:
    Router();
    ~Router();
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;

    // Patterns: literal segments, ":name" for any one non-empty segment, "*name" at the end for one or more
    // segments. Literals win over ":name", ":name" over "*name"; where a branch has no route of the method the next
    // is tried. A GET route answers HEAD too, unless HEAD has its own; OPTIONS is answered from what is there.
    void add(Method method, std::string_view pattern, Handler handler, RouteOptions options = {});

    // For all routes and unknown paths under `prefix` (whole segments; the longest prefix wins).
    void group(std::string_view prefix, GroupOptions options);

    // "/a/" as "/a". On unless switched off.
    void set_optional_trailing_slash(bool on);
    void set_error_renderer(ErrorRenderer renderer);

    // ErrorCode::invalid_argument that names all mistakes made: bad patterns, a route twice, a redacted name that
    // the pattern does not have.
    [[nodiscard]] Status check() const;

    struct Match {
        const Route* route = nullptr;  // null: nothing matched
        std::string allow;             // where only other methods are known there: "GET, HEAD, OPTIONS"
    };
    [[nodiscard]] Match match(Method method, const Target& target) const;

    // Everything a server does with a match.
    [[nodiscard]] Response render_error(const std::vector<std::string_view>& path, int status,
                                        const Error& error) const;
    [[nodiscard]] const Filter* filter_for(const std::vector<std::string_view>& path) const;

  private:
    std::unique_ptr<RouterTables> tables_;
};

// What was added, seen from the server.
class Route {
  public:
    // Segments of a pattern.
    struct Piece {
        enum class Kind : std::uint8_t { literal, parameter, rest };
        Kind kind = Kind::literal;
        std::string text;  // the literal, or the parameter's name
        bool redacted = false;
    };

    Handler handler;
    RouteOptions options;
    std::vector<Piece> pieces;

    // The matched path for a log line: redacted, and bounded in length.
    [[nodiscard]] std::string logged_path(const std::vector<std::string_view>& path) const;
};

}  // namespace slipway::http
