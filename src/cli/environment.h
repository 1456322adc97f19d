// What the commands see of the world, so that tests can be the world.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/child.h"
#include "base/clock.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "net/http_client.h"

namespace slipway::cli {

struct Terminal {
    std::size_t width = 0;  // columns; 0: it is no terminal, and nothing is cut or written over
    bool colour = false;
};

// What takes long and is done here. It says how far it is, and ends soon after the sign is raised.
struct LongWork {
    const std::function<void(const std::string& sentence)>& say;
    const StopSign& stop;
};

// Two sides at once: what is printed somewhere else, and what is typed here.
struct Dialogue {
    net::Origin origin;
    std::string place;  // to begin at
    // What comes after a place, which the answer's Slipway-Console-Next is then.
    std::function<net::HttpCall(const std::string& place)> read;
    std::function<net::HttpCall(std::string bytes)> type;
};
// How one ended. None of these: whoever sat there left it.
struct Parting {
    int signal = 0;                               // that came
    std::optional<net::HttpAnswer> refusal = {};  // the server's last word
    std::optional<Error> error = {};              // no server answered any more
};

class LocalImages;

struct Environment {
    std::map<std::string, std::string, std::less<>> variables;
    std::ostream& out;
    std::ostream& err;
    Terminal out_terminal = {};
    Terminal err_terminal = {};
    bool root = false;  // the user is root
    std::function<Result<net::HttpAnswer>(const net::Origin&, net::HttpCall)> call;
    std::function<void(Duration)> pause;  // before something is tried again
    std::function<TimePoint()> now;
    // The user wants an end (SIGINT); then calls and pauses end at once, and calls answer ErrorCode::cancelled.
    std::function<bool()> interrupted = [] { return false; };
    // Asks whoever sits there; nullopt: nobody does.
    std::function<std::optional<bool>(std::string_view question)> confirm = [](std::string_view) {
        return std::optional<bool>();
    };
    // The same for what must not be shown while it is typed.
    std::function<std::optional<Secret>(std::string_view prompt)> ask_secret = [](std::string_view) {
        return std::optional<Secret>();
    };
    // Standard input to its end; nullopt: it cannot be read, or is longer than that.
    std::function<std::optional<std::string>(std::size_t most)> read_input = [](std::size_t) {
        return std::optional<std::string>();
    };
    bool has_terminal = false;  // standard input and output are one: somebody may type, and sees what comes
    // Gives the terminal to the other side until whoever sits there leaves with Ctrl-].
    std::function<Parting(const Dialogue&)> converse = {};
    // Becomes the program that the first of these words names; answers only where that fails, and why.
    std::function<std::string(const std::vector<std::string>& words)> become = [](const std::vector<std::string>&) {
        return std::string("not here");
    };
    std::function<std::string()> fresh_key = {};  // random: no other request ever has it
    std::function<void()> tick = {};  // where it is set, called about once a second during calls, pauses and work
    // Does the work to its end; `show` is called by the caller's own thread with what it says.
    std::function<void(const std::function<void(const LongWork&)>& work,
                       const std::function<void(const std::string& sentence)>& show)>
        do_work = [](const auto& work, const auto& show) {
            const StopSign stop;
            work({show, stop});
        };
    LocalImages* images = nullptr;  // of this machine; null: this program has none

    [[nodiscard]] std::string variable(std::string_view name) const {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
    }
};

// run() with everything passed in; `arguments` without the program's name.
int run(std::vector<std::string> arguments, Environment& environment, const std::vector<OtherCommand>& others = {});

}  // namespace slipway::cli
