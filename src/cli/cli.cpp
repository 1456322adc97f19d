#include "cli/cli.h"

#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/environment.h"

namespace slipway::cli {
namespace {

using Action = std::function<Outcome<Exit>(Api&)>;

constexpr std::string_view kStatuses =
    "Exit status: 0 done, 1 the server refused or an operation failed, 2 wrong usage, 3 not found,\n"
    "4 no key or not allowed, 5 no server answers, 6 still under way when the time was up.";

// Everything that can be given, and the command that was chosen.
struct Parsed {
    CommonOptions common;
    ListOptions list;
    OperationsOptions operations;
    WaitOptions wait;
    SweepOptions sweep;
    std::vector<std::string> names;
    std::string name;
    std::string reason;
    bool events = false;
    bool no_wait = false;
    Action action;
};

// They stand on the program and on every command, so that they may come anywhere.
void add_common_options(CLI::App& app, Parsed& parsed) {
    app.add_option("--server", parsed.common.server, "URL of the server (SLIPWAY_URL; http://127.0.0.1:3000)");
    app.add_option("--ca-file", parsed.common.ca_file,
                   "PEM file of the authorities to believe for https (SLIPWAY_CA_FILE; those of this machine)");
    app.add_option("--key-file", parsed.common.key_file, "file with the API key (SLIPWAY_KEY_FILE, SLIPWAY_KEY)");
    app.add_option("--state-dir", parsed.common.state_dir, "state directory of a server on this machine");
    app.add_flag("--json", parsed.common.json, "print JSON");
}

CLI::App* command(CLI::App& app, Parsed& parsed, const std::string& name, const std::string& help, Action action) {
    CLI::App* made = app.add_subcommand(name, help);
    add_common_options(*made, parsed);
    made->callback([&parsed, action = std::move(action)] { parsed.action = action; });
    return made;
}

void add_wait_options(CLI::App& command, Parsed& parsed) {
    command.add_option("--timeout", parsed.wait.timeout, "seconds to wait at most (900)")
        ->check(CLI::Range(0U, 86'400U));
}

void add_resource_commands(CLI::App& app, Parsed& parsed) {
    CLI::App* ls = command(app, parsed, "ls", "list resources",
                           [&parsed](Api& api) { return list_resources(api, parsed.list, parsed.common.json); });
    ls->add_option("--kind", parsed.list.kind, "cache, database-server, database, machine or cluster");
    ls->add_option("--engine", parsed.list.engine, "e.g. redis");
    ls->add_option("--plan", parsed.list.plan, "e.g. small");
    ls->add_option("--state", parsed.list.state, "e.g. ready");
    ls->add_option("--billing-code", parsed.list.billing_code, "billing code");
    ls->add_option("--label", parsed.list.labels, "NAME=VALUE; may be repeated")->allow_extra_args(false);
    ls->add_flag("--gone", parsed.list.gone, "also what is gone");
    ls->add_option("--limit", parsed.list.limit, "at most so many (1000)")->check(CLI::Range(1U, 1'000'000U));

    CLI::App* show = command(app, parsed, "show", "show one resource", [&parsed](Api& api) {
        return show_resource(api, parsed.name, parsed.events, parsed.common.json);
    });
    show->add_option("resource", parsed.name, "name or id")->required();
    show->add_flag("--events", parsed.events, "and what happened to it");

    CLI::App* rm = command(app, parsed, "rm", "remove resources and wait until they are gone", [&parsed](Api& api) {
        return remove_resources(api, parsed.names, parsed.wait, parsed.common.json);
    });
    rm->add_option("resources", parsed.names, "names or ids")->required();
    rm->add_flag("--no-wait", parsed.no_wait, "do not wait for the end");
    add_wait_options(*rm, parsed);
}

void add_operation_commands(CLI::App& app, Parsed& parsed) {
    CLI::App* ops = command(app, parsed, "ops", "list operations", [&parsed](Api& api) {
        return list_operations(api, parsed.operations, parsed.common.json);
    });
    ops->add_option("--resource", parsed.operations.resource, "of one resource, by name or id");
    ops->add_option("--kind", parsed.operations.kind, "provision, deprovision, update, repair or claim");
    ops->add_option("--state", parsed.operations.state, "e.g. failed");
    ops->add_flag("--open", parsed.operations.open, "only what has not ended");
    ops->add_option("--limit", parsed.operations.limit, "at most so many (1000)")
        ->check(CLI::Range(1U, 1'000'000U));

    CLI::App* wait = command(app, parsed, "wait", "wait until an operation has ended", [&parsed](Api& api) {
        return wait_for(api, parsed.name, parsed.wait, parsed.common.json);
    });
    wait->add_option("operation", parsed.name, "an operation's id, or a resource's name or id")->required();
    add_wait_options(*wait, parsed);

    CLI::App* stop = command(app, parsed, "cancel", "stop an operation and undo what it did", [&parsed](Api& api) {
        return cancel(api, parsed.name, parsed.reason, parsed.wait, parsed.common.json);
    });
    stop->add_option("operation", parsed.name, "an operation's id")->required();
    stop->add_option("--reason", parsed.reason, "for the record");
    stop->add_flag("--no-wait", parsed.no_wait, "do not wait for the end");
    add_wait_options(*stop, parsed);
}

void add_administration_commands(CLI::App& app, Parsed& parsed, const Environment& environment) {
    CLI::App* clean = command(app, parsed, "sweep", "look for what nobody accounts for (administrators)",
                              [&parsed](Api& api) { return sweep(api, parsed.sweep, parsed.common.json); });
    clean->add_flag("--remove", parsed.sweep.remove, "remove it; without this, only look");
    clean->add_option("--grace", parsed.sweep.grace, "seconds between first sight and removal")
        ->check(CLI::Range(0U, 31'622'400U));

    command(app, parsed, "doctor", "check this machine and its server", [&parsed, &environment](Api& api) {
        return doctor(api, state_dir(parsed.common, environment), parsed.common.json);
    });
}

Exit report(const Failure& failure, std::ostream& err) {
    err << "slipway: " << failure.message << '\n';
    if (!failure.fix.empty()) err << "  fix: " << failure.fix << '\n';
    return failure.exit;
}

// Whatever throws below is ours to explain, not the user's to read as a crash.
Exit execute(Parsed& parsed, Environment& environment) {
    const auto settings = settings_of(parsed.common, environment);
    if (!settings) return report({Exit::usage, settings.error().message, ""}, environment.err);
    Api api(*settings, environment);
    const auto outcome = parsed.action(api);
    environment.out.flush();
    return outcome ? *outcome : report(outcome.error(), environment.err);
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

void pause_for(Duration delay) {
    boost::asio::io_context context(1);
    boost::asio::steady_timer timer(context, delay);
    timer.wait();
}

}  // namespace

int run(std::vector<std::string> arguments, Environment& environment, const std::vector<OtherCommand>& others) {
    Parsed parsed;
    CLI::App app("Slipway gives you running infrastructure for one call and takes it away again.", "slipway");
    app.set_version_flag("--version", std::string("slipway ") + SLIPWAY_VERSION);
    app.require_subcommand(1);
    app.footer(std::string(kStatuses));
    add_common_options(app, parsed);
    // Listed only: the caller takes these before it comes here.
    for (const OtherCommand& other : others) app.add_subcommand(other.name, other.help)->allow_extras();
    add_resource_commands(app, parsed);
    add_operation_commands(app, parsed);
    add_administration_commands(app, parsed, environment);
    try {
        std::ranges::reverse(arguments);
        app.parse(std::move(arguments));
        parsed.wait.wait = !parsed.no_wait;
        if (!parsed.action) return static_cast<int>(Exit::usage);
        return static_cast<int>(execute(parsed, environment));
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error, environment.out, environment.err);
        return static_cast<int>(status == 0 ? Exit::ok : Exit::usage);
    } catch (const std::exception& error) {
        environment.err << "slipway: " << error.what() << '\n';
        return static_cast<int>(Exit::failed);
    }
}

int run(int argc, char** argv, const std::vector<OtherCommand>& others) {
    Environment environment{variables_of(environ),
                            std::cout,
                            std::cerr,
                            ::isatty(STDERR_FILENO) == 1,
                            ::geteuid() == 0,
                            net::http_call_blocking,
                            pause_for,
                            [] { return SystemClock().now(); }};
    return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), environment, others);
}

}  // namespace slipway::cli
