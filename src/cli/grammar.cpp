#include "cli/grammar.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/contains.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kStatuses =
    "Exit status: 0 done, 1 the server refused or an operation failed, 2 wrong usage, 3 not found,\n"
    "4 no key or not allowed, 5 no server answers, 6 still under way when the time was up, 130 interrupted,\n"
    "141 whoever read the output left.";
constexpr std::size_t kHelpColumn = 32;
constexpr std::string_view kCommon = "Common options";

// Values by their names alone; what is required stands in the usage.
class Help final : public CLI::Formatter {
  public:
    Help() {
        column_width(kHelpColumn);
        label("SUBCOMMAND", "COMMAND");
        label("Positionals", "Arguments");
    }
    // One empty line between groups: whoever calls this adds another one after all but the last.
    std::string make_group(std::string group, bool arguments,
                           std::vector<const CLI::Option*> options) const override {
        const bool last = group == kCommon;
        const std::string text = CLI::Formatter::make_group(std::move(group), arguments, std::move(options));
        return last ? text.substr(1) : text;
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_positional() || option->get_type_size() == 0) return {};
        return " " + option->get_type_name();
    }
};

// They stand on the program and on every command, so that they may come anywhere.
void add_common_options(CLI::App& app, Parsed& parsed) {
    const std::string group(kCommon);
    CommonOptions& common = parsed.common;
    add_value(app, "--server", common.server, "URL", "the server (SLIPWAY_URL; http://127.0.0.1:3000)")
        ->group(group);
    add_value(app, "--ca-file", common.ca_file, "FILE",
              "PEM file of the authorities to believe for https (SLIPWAY_CA_FILE; those of this machine)")
        ->group(group);
    add_value(app, "--key-file", common.key_file, "FILE", "holds the API key (SLIPWAY_KEY_FILE, SLIPWAY_KEY)")
        ->group(group);
    add_value(app, "--state-dir", common.state_dir, "DIR", "state directory of a server on this machine")
        ->group(group);
    app.add_flag("--json", common.json, "print the API's own JSON")->group(group);
}

void finish(CLI::App& app, Parsed& parsed) {
    add_common_options(app, parsed);
    for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
        if (!command->get_allow_extras()) finish(*command, parsed);
    }
}

OptionText describe(const CLI::Option& option) {
    OptionText text;
    if (option.get_positional()) text.names.push_back(option.get_name(true, false));
    if (!option.get_positional()) {
        for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
    }
    if (option.get_type_size() != 0) text.value = option.get_type_name();
    text.help = option.get_description();
    text.several = option.get_expected_max() > 1;
    text.required = option.get_required();
    text.common = option.get_group() == kCommon || contains(text.names, "--help");
    return text;
}

}  // namespace

Format Parsed::format() const {
    if (common.json || output == "json") return Format::json;
    if (output == "name") return Format::name;
    return output == "wide" ? Format::wide : Format::table;
}

CLI::Option* add_value(CLI::App& command, const std::string& names, std::string& to, const std::string& value,
                       const std::string& help) {
    return command.add_option(names, to, help)->type_name(value);
}

CLI::Option* add_values(CLI::App& command, const std::string& names, std::vector<std::string>& to,
                        const std::string& value, const std::string& help) {
    return command.add_option(names, to, help)->type_name(value)->allow_extra_args(false);
}

CLI::Option* add_argument(CLI::App& command, const std::string& name, std::string& to, const std::string& help) {
    return command.add_option(name, to, help)->type_name(name)->required();
}

CLI::App* add_family(CLI::App& app, CommandText text) {
    CLI::App* made = app.add_subcommand(std::move(text.name), std::move(text.help));
    made->group(text.group.empty() ? "Commands" : text.group);
    made->footer(text.examples.empty() ? "" : "Examples:\n" + text.examples);
    made->require_subcommand(1);
    return made;
}

CLI::App* add_command(CLI::App& app, Parsed& parsed, CommandText text, Parsed::Action action) {
    CLI::App* made = add_family(app, std::move(text));
    made->require_subcommand(0);
    // Of a command with others below it (`slipway ops log`) the one that was named is meant.
    made->callback([&parsed, made, action = std::move(action)] {
        if (made->get_subcommands().empty()) parsed.action = action;
    });
    return made;
}

CLI::App* add_local_command(CLI::App& app, Parsed& parsed, CommandText text, Parsed::LocalAction action) {
    CLI::App* made = add_command(app, parsed, std::move(text), {});
    made->callback([&parsed, action = std::move(action)] { parsed.local = action; });
    return made;
}

void add_output_option(CLI::App& command, Parsed& parsed) {
    add_value(command, "-o,--output", parsed.output, "FORMAT", "table, wide, name or json")
        ->check(CLI::IsMember(std::vector<std::string>{"table", "wide", "name", "json"}).description(""));
}

void add_wait_options(CLI::App& command, Parsed& parsed) {
    command.add_flag("--no-wait", parsed.no_wait, "do not wait for the end");
    command.add_option("--timeout", parsed.wait.timeout, "seconds to wait at most (900)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0U, 86'400U).description(""));
    command.add_flag("-q,--quiet", parsed.wait.quiet, "show no progress");
}

void add_scope_options(CLI::App& command, Scope& scope) {
    add_value(command, "--organization", scope.organization, "ORGANIZATION", "of this organization only");
    command.add_flag("-A,--all-organizations", scope.everybody,
                     "of every organization, and show whose (administrators)");
}

void add_commands(CLI::App& app, Parsed& parsed, const std::vector<OtherCommand>& others) {
    app.formatter(std::make_shared<Help>());
    app.set_help_flag("-h,--help", "print this help");
    app.set_version_flag("--version", std::string("slipway ") + SLIPWAY_VERSION, "print the version");
    app.require_subcommand(1);
    app.footer("`slipway COMMAND --help` tells more, with examples.\n\n" + std::string(kStatuses));
    add_resource_commands(app, parsed);
    add_plan_commands(app, parsed);
    add_backup_commands(app, parsed);
    add_machine_commands(app, parsed);
    add_console_command(app, parsed);
    add_operation_commands(app, parsed);
    add_administration_commands(app, parsed);
    add_image_commands(app, parsed);
    add_program_commands(app, parsed);
    // Listed only: the caller takes these before it comes here.
    for (const OtherCommand& other : others) {
        app.add_subcommand(other.name, other.help)->group("Program")->footer("")->allow_extras();
    }
    finish(app, parsed);
}

const CommandInfo* CommandInfo::find(std::string_view wanted) const {
    const auto found = std::ranges::find(commands, wanted, &CommandInfo::name);
    return found == commands.end() ? nullptr : &*found;
}

const OptionText* CommandInfo::find_option(std::string_view wanted) const {
    const auto found =
        std::ranges::find_if(options, [&](const OptionText& option) { return contains(option.names, wanted); });
    return found == options.end() ? nullptr : &*found;
}

CommandInfo describe(const CLI::App& app) {
    CommandInfo info{.name = app.get_name(),
                     .group = app.get_group(),
                     .help = app.get_description(),
                     .examples = app.get_footer(),
                     .options = {},
                     .arguments = {},
                     .commands = {}};
    for (const CLI::Option* option : app.get_options()) {
        (option->get_positional() ? info.arguments : info.options).push_back(describe(*option));
    }
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        info.commands.push_back(describe(*command));
    }
    return info;
}

CommandInfo whole_grammar(const std::vector<OtherCommand>& others) {
    Parsed parsed;
    CLI::App app("", "slipway");
    add_commands(app, parsed, others);
    return describe(app);
}

}  // namespace slipway::cli
