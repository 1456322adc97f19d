// What the commands see of the world, so that tests can be the world.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/cli.h"
#include "net/http_client.h"

namespace slipway::cli {

struct Environment {
    std::map<std::string, std::string, std::less<>> variables;
    std::ostream& out;
    std::ostream& err;
    bool progress = false;  // standard error is a terminal: show what is going on
    bool root = false;      // the user is root
    std::function<Result<net::HttpAnswer>(const net::Origin&, net::HttpCall)> call;
    std::function<void(Duration)> pause;  // before something is tried again
    std::function<TimePoint()> now;

    [[nodiscard]] std::string variable(std::string_view name) const {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
    }
};

// run() with everything passed in; `arguments` without the program's name.
int run(std::vector<std::string> arguments, Environment& environment, const std::vector<OtherCommand>& others = {});

}  // namespace slipway::cli
