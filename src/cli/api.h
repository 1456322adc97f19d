// The native face as the commands use it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "cli/settings.h"

namespace slipway::cli {

// Why a command ends early. `fix` is what the user can do about it; "" where nothing is known.
struct Failure {
    Exit exit = Exit::failed;
    std::string message;
    std::string fix = {};
};
template <class T>
using Outcome = std::expected<T, Failure>;
inline std::unexpected<Failure> fail(Exit exit, std::string message, std::string fix = {}) {
    return std::unexpected(Failure{exit, std::move(message), std::move(fix)});
}

struct Request {
    std::string method = "GET";
    std::string target;
    std::string body = {};
    std::string body_type = "application/json";
    Duration patience = {};  // for how long the server may think about it beyond the usual
    bool with_key = true;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::function<bool(std::string_view)> sink = {};  // as HttpCall's
};

struct Pages {
    std::string target;  // with its filters
    std::string items;   // the member that holds them
    std::string after;   // a cursor; "": from the first
    std::size_t limit;   // of items in all
    bool whole = false;  // one answer, without pages
};

class Api {
  public:
    // Both outlive it.
    Api(const Settings& settings, Environment& environment) : settings_(settings), environment_(environment) {}

    // A 2xx with a JSON object, which is empty where the answer has no body.
    Outcome<json::object> ask(Request request);
    Outcome<json::object> get(const std::string& target, Duration patience = {});
    Outcome<json::object> post(const std::string& target, const json::object& body, Duration patience = {});
    Outcome<json::object> remove(const std::string& target);
    // A POST that makes something: where the answer is lost it is asked for again, with the same Idempotency-Key.
    Outcome<json::object> create(const std::string& target, const json::object& body);

    // A paged listing page by page. False from `take` ends it. True: there are more.
    Outcome<bool> pages(const Pages& wanted, const std::function<bool(json::array)>& take);
    // The same in one.
    Outcome<json::array> all(const Pages& wanted, bool& more);

    // The same request for who makes the call himself.
    net::HttpCall prepare(Request request);
    // Whatever the server answers, for those who look closer.
    Result<net::HttpAnswer> call(Request request);
    [[nodiscard]] Failure failure_of(const net::HttpAnswer& answer) const;
    [[nodiscard]] Failure failure_of(const Error& error) const;
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] Environment& environment() { return environment_; }

  private:
    const Settings& settings_;
    Environment& environment_;
    bool warned_ = false;
};

// Below /api/v1, each part encoded.
std::string api_path(std::initializer_list<std::string_view> parts);

}  // namespace slipway::cli
