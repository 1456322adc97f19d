// What a handler sees of a request and what it answers, in words of no HTTP library.
#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/task.h"
#include "http/target.h"

namespace slipway::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options };
inline constexpr std::size_t kMethods = 7;

std::string_view to_string(Method method);                  // "GET", ...
std::optional<Method> parse_method(std::string_view text);  // case-sensitive, as RFC 9110 has it

// Header fields of a request in the order of arrival. Names compare without regard to case.
// Movable; views stay valid when it is moved. Values of `authorization` and the like are secrets: never log one.
class Headers {
  public:
    Headers() = default;
    Headers(Headers&&) = default;
    Headers& operator=(Headers&&) = default;

    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;  // the first of that name
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    [[nodiscard]] std::size_t size() const { return fields_.size(); }
    void add(std::string name, std::string value);

  private:
    friend struct RequestAccess;
    std::vector<char> block_;  // the head as it came; fields_ point into it or into added_
    std::list<std::pair<std::string, std::string>> added_;
    std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// One request. It lives until its response has been sent. Movable, never copied.
class Request {
  public:
    Method method = Method::get;
    Headers headers;
    std::string body;
    std::string request_id;
    std::string peer;                   // "ADDR:PORT" of the client
    std::size_t listener = 0;           // index into Server::listeners()
    bool loopback_listener = false;     // it came in on a loopback address
    std::string_view listener_address;  // the bound address, "ADDR:PORT"

    // Percent-decoded, valid UTF-8, never "." or "..", no control characters, no slash inside a segment.
    [[nodiscard]] const std::vector<std::string_view>& path() const { return target_.segments(); }
    // Decoded value of the first query parameter of that name.
    [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const { return target_.query(name); }
    [[nodiscard]] const std::vector<Target::Parameter>& query() const { return target_.parameters(); }
    // Decoded value of a path parameter; "" when the route has none of that name.
    [[nodiscard]] std::string_view param(std::string_view name) const;

    // A slot for what a filter found out (the caller's identity), typed: attach(Caller{...}), attached<Caller>().
    template <class T>
    void attach(T value) {
        attached_ = std::move(value);
    }
    template <class T>
    [[nodiscard]] const T* attached() const {
        return std::any_cast<T>(&attached_);
    }

  private:
    friend struct RequestAccess;
    Target target_;
    std::vector<std::pair<std::string_view, std::string_view>> params_;  // names belong to the route
    std::string rest_;                                                   // text of a "*name" parameter
    std::any attached_;
};

// A request made in process, for tests of handlers. Fails like the server would on a bad target.
Result<Request> make_request(Method method, std::string_view target, std::string body = {});

// Sends a body piece by piece. Used by one coroutine at a time, on the connection's thread.
class Writer {
  public:
    virtual ~Writer() = default;
    // Completes when the kernel has taken the bytes. Fails with `cancelled` once the client is gone, is too slow,
    // or the server cuts the connection: stop then. `bytes` must live until it completes. Empty: nothing is sent.
    virtual Task<Status> write(std::string_view bytes) = 0;
    // Waits; returns early with false when the server begins to stop: end the stream then.
    virtual Task<bool> pause(Duration delay) = 0;
    [[nodiscard]] virtual bool stopping() const = 0;
};

// Runs after the head was sent. A failure or an exception cuts the connection, so that the client can see
// that the body is not whole. A client that leaves is noticed at the next write: send heartbeats.
using StreamBody = std::function<Task<Status>(Writer&)>;

struct Response {
    int status = 200;
    std::string content_type;  // "" sends none
    std::variant<std::string, StreamBody> body;
    // The server itself writes Content-Type (of above), Content-Length, Transfer-Encoding, Connection, Date, Server
    // and X-Request-Id: those are ignored here. A name or value that HTTP cannot carry makes the answer a 500.
    std::vector<std::pair<std::string, std::string>> headers;

    static Response json(int status, const json::value& value);
    static Response text(int status, std::string body);
    static Response empty(int status);
    static Response stream(std::string content_type, StreamBody body);
    Response&& with(std::string name, std::string value) &&;
};

inline constexpr std::string_view kJsonType = "application/json; charset=UTF-8";

std::string_view status_text(int status);  // the reason phrase; "Unknown" for a status we never heard of

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only

}  // namespace slipway::http
