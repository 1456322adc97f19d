// The grammar of the commands about operations and events.
#include <CLI/CLI.hpp>

#include "cli/grammar.h"

namespace slipway::cli {
namespace {

constexpr unsigned kMostListed = 1'000'000;

void add_limit(CLI::App& command, std::size_t& to) {
    command.add_option("--limit", to, "at most so many")
        ->type_name("N")
        ->check(CLI::Range(1U, kMostListed).description(""));
}

void add_events(CLI::App& app, Parsed& parsed, const std::string& group) {
    CLI::App* events =
        add_command(app, parsed,
                    {"events", "list what happened, or follow what happens", group,
                     "  slipway events cache1\n  slipway events --follow --type resource. --type operation.failed\n"
                     "  slipway events --follow --after 1200 --json | jq .message"},
                    [&parsed](Api& api) { return show_events(api, parsed.events, parsed.format()); });
    events->add_option("RESOURCE", parsed.events.name, "name or id; leave it out for all")->type_name("RESOURCE");
    events->add_flag("-f,--follow", parsed.events.follow,
                     "go on until interrupted; a lost connection is taken up again");
    add_values(*events, "--type", parsed.events.types, "TYPE",
               "a type or a beginning of one: resource.; may be repeated");
    add_value(*events, "--operation", parsed.events.operation, "OPERATION", "of this operation only");
    events->add_flag("--since-start", parsed.events.since_start, "with --follow: from the first event on");
    events->add_option("--after", parsed.events.after, "begin after the event of this number")->type_name("N");
    events->add_option("--limit", parsed.events.limit, "end after so many (1000, unless they are followed)")
        ->type_name("N")
        ->check(CLI::Range(1U, kMostListed).description(""));
    add_scope_options(*events, parsed.events.scope);
    add_output_option(*events, parsed);
}

void add_log(CLI::App& ops, Parsed& parsed) {
    CLI::App* log =
        add_command(ops, parsed,
                    {"log", "show what the steps of an operation told", "",
                     "  slipway ops log op_01KAPT0000000000000000000A\n  slipway ops log web1 --follow"},
                    [&parsed](Api& api) { return show_log(api, parsed.name, parsed.follow); });
    add_argument(*log, "OPERATION", parsed.name, "an id, or a resource: what is being done to it");
    log->add_flag("-f,--follow", parsed.follow, "go on until the operation has ended");
}

}  // namespace

void add_operation_commands(CLI::App& app, Parsed& parsed) {
    const std::string group = "Operations and events";
    CLI::App* ops = add_command(
        app, parsed,
        {"ops", "list operations", group, "  slipway ops --open\n  slipway ops --resource cache1 -o wide"},
        [&parsed](Api& api) { return list_operations(api, parsed.operations, parsed.format()); });
    add_value(*ops, "--resource", parsed.operations.resource, "RESOURCE", "of this one, by name or id");
    add_value(*ops, "--kind", parsed.operations.kind, "OPKIND", "provision, deprovision, update, repair or claim");
    add_value(*ops, "--state", parsed.operations.state, "OPSTATE", "e.g. failed");
    ops->add_flag("--open", parsed.operations.open, "only what has not ended");
    add_limit(*ops, parsed.operations.limit);
    add_scope_options(*ops, parsed.operations.scope);
    add_output_option(*ops, parsed);
    add_log(*ops, parsed);

    CLI::App* wait =
        add_command(app, parsed,
                    {"wait", "wait until an operation has ended", group,
                     "  slipway wait op_01KAPT0000000000000000000A\n  slipway wait cache1 --timeout 60"},
                    [&parsed](Api& api) { return wait_for(api, parsed.name, parsed.wait, parsed.json()); });
    add_argument(*wait, "OPERATION", parsed.name, "an id, or a resource: what is being done to it");
    wait->add_option("--timeout", parsed.wait.timeout, "seconds to wait at most (900)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0U, 86'400U).description(""));
    wait->add_flag("-q,--quiet", parsed.wait.quiet, "show no progress");

    CLI::App* stop = add_command(
        app, parsed,
        {"cancel", "stop an operation and undo what it did", group,
         "  slipway cancel cache1 --reason 'wrong plan'"},
        [&parsed](Api& api) { return cancel(api, parsed.name, parsed.reason, parsed.wait, parsed.json()); });
    add_argument(*stop, "OPERATION", parsed.name, "an id, or a resource: what is being done to it");
    add_value(*stop, "--reason", parsed.reason, "TEXT", "for the record");
    add_wait_options(*stop, parsed);

    add_events(app, parsed, group);
}

}  // namespace slipway::cli
