// The grammar of the commands around the resources.
#include <CLI/CLI.hpp>

#include "cli/doctor.h"
#include "cli/grammar.h"

namespace slipway::cli {
namespace {

void add_keys(CLI::App& app, Parsed& parsed, const std::string& group) {
    CLI::App* keys = add_family(app, {"keys", "list, make and revoke API keys", group,
                                      "  slipway keys ls\n"
                                      "  slipway keys create --role user --organization acme > acme.key\n"
                                      "  slipway keys revoke key_01KAPT0000000000000000000A"});
    CLI::App* ls = add_command(*keys, parsed, {"ls", "list keys; never what they are", ""},
                               [&parsed](Api& api) { return list_keys(api, parsed.scope, parsed.format()); });
    add_scope_options(*ls, parsed.scope);
    add_output_option(*ls, parsed);
    CLI::App* create = add_command(*keys, parsed, {"create", "make a key and print it, this once", ""},
                                   [&parsed](Api& api) { return create_key(api, parsed.key, parsed.json()); });
    add_value(*create, "--role", parsed.key.role, "ROLE", "reader, user (the default) or administrator")
        ->check(CLI::IsMember(std::vector<std::string>{"reader", "user", "administrator"}).description(""));
    add_value(*create, "--description", parsed.key.description, "TEXT", "what it is for");
    add_value(*create, "--organization", parsed.key.organization, "ORGANIZATION", "whose (the key's own)");
    add_value(*create, "--expires-in", parsed.key.expires_in, "TIME", "90s, 15m, 12h or 30d (never)");
    CLI::App* revoke = add_command(*keys, parsed, {"revoke", "revoke a key, for ever", ""},
                                   [&parsed](Api& api) { return revoke_key(api, parsed.name, parsed.json()); });
    add_argument(*revoke, "KEY", parsed.name, "its id");
}

void add_organizations(CLI::App& app, Parsed& parsed, const std::string& group) {
    CLI::App* orgs = add_family(app, {"orgs", "organizations and their quotas", group,
                                      "  slipway orgs create acme --title 'Acme Ltd'\n"
                                      "  slipway orgs quota acme all=100 redis/large=5\n"
                                      "  slipway orgs rm acme"});
    CLI::App* ls = add_command(*orgs, parsed, {"ls", "list organizations", ""},
                               [&parsed](Api& api) { return list_organizations(api, parsed.format()); });
    add_output_option(*ls, parsed);
    CLI::App* create =
        add_command(*orgs, parsed, {"create", "make an organization (administrators)", ""},
                    [&parsed](Api& api) { return create_organization(api, parsed.organization, parsed.format()); });
    add_argument(*create, "ID", parsed.organization.id, "a-z, 0-9 and -, up to 63");
    add_value(*create, "--title", parsed.organization.title, "TEXT", "for people");
    add_output_option(*create, parsed);
    CLI::App* show =
        add_command(*orgs, parsed, {"show", "show one, with what it has and may have", ""},
                    [&parsed](Api& api) { return show_organization(api, parsed.name, parsed.format()); });
    add_argument(*show, "ORGANIZATION", parsed.name, "its id");
    CLI::App* limits =
        add_command(*orgs, parsed, {"quota", "show its quotas, or replace them (administrators)", ""},
                    [&parsed](Api& api) { return quota(api, parsed.quota, parsed.json()); });
    add_argument(*limits, "ORGANIZATION", parsed.quota.id, "its id");
    limits
        ->add_option("QUOTA", parsed.quota.limits,
                     "all=N, ENGINE/PLAN=N or KIND/ENGINE/PLAN=N: at most so many live ones; these replace all")
        ->type_name("QUOTA");
    limits->add_flag("--none", parsed.quota.none, "take all of them away");
    CLI::App* removal =
        add_command(*orgs, parsed, {"rm", "delete one that has nothing any more (administrators); asks first", ""},
                    [&parsed](Api& api) { return remove_organization(api, parsed.organization, parsed.json()); });
    add_argument(*removal, "ORGANIZATION", parsed.organization.id, "its id, which is not given again");
    removal->add_flag("-y,--yes", parsed.organization.yes, "do not ask");
}

void add_webhooks(CLI::App& app, Parsed& parsed, const std::string& group) {
    CLI::App* hooks =
        add_family(app, {"webhooks", "events posted to an address, signed", group,
                         "  slipway webhooks create https://example.org/hook --type resource. > secret\n"
                         "  slipway webhooks test whk_01KAPT0000000000000000000A"});
    CLI::App* ls = add_command(*hooks, parsed, {"ls", "list webhooks", ""},
                               [&parsed](Api& api) { return list_webhooks(api, parsed.scope, parsed.format()); });
    add_scope_options(*ls, parsed.scope);
    add_output_option(*ls, parsed);
    WebhookOptions& options = parsed.webhook;
    CLI::App* create =
        add_command(*hooks, parsed, {"create", "make one and print its signing secret, this once", ""},
                    [&parsed](Api& api) { return create_webhook(api, parsed.webhook, parsed.json()); });
    add_argument(*create, "URL", options.url, "https://..., or http:// to a loopback address");
    add_values(*create, "--type", options.types, "TYPE", "a type or a beginning of one (all); may be repeated");
    add_value(*create, "--organization", options.organization, "ORGANIZATION", "whose events; '*': everybody's");
    CLI::App* show = add_command(*hooks, parsed, {"show", "show one, and how its deliveries stand", ""},
                                 [&parsed](Api& api) { return show_webhook(api, parsed.name, parsed.json()); });
    add_argument(*show, "WEBHOOK", parsed.name, "its id");
    CLI::App* update = add_command(*hooks, parsed, {"update", "change one", ""}, [&parsed](Api& api) {
        if (parsed.enable || parsed.disable) parsed.webhook.enabled = parsed.enable;
        return update_webhook(api, parsed.webhook, parsed.json());
    });
    add_argument(*update, "WEBHOOK", options.id, "its id");
    add_value(*update, "--url", options.url, "URL", "another address");
    add_values(*update, "--type", options.types, "TYPE", "these types instead; may be repeated");
    update->add_flag("--all-types", options.all_types, "all types");
    CLI::Option* enable = update->add_flag("--enable", parsed.enable, "deliver again; forgets its failures");
    update->add_flag("--disable", parsed.disable, "deliver nothing")->excludes(enable);
    CLI::App* removal = add_command(*hooks, parsed, {"rm", "remove one", ""}, [&parsed](Api& api) {
        return remove_webhook(api, parsed.name, parsed.json());
    });
    add_argument(*removal, "WEBHOOK", parsed.name, "its id");
    CLI::App* test = add_command(*hooks, parsed, {"test", "deliver a test event now", ""},
                                 [&parsed](Api& api) { return test_webhook(api, parsed.name, parsed.json()); });
    add_argument(*test, "WEBHOOK", parsed.name, "its id");
}

void add_orphan(CLI::App& command, OrphanOptions& to) {
    add_argument(command, "PROVIDER", to.provider, "where it is (slipway orphans ls)");
    add_argument(command, "ORPHAN", to.name, "its name there");
}

void add_orphans(CLI::App& app, Parsed& parsed, const std::string& group) {
    CLI::App* orphans = add_family(app, {"orphans", "what no resource accounts for (administrators)", group,
                                         "  slipway orphans ls\n"
                                         "  slipway orphans adopt local oct-f592509d --plan small\n"
                                         "  slipway orphans rm local oct-f592509d"});
    CLI::App* ls = add_command(*orphans, parsed, {"ls", "list what the last sweep found", ""},
                               [&parsed](Api& api) { return list_orphans(api, parsed.format()); });
    add_output_option(*ls, parsed);
    OrphanOptions& options = parsed.orphan;
    CLI::App* adopt =
        add_command(*orphans, parsed, {"adopt", "take one over as a resource", ""},
                    [&parsed](Api& api) { return adopt_orphan(api, parsed.orphan, parsed.wait, parsed.format()); });
    add_adopt_options(*adopt, options);
    add_wait_options(*adopt, parsed);
    add_output_option(*adopt, parsed);
    CLI::App* removal =
        add_command(*orphans, parsed, {"rm", "remove one and its data now; asks first", ""},
                    [&parsed](Api& api) { return remove_orphan(api, parsed.orphan, parsed.json()); });
    add_orphan(*removal, options);
    removal->add_flag("-y,--yes", options.yes, "do not ask");

    CLI::App* clean = add_command(app, parsed,
                                  {"sweep", "look for what no resource accounts for (administrators)", group,
                                   "  slipway sweep\n  slipway sweep --remove --grace 0"},
                                  [&parsed](Api& api) { return sweep(api, parsed.sweep, parsed.json()); });
    clean->add_flag("--remove", parsed.sweep.remove, "remove it; without this, only look");
    clean->add_option("--grace", parsed.sweep.grace, "between first sight and removal")
        ->type_name("SECONDS")
        ->check(CLI::Range(0U, 31'622'400U).description(""));
}

}  // namespace

void add_adopt_options(CLI::App& command, OrphanOptions& to) {
    add_orphan(command, to);
    add_value(command, "--plan", to.plan, "PLAN", "the plan it is to have")->required();
    add_value(command, "--engine", to.engine, "ENGINE", "where several have the plan");
    add_value(command, "--kind", to.kind, "KIND", "where several have the plan");
    add_value(command, "--name", to.rename, "TEXT", "a name of your own");
    add_value(command, "--shared-server", to.server, "NAME",
              "the shared server that a database is on, if it is asked for");
    add_value(command, "--billing-code", to.billing_code, "TEXT", "who pays");
    add_value(command, "--organization", to.organization, "ORGANIZATION", "whose it is to be");
}

void add_administration_commands(CLI::App& app, Parsed& parsed) {
    const std::string group = "Administration";
    CLI::App* usage =
        add_command(app, parsed,
                    {"usage", "hours and cost by billing code", group,
                     "  slipway usage\n  slipway usage --from 2026-10-01 --to 2026-11-01 --billing-code gwp"},
                    [&parsed](Api& api) { return show_usage(api, parsed.usage, parsed.json()); });
    add_value(*usage, "--from", parsed.usage.from, "TIME", "a day or a time: 2026-11-01 (this month)");
    add_value(*usage, "--to", parsed.usage.to, "TIME", "not including it (now)");
    add_value(*usage, "--billing-code", parsed.usage.billing_code, "TEXT", "of this one only");
    add_value(*usage, "--organization", parsed.usage.organization, "ORGANIZATION", "of this one only");
    add_keys(app, parsed, group);
    add_organizations(app, parsed, group);
    add_webhooks(app, parsed, group);
    add_orphans(app, parsed, group);
    add_command(
        app, parsed,
        {"doctor", "check this machine and its server; each finding with its fix", group,
         "  slipway doctor\n  slipway doctor --json | jq '.findings[] | select(.severity != \"ok\")'"},
        [&parsed](Api& api) { return doctor(api, state_dir(parsed.common, api.environment()), parsed.json()); });
}

}  // namespace slipway::cli
