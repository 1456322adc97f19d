// What may stand on the command line: one grammar for parsing, help, completion and the manual.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

#include "cli/administration.h"
#include "cli/backups.h"
#include "cli/console.h"
#include "cli/events.h"
#include "cli/images.h"
#include "cli/machines.h"
#include "cli/operations.h"

namespace slipway::cli {

// Everything that can be given, and the command that was chosen.
struct Parsed {
    using Action = std::function<Outcome<Exit>(Api&)>;
    using LocalAction = std::function<Outcome<Exit>(Environment&)>;  // asks no server

    CommonOptions common;
    std::string output;
    WaitOptions wait;
    bool no_wait = false;
    ListOptions list;
    CreateOptions create;
    UpdateOptions update;
    RemoveOptions removal;
    BackupOptions backup;
    RestoreOptions restore;
    SshOptions ssh;
    ConsoleOptions console;
    OperationsOptions operations;
    EventOptions events;
    KeyOptions key;
    OrganizationOptions organization;
    QuotaOptions quota;
    WebhookOptions webhook;
    UsageOptions usage;
    OrphanOptions orphan;
    SweepOptions sweep;
    ImageOptions image;
    Scope scope;
    std::string name, reason, engine, kind;
    bool with_events = false;
    bool everything = false;
    bool enable = false;
    bool disable = false;
    bool confirm = false;
    bool follow = false;

    Action action;
    LocalAction local;

    [[nodiscard]] Format format() const;
    [[nodiscard]] bool json() const { return format() == Format::json; }
};

// Adds all commands; `parsed` outlives the application.
void add_commands(CLI::App& app, Parsed& parsed, const std::vector<OtherCommand>& others);

// The parts of that, by the group they stand in.
void add_resource_commands(CLI::App& app, Parsed& parsed);
void add_plan_commands(CLI::App& app, Parsed& parsed);
void add_backup_commands(CLI::App& app, Parsed& parsed);
void add_machine_commands(CLI::App& app, Parsed& parsed);
void add_console_command(CLI::App& app, Parsed& parsed);
void add_operation_commands(CLI::App& app, Parsed& parsed);
void add_administration_commands(CLI::App& app, Parsed& parsed);
void add_image_commands(CLI::App& app, Parsed& parsed);
void add_program_commands(CLI::App& app, Parsed& parsed);

// What those are made with.
struct CommandText {
    std::string name;
    std::string help;
    std::string group;
    std::string examples = {};  // a line each
};
CLI::App* add_command(CLI::App& app, Parsed& parsed, CommandText text, Parsed::Action action);
// One that asks no server.
CLI::App* add_local_command(CLI::App& app, Parsed& parsed, CommandText text, Parsed::LocalAction action);
// A command of commands: `slipway keys ls`.
CLI::App* add_family(CLI::App& app, CommandText text);
void add_output_option(CLI::App& command, Parsed& parsed);
void add_wait_options(CLI::App& command, Parsed& parsed);
void add_scope_options(CLI::App& command, Scope& scope);
// What a command and the dry run of it have in common.
void add_backup_options(CLI::App& command, BackupOptions& to);
void add_restore_options(CLI::App& command, RestoreOptions& to);
void add_adopt_options(CLI::App& command, OrphanOptions& to);
// `value` stands for it in helps and decides how it is completed.
CLI::Option* add_value(CLI::App& command, const std::string& names, std::string& to, const std::string& value,
                       const std::string& help);
// May be given several times, one value each.
CLI::Option* add_values(CLI::App& command, const std::string& names, std::vector<std::string>& to,
                        const std::string& value, const std::string& help);
CLI::Option* add_argument(CLI::App& command, const std::string& name, std::string& to, const std::string& help);

// The grammar as data.
struct OptionText {
    std::vector<std::string> names;  // "--json"; of an argument its one name
    std::string value;               // "" of a flag
    std::string help;
    bool several = false;
    bool required = false;
    bool common = false;  // stands on every command
};
struct CommandInfo {
    std::string name;
    std::string group;
    std::string help;
    std::string examples;
    std::vector<OptionText> options;
    std::vector<OptionText> arguments;
    std::vector<CommandInfo> commands;
    [[nodiscard]] const CommandInfo* find(std::string_view name) const;
    [[nodiscard]] const OptionText* find_option(std::string_view name) const;
};
CommandInfo describe(const CLI::App& app);
CommandInfo whole_grammar(const std::vector<OtherCommand>& others);

}  // namespace slipway::cli
