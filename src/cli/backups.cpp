#include "cli/backups.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/grammar.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

void add(json::object& body, std::string_view key, const std::string& value) {
    if (!value.empty()) body[key] = value;
}

// Of databases of this engine.
Outcome<std::string> first_plan(Api& api, const std::string& engine) {
    QueryText query("/api/v1/plans");
    query.add("engine", engine);
    query.add("kind", "database");
    const auto found = api.get(query.str());
    if (!found) return std::unexpected(found.error());
    const json::value* plans = found->if_contains("plans");
    if (plans == nullptr || !plans->is_array() || plans->get_array().empty()) {
        return fail(Exit::failed, fmt::format("no databases of {} are offered here", engine));
    }
    const json::value& first = plans->get_array().front();
    return first.is_object() ? json::get_string(first.get_object(), "name") : std::string();
}

}  // namespace

json::object backup_body(const BackupOptions& options) {
    json::object body;
    add(body, "name", options.name);
    add(body, "plan", options.plan);
    add(body, "billing_code", options.billing_code);
    return body;
}

Outcome<Exit> make_backup(Api& api, const BackupOptions& options, const WaitOptions& wait, Format format) {
    auto database = find_resource(api, options.of);
    if (!database) return std::unexpected(std::move(database.error()));
    auto made = api.create(fmt::format("/api/v1/resources/{}/backups", json::get_string(*database, "id")),
                           backup_body(options));
    if (!made) return std::unexpected(std::move(made.error()));
    return finish_change(api, std::move(*made), wait, format, "is made");
}

Outcome<json::object> restore_body(Api& api, const RestoreOptions& options) {
    const auto backup = find_resource(api, options.backup);
    if (!backup) return std::unexpected(backup.error());
    if (json::get_string(*backup, "kind") != "backup") {
        return fail(Exit::usage, fmt::format("{} is no backup", options.backup),
                    "`slipway ls --kind backup` lists them");
    }
    const std::string engine = json::get_string(*backup, "engine");
    std::string plan = options.plan;
    if (plan.empty()) {
        auto first = first_plan(api, engine);
        if (!first) return std::unexpected(std::move(first.error()));
        plan = std::move(*first);
    }
    json::object body{{"kind", "database"},
                      {"engine", engine},
                      {"plan", plan},
                      {"restore_from", json::get_string(*backup, "id")},
                      {"organization", json::get_string(*backup, "organization")}};
    add(body, "name", options.name);
    add(body, "billing_code", options.billing_code);
    return body;
}

Outcome<Exit> restore_backup(Api& api, const RestoreOptions& options, const WaitOptions& wait, Format format) {
    const auto body = restore_body(api, options);
    if (!body) return std::unexpected(body.error());
    auto made = api.create("/api/v1/resources", *body);
    if (!made) return std::unexpected(std::move(made.error()));
    return finish_change(api, std::move(*made), wait, format, "is restored");
}

void add_backup_options(CLI::App& command, BackupOptions& to) {
    add_argument(command, "RESOURCE", to.of, "the database's name or id");
    add_value(command, "--name", to.name, "TEXT", "a name of your own: a-z, 0-9 and -, up to 63");
    add_value(command, "--plan", to.plan, "PLAN", "of backups; it says how many are kept");
    add_value(command, "--billing-code", to.billing_code, "TEXT", "who pays (the database's)");
}

void add_restore_options(CLI::App& command, RestoreOptions& to) {
    add_argument(command, "RESOURCE", to.backup, "the backup's name or id");
    add_value(command, "--name", to.name, "TEXT", "a name of your own: a-z, 0-9 and -, up to 63");
    add_value(command, "--plan", to.plan, "PLAN", "of databases (the first of the engine)");
    add_value(command, "--billing-code", to.billing_code, "TEXT", "who pays (the organization)");
}

void add_backup_commands(CLI::App& app, Parsed& parsed) {
    CLI::App* backup =
        add_command(app, parsed,
                    {"backup", "make a backup of a database and wait until it is whole", "Resources",
                     "  slipway backup shopdb --name before-migration\n  slipway ls --kind backup"},
                    [&parsed](Api& api) { return make_backup(api, parsed.backup, parsed.wait, parsed.format()); });
    add_backup_options(*backup, parsed.backup);
    add_wait_options(*backup, parsed);
    add_output_option(*backup, parsed);

    CLI::App* restore = add_command(
        app, parsed,
        {"restore", "make a new database, filled from a backup", "Resources",
         "  slipway restore before-migration --name shopdb-2"},
        [&parsed](Api& api) { return restore_backup(api, parsed.restore, parsed.wait, parsed.format()); });
    add_restore_options(*restore, parsed.restore);
    add_wait_options(*restore, parsed);
    add_output_option(*restore, parsed);
}

}  // namespace slipway::cli
