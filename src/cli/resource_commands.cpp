// The grammar of the commands about resources.
#include <CLI/CLI.hpp>

#include "cli/grammar.h"

namespace slipway::cli {
namespace {

constexpr unsigned kMostListed = 1'000'000;
std::string resources() { return "Resources"; }

void add_label_option(CLI::App& command, std::vector<std::string>& to, const std::string& help) {
    add_values(command, "--label", to, "NAME=VALUE", help);
}

void add_create_options(CLI::App& command, CreateOptions& to) {
    add_argument(command, "ENGINE", to.engine, "e.g. redis");
    add_argument(command, "PLAN", to.plan, "e.g. small (slipway plans)");
    add_value(command, "--name", to.name, "TEXT", "a name of your own: a-z, 0-9 and -, up to 63");
    add_value(command, "--billing-code", to.billing_code, "TEXT", "who pays (the organization)");
    add_label_option(command, to.labels, "may be repeated");
    add_value(command, "--organization", to.organization, "ORGANIZATION", "for this one (administrators)");
    add_value(command, "--kind", to.kind, "KIND", "where the engine makes several");
    add_value(command, "--expires-in", to.expires_in, "TIME", "its lifetime: seconds, 90m, 2h, 7d or never");
    add_value(command, "--username", to.username, "TEXT", "of a machine: the login that is made on it");
    command.add_flag("--password-stdin", to.password_stdin, "its password is what comes on standard input");
    add_value(command, "--password-file", to.password_file, "FILE", "holds its password; else it is asked for");
}

void add_update_options(CLI::App& command, UpdateOptions& to) {
    add_argument(command, "RESOURCE", to.name, "name or id");
    add_value(command, "--plan", to.plan, "PLAN", "another plan of the same engine");
    add_value(command, "--rename", to.rename, "TEXT", "another name");
    command.add_option("--billing-code", to.billing_code, "who pays")->type_name("TEXT");
    add_label_option(command, to.labels, "set it; may be repeated");
    add_values(command, "--unlabel", to.unlabels, "NAME", "take this label away; may be repeated");
    add_value(command, "--expires-in", to.expires_in, "TIME",
              "a new lifetime, from now on: seconds, 90m, 2h, 7d or never");
}

void add_filters(CLI::App& command, Filters& to) {
    add_value(command, "--kind", to.kind, "KIND", "cache, database-server, database, machine, cluster or backup");
    add_value(command, "--engine", to.engine, "ENGINE", "e.g. redis");
    add_value(command, "--plan", to.plan, "PLAN", "e.g. small");
    add_value(command, "--provider", to.provider, "PROVIDER", "e.g. local");
    add_value(command, "--state", to.state, "STATE", "e.g. ready, failed");
    add_value(command, "--billing-code", to.billing_code, "TEXT", "who pays");
    add_label_option(command, to.labels, "has this label; may be repeated");
    add_value(command, "-l,--selector", to.selector, "SELECTOR",
              "labels: env=prod,tier!=db,team,!old,zone in (a,b)");
    add_value(command, "--shared-server", to.server, "NAME", "databases on this shared server");
    command.add_flag("--gone", to.gone, "also what is gone");
    command.add_flag("--pooled", to.pooled, "only what is kept ready in a pool");
}

void add_looking(CLI::App& app, Parsed& parsed) {
    CLI::App* plans =
        add_command(app, parsed,
                    {"plans", "list what can be asked for, with prices and pools", resources(),
                     "  slipway plans\n  slipway plans --engine redis -o wide"},
                    [&parsed](Api& api) { return list_plans(api, parsed.engine, parsed.kind, parsed.format()); });
    add_value(*plans, "--engine", parsed.engine, "ENGINE", "e.g. redis");
    add_value(*plans, "--kind", parsed.kind, "KIND",
              "cache, database-server, database, machine, cluster or backup");
    add_output_option(*plans, parsed);

    CLI::App* ls = add_command(app, parsed,
                               {"ls", "list resources of the key's organization", resources(),
                                "  slipway ls --state ready\n  slipway ls -l 'env=prod,team' -o wide\n"
                                "  slipway ls --billing-code gwp -o name | xargs -n1 slipway show"},
                               [&parsed](Api& api) { return list_resources(api, parsed.list, parsed.format()); });
    add_filters(*ls, parsed.list.filters);
    add_scope_options(*ls, parsed.list.scope);
    ls->add_option("--limit", parsed.list.limit, "at most so many")
        ->type_name("N")
        ->check(CLI::Range(1U, kMostListed).description(""));
    add_output_option(*ls, parsed);

    CLI::App* show = add_command(
        app, parsed,
        {"show", "show one resource", resources(), "  slipway show cache1\n  slipway show cache1 --events"},
        [&parsed](Api& api) { return show_resource(api, parsed.name, parsed.with_events, parsed.format()); });
    add_argument(*show, "RESOURCE", parsed.name, "name or id");
    show->add_flag("--events", parsed.with_events, "and what happened to it");
    add_output_option(*show, parsed);

    CLI::App* url = add_command(app, parsed,
                                {"url", "print the URL to connect to, with its password, and nothing else",
                                 resources(), "  redis-cli -u \"$(slipway url cache1)\""},
                                [&parsed](Api& api) { return show_url(api, parsed.name, parsed.json()); });
    add_argument(*url, "RESOURCE", parsed.name, "name or id");

    CLI::App* why =
        add_command(app, parsed,
                    {"why", "tell how a resource stands and what led there", resources(),
                     "  slipway why cache1\n  slipway why cache1 --all"},
                    [&parsed](Api& api) { return explain(api, parsed.name, parsed.everything, parsed.json()); });
    add_argument(*why, "RESOURCE", parsed.name, "name or id; of what is gone too");
    why->add_flag("--all", parsed.everything, "its whole story");
}

void add_changing(CLI::App& app, Parsed& parsed) {
    CLI::App* create = add_command(
        app, parsed,
        {"create", "make a resource and wait until it is ready", resources(),
         "  slipway create redis small --name cache1 --label env=prod\n"
         "  NAME=$(slipway create redis small -q -o name)\n"
         "  slipway create vm tiny --name web1 --username suitepad --expires-in 2h"},
        [&parsed](Api& api) { return create_resource(api, parsed.create, parsed.wait, parsed.format()); });
    add_create_options(*create, parsed.create);
    add_wait_options(*create, parsed);
    add_output_option(*create, parsed);

    CLI::App* update = add_command(
        app, parsed,
        {"update", "change a resource's plan, name, billing code, labels or end", resources(),
         "  slipway update cache1 --plan large\n  slipway update cache1 --label env=test --unlabel team\n"
         "  slipway update web1 --expires-in 4h"},
        [&parsed](Api& api) { return update_resource(api, parsed.update, parsed.wait, parsed.format()); });
    add_update_options(*update, parsed.update);
    update->add_option("--if-version", parsed.update.if_version, "only while this is its version (slipway show)")
        ->type_name("N");
    add_wait_options(*update, parsed);
    add_output_option(*update, parsed);

    CLI::App* rotate =
        add_command(app, parsed,
                    {"rotate", "give a database a new password while the former one stays good", resources(),
                     "  slipway rotate shopdb\n  slipway url shopdb     # the new one: hand it to your programs\n"
                     "  slipway rotate shopdb --confirm"},
                    [&parsed](Api& api) {
                        return rotate_password(api, parsed.name, parsed.confirm, parsed.wait, parsed.format());
                    });
    add_argument(*rotate, "RESOURCE", parsed.name, "name or id");
    rotate->add_flag("--confirm", parsed.confirm, "end the former password: all use the new one");
    add_wait_options(*rotate, parsed);
    add_output_option(*rotate, parsed);

    CLI::App* rm = add_command(
        app, parsed,
        {"rm", "remove resources with their data and wait until they are gone", resources(),
         "  slipway rm cache1 cache2\n  slipway rm -l env=test --yes"},
        [&parsed](Api& api) { return remove_resources(api, parsed.removal, parsed.wait, parsed.json()); });
    rm->add_option("RESOURCE", parsed.removal.names, "names or ids")->type_name("RESOURCE");
    add_value(*rm, "-l,--selector", parsed.removal.selector, "SELECTOR",
              "all of the key's organization whose labels are like that; asks first");
    add_scope_options(*rm, parsed.removal.scope);
    rm->add_flag("-y,--yes", parsed.removal.yes, "do not ask");
    add_wait_options(*rm, parsed);
}

}  // namespace

void add_resource_commands(CLI::App& app, Parsed& parsed) {
    add_looking(app, parsed);
    add_changing(app, parsed);
}

void add_plan_commands(CLI::App& app, Parsed& parsed) {
    CLI::App* plan = add_family(
        app, {"plan", "show what a change would do, cost and be allowed, and change nothing", resources(),
              "  slipway plan create redis large\n  slipway plan update cache1 --plan large\n"
              "  slipway plan rm cache1\n  slipway plan restore nightly --name shopdb-2"});
    CLI::App* create = add_command(*plan, parsed, {"create", "plan to make a resource", ""},
                                   [&parsed](Api& api) { return plan_create(api, parsed.create, parsed.json()); });
    add_create_options(*create, parsed.create);
    CLI::App* update = add_command(*plan, parsed, {"update", "plan to change a resource", ""},
                                   [&parsed](Api& api) { return plan_update(api, parsed.update, parsed.json()); });
    add_update_options(*update, parsed.update);
    CLI::App* removal = add_command(*plan, parsed, {"rm", "plan to remove a resource", ""},
                                    [&parsed](Api& api) { return plan_removal(api, parsed.name, parsed.json()); });
    add_argument(*removal, "RESOURCE", parsed.name, "name or id");
    CLI::App* backup = add_command(*plan, parsed, {"backup", "plan to make a backup of a database", ""},
                                   [&parsed](Api& api) { return plan_backup(api, parsed.backup, parsed.json()); });
    add_backup_options(*backup, parsed.backup);
    CLI::App* restore =
        add_command(*plan, parsed, {"restore", "plan to fill a new database from a backup", ""},
                    [&parsed](Api& api) { return plan_restore(api, parsed.restore, parsed.json()); });
    add_restore_options(*restore, parsed.restore);
    CLI::App* rotate =
        add_command(*plan, parsed, {"rotate", "plan to give a database a new password", ""},
                    [&parsed](Api& api) { return plan_rotation(api, parsed.name, parsed.confirm, parsed.json()); });
    add_argument(*rotate, "RESOURCE", parsed.name, "name or id");
    rotate->add_flag("--confirm", parsed.confirm, "to end the former password");
    CLI::App* stop = add_command(*plan, parsed, {"cancel", "plan to stop an operation and undo what it did", ""},
                                 [&parsed](Api& api) { return plan_cancel(api, parsed.name, parsed.json()); });
    add_argument(*stop, "OPERATION", parsed.name, "an id, or a resource: what is being done to it");
    CLI::App* adopt = add_command(*plan, parsed, {"adopt", "plan to take an orphan over (administrators)", ""},
                                  [&parsed](Api& api) { return plan_adoption(api, parsed.orphan, parsed.json()); });
    add_adopt_options(*adopt, parsed.orphan);
}

}  // namespace slipway::cli
