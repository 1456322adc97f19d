#include "cli/console.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/grammar.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::chrono::seconds kWait(20);  // for more
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kServerAway = std::chrono::minutes(1);  // of one that answered before
constexpr unsigned kMostLines = 10'000;
constexpr unsigned kLinesBefore = 20;                   // that are shown before somebody types
constexpr std::uint64_t kTail = 64UL * 1024;            // bytes
constexpr std::uint64_t kMostTail = 2UL * 1024 * 1024;  // more is never kept
constexpr std::uint64_t kBytesForALine = 512;           // usually more than enough
constexpr std::size_t kMostHeld = 8UL * 1024 * 1024;    // bytes

std::string last_lines(std::string text, unsigned lines) {
    std::size_t at = text.size();
    if (text.ends_with('\n')) --at;
    if (lines == 0) return {};
    for (; at > 0; --at) {
        if (text[at - 1] == '\n' && --lines == 0) break;
    }
    return text.substr(at);
}

class Console {
  public:
    Console(Api& api, const ConsoleOptions& options)
        : api_(api), options_(options), target_(api_path({"resources", options.name, "console"})) {}

    Outcome<Exit> show() {
        if (auto begun = begin(options_.lines); !begun) return std::unexpected(std::move(begun.error()));
        while (options_.follow) {
            if (api_.environment().interrupted()) return Exit::interrupted;
            auto more = next(kWait);
            if (!more) return std::unexpected(std::move(more.error()));
            print(*more);
            if (!api_.environment().out.good()) break;
        }
        return Exit::ok;
    }

    Outcome<Exit> type() {
        Environment& environment = api_.environment();
        environment.err << fmt::format("the console of {}; leave it with Ctrl-]\n", printable(options_.name))
                        << std::flush;
        raw_ = true;
        if (auto begun = begin(options_.lines.value_or(kLinesBefore)); !begun) {
            return std::unexpected(std::move(begun.error()));
        }
        Dialogue dialogue{.origin = api_.settings().origin, .place = place_, .read = {}, .type = {}};
        dialogue.read = [this](const std::string& place) { return api_.prepare(request(place, kWait)); };
        dialogue.type = [this](std::string bytes) {
            return api_.prepare({.method = "POST",
                                 .target = target_,
                                 .body = std::move(bytes),
                                 .body_type = "application/octet-stream"});
        };
        const Parting parting = environment.converse(dialogue);
        if (parting.refusal) return std::unexpected(api_.failure_of(*parting.refusal));
        if (parting.error) return std::unexpected(api_.failure_of(*parting.error));
        if (parting.signal != 0) return static_cast<Exit>(128 + parting.signal);  // as shells have it
        environment.err << fmt::format("left the console of {}\n", printable(options_.name));
        return Exit::ok;
    }

  private:
    Request request(const std::string& place, std::chrono::seconds wait) const {
        return {.target = fmt::format("{}?after={}&wait={}", target_, net::percent_encode(place), wait.count()),
                .patience = wait};
    }

    // What there is, or its last lines.
    Outcome<void> begin(std::optional<unsigned> lines) {
        std::uint64_t tail = kTail;
        if (lines) tail = *lines == 0 ? 0 : std::min(kMostTail, std::max(kTail, *lines * kBytesForALine));
        auto first = answer_to({.target = fmt::format("{}?tail={}", target_, tail)});
        std::string held;
        while (first && !first->empty() && held.size() < kMostHeld) {
            held += *first;
            first = next(std::chrono::seconds(0));
        }
        if (!first) return std::unexpected(std::move(first.error()));
        if (lines && !held.empty()) held = last_lines(std::move(held), *lines);
        print(held);
        return {};
    }

    Outcome<std::string> next(std::chrono::seconds wait) { return answer_to(request(place_, wait)); }

