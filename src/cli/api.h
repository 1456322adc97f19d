// The native face as the commands use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/settings.h"

namespace slipway::cli {

// Why a command ends early. `fix` is what the user can do about it; "" where nothing is known.
struct Failure {
    Exit exit = Exit::failed;
    std::string message;
    std::string fix;
};
template <class T>
using Outcome = std::expected<T, Failure>;

class Api {
  public:
    // Both outlive it.
    Api(const Settings& settings, Environment& environment) : settings_(settings), environment_(environment) {}

    // A 2xx with a JSON object. `patience`: for how long the server may think about it beyond the usual.
    Outcome<json::object> get(const std::string& target, Duration patience = {});
    Outcome<json::object> post(const std::string& target, const json::object& body, Duration patience = {});
    Outcome<json::object> remove(const std::string& target);

    // Every item of a paged listing, at most `limit`; `more` is set where there are more.
    Outcome<json::array> all(const std::string& target, std::string_view items, std::size_t limit, bool& more);

    // Whatever the server answers, for those who look closer.
    Result<net::HttpAnswer> call(std::string method, std::string target, std::string body = {},
                                 Duration patience = {}, bool with_key = true);
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] Environment& environment() { return environment_; }

  private:
    Outcome<json::object> ask(std::string method, const std::string& target, std::string body, Duration patience);
    [[nodiscard]] Failure failure_of(const net::HttpAnswer& answer) const;
    [[nodiscard]] Failure failure_of(const Error& error) const;

    const Settings& settings_;
    Environment& environment_;
    bool warned_ = false;
};

}  // namespace slipway::cli
