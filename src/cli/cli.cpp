#include "cli/cli.h"

#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/completion.h"
#include "cli/dialogue.h"
#include "cli/environment.h"
#include "cli/grammar.h"
#include "cli/manual.h"
#include "cli/process.h"
#include "cli/unexpected.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kKeyDigits = 32;  // of an idempotency key: 128 bits

Exit report(const Failure& failure, std::ostream& err) {
    err << "slipway: " << failure.message << '\n';
    if (!failure.fix.empty()) err << "  fix: " << failure.fix << '\n';
    return failure.exit;
}

Outcome<Exit> act(Parsed& parsed, Environment& environment) {
    if (parsed.local) return parsed.local(environment);
    const auto settings = settings_of(parsed.common, environment);
    if (!settings) return fail(Exit::usage, settings.error().message);
    Api api(*settings, environment);
    return parsed.action(api);
}

Exit execute(Parsed& parsed, Environment& environment) {
    const auto outcome = act(parsed, environment);
    environment.out.flush();
    if (!outcome) return report(outcome.error(), environment.err);
    if (environment.out.good()) return *outcome;
    return report(
        {Exit::failed, "the output could not be written", "see what reads it, or whether the disk is full"},
        environment.err);
}

// What no help lists: for the scripts of shells, and for whoever writes the manual.
bool is_hidden(const std::vector<std::string>& arguments) {
    return !arguments.empty() && (arguments[0] == "__complete" || arguments[0] == "__manual");
}

Exit run_hidden(const std::vector<std::string>& arguments, Environment& environment,
                const std::vector<OtherCommand>& others) {
    const CommandInfo grammar = whole_grammar(others);
    if (arguments[0] == "__manual") {
        environment.out << manual_of(grammar) << std::flush;
        return Exit::ok;
    }
    for (const std::string& line : complete({arguments.begin() + 1, arguments.end()}, grammar, environment)) {
        environment.out << line << '\n';
    }
    environment.out.flush();
    return Exit::ok;
}

// What is wrong with the command line, and where it is told what would be right.
Failure misuse(const CLI::ParseError& error, const std::vector<std::string>& left,
               const std::vector<std::string>& arguments, const CommandInfo& grammar) {
    const CommandInfo* command = &grammar;
    std::string path = "slipway";
    const OptionText* awaited = nullptr;
    std::string unknown;
    for (const std::string& word : arguments) {
        if (std::exchange(awaited, nullptr) != nullptr) continue;
        if (word.starts_with('-')) {
            awaited = command->find_option(option_name(word));
            if (awaited == nullptr) awaited = grammar.find_option(option_name(word));
            // What follows may be its value.
            if (awaited == nullptr) break;
            if (awaited->value.empty() || word != option_name(word)) awaited = nullptr;
            continue;
        }
        const CommandInfo* next = command->find(word);
        if (next == nullptr) {
            unknown = command->commands.empty() ? "" : word;
            break;
        }
        command = next;
        path += " " + word;
    }
    const std::string fix = fmt::format("`{} --help` shows what may stand there", path);
    if (!unknown.empty()) {
        return {Exit::usage, fmt::format("`{}` knows no command \"{}\"", path, printable(unknown)), fix};
    }
    if (!left.empty()) return {Exit::usage, printable(unexpected(left)), fix};
    if (command == &grammar) return {Exit::usage, "a command is needed", fix};
    if (!command->commands.empty()) {
        std::string names;
        for (const CommandInfo& each : command->commands) names += (names.empty() ? "" : ", ") + each.name;
        return {Exit::usage, fmt::format("`{}` needs a command: {}", path, names), fix};
    }
    return {Exit::usage, printable(error.what()), fix};
}

std::map<std::string, std::string, std::less<>> variables_of(char** environ_block) {
    std::map<std::string, std::string, std::less<>> variables;
    for (char** entry = environ_block; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

}  // namespace

// Whatever throws below is ours to explain, not the user's to read as a crash.
int run(std::vector<std::string> arguments, Environment& environment, const std::vector<OtherCommand>& others) {
    Parsed parsed;
    CLI::App app("Slipway gives you running infrastructure for one call and takes it away again.", "slipway");
    try {
        if (is_hidden(arguments)) return static_cast<int>(run_hidden(arguments, environment, others));
        add_commands(app, parsed, others);
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        app.parse(std::move(reversed));
        parsed.wait.wait = !parsed.no_wait;
        if (!parsed.action && !parsed.local) return static_cast<int>(Exit::usage);
        return static_cast<int>(execute(parsed, environment));
    } catch (const CLI::ParseError& error) {
        // Help and version are such "errors" too.
        std::ostream nowhere(nullptr);
        if (app.exit(error, environment.out, nowhere) == 0) return static_cast<int>(Exit::ok);
        return static_cast<int>(
            report(misuse(error, app.remaining(true), arguments, describe(app)), environment.err));
    } catch (const std::exception& error) {
        environment.err << "slipway: " << error.what() << '\n';
        return static_cast<int>(Exit::failed);
    }
}

int run(int argc, char** argv, const std::vector<OtherCommand>& others, LocalImages* images) {
    Interrupts interrupts;
    SystemRandom random;
    Environment environment{.variables = variables_of(environ),
                            .out = std::cout,
                            .err = std::cerr,
                            .root = ::geteuid() == 0,
                            .call = {},
                            .pause = {},
                            .now = [] { return SystemClock().now(); },
                            .interrupted = [&] { return interrupts.seen(); },
                            .fresh_key = [&] { return random.hex(kKeyDigits); }};
    environment.out_terminal = terminal_of(STDOUT_FILENO, environment);
    environment.err_terminal = terminal_of(STDERR_FILENO, environment);
    environment.has_terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    environment.converse = [](const Dialogue& dialogue) { return converse_on_terminal(dialogue); };
    environment.confirm = [&](std::string_view question) {
        return ask_the_user(interrupts, environment.err, question);
    };
    environment.ask_secret = [&](std::string_view prompt) {
        return ask_for_a_secret(interrupts, environment.err, prompt);
    };
    environment.read_input = [&](std::size_t most) { return read_standard_input(interrupts, most); };
    environment.become = [&](const std::vector<std::string>& words) { return become_program(interrupts, words); };
    environment.call = [&](const net::Origin& origin, net::HttpCall call) {
        return call_until_interrupted(interrupts, origin, std::move(call), environment.tick, STDOUT_FILENO);
    };
    environment.do_work = [&](const auto& work, const auto& show) {
        work_until_interrupted(interrupts, work, show, environment.tick);
    };
    environment.images = images;
    environment.pause = [&](Duration delay) { pause_until_interrupted(interrupts, delay, environment.tick); };
    return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), environment, others);
}

}  // namespace slipway::cli