    Outcome<std::string> answer_to(Request wanted) {
        for (;;) {
            auto answer = api_.call(wanted);
            if (answer && answer->status == 200) {
                heard_ = api_.environment().now();
                place_ = answer->header("slipway-console-next");
                if (answer->header("slipway-console-lost") == "true") {
                    api_.environment().err << "slipway: a part of the console is kept no longer\n";
                }
                return std::move(answer->body);
            }
            if (answer) return std::unexpected(api_.failure_of(*answer));
            if (!worth_another_try(answer.error())) return std::unexpected(api_.failure_of(answer.error()));
        }
    }
    // A server that starts anew has the same consoles.
    bool worth_another_try(const Error& error) {
        Environment& environment = api_.environment();
        if (!options_.follow || error.code != ErrorCode::unavailable || !heard_) return false;
        if (environment.now() - *heard_ > kServerAway || environment.interrupted()) return false;
        environment.pause(kRetry);
        return true;
    }

    void print(std::string_view text) {
        Environment& environment = api_.environment();
        if (raw_ || environment.out_terminal.width == 0) {
            environment.out << text;
        } else {
            environment.out << plain_.take(text);
        }
        environment.out.flush();
    }

    Api& api_;
    const ConsoleOptions& options_;
    std::string target_;
    std::string place_;
    std::optional<TimePoint> heard_;
    PlainText plain_;
    bool raw_ = false;
};

bool ends_sequence(unsigned char c) { return c >= 0x40 && c <= 0x7e; }

}  // namespace

void PlainText::take_text(unsigned char c, std::string& to) {
    if (std::exchange(c2_, false)) {
        // U+0080 to U+009F are control characters too, and some terminals obey them.
        if (c >= 0x80 && c < 0xa0) {
            to += '?';
            return;
        }
        to += '\xc2';
    }
    if (c == 0x1b) {
        state_ = State::escape;
    } else if (c == 0xc2) {
        c2_ = true;
    } else if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f)) {
        to += static_cast<char>(c);
    } else if (c != '\r') {
        to += '?';
    }
}

void PlainText::take(char byte, std::string& to) {
    const auto c = static_cast<unsigned char>(byte);
    switch (state_) {
        case State::text: return take_text(c, to);
        case State::escape:
            if (c == '[') {
                state_ = State::sequence;
            } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
                state_ = State::string;
            } else {
                state_ = c >= 0x20 && c < 0x30 ? State::intermediate : State::text;
            }
            return;
        case State::intermediate:
            if (c < 0x20 || c >= 0x30) state_ = State::text;
            return;
        case State::sequence:
            if (ends_sequence(c)) state_ = State::text;
            if (c < 0x20) {  // none of a sequence's: it was cut off
                state_ = State::text;
                take_text(c, to);
            }
            return;
        case State::string:
            if (c == 0x1b) state_ = State::string_escape;
            // One that never ends must not swallow what follows.
            if (c == 0x07 || c == '\n') state_ = State::text;
            return;
        case State::string_escape: state_ = State::text; return;
    }
}

std::string PlainText::take(std::string_view piece) {
    std::string text;
    for (const char c : piece) take(c, text);
    return text;
}

Outcome<Exit> open_console(Api& api, const ConsoleOptions& options) {
    const Environment& environment = api.environment();
    const bool types = environment.has_terminal && environment.converse && !options.follow && !options.no_input;
    Console console(api, options);
    return types ? console.type() : console.show();
}

void add_console_command(CLI::App& app, Parsed& parsed) {
    CLI::App* console =
        add_command(app, parsed,
                    {"console", "sit at the console of a machine, or show what it printed", "Resources",
                     "  slipway console web1\n  slipway console web1 --follow\n"
                     "  slipway console web1 --lines 100 --no-input | grep -i error"},
                    [&parsed](Api& api) { return open_console(api, parsed.console); });
    add_argument(*console, "RESOURCE", parsed.console.name, "the machine's name or id");
    console->add_flag("-f,--follow", parsed.console.follow, "show what comes until interrupted; type nothing");
    console->add_flag("--no-input", parsed.console.no_input, "show what there is and end, on a terminal too");
    console->add_option("--lines", parsed.console.lines, "begin with so many of the last lines")
        ->type_name("N")
        ->check(CLI::Range(0U, kMostLines).description(""));
}

}  // namespace slipway::cli
