// Dry runs of what would change something.
#include <fmt/format.h>

#include "cli/machines.h"
#include "cli/operations.h"

namespace slipway::cli {
namespace {

std::string price_of(const json::object& prices, std::string_view key) {
    const json::object& price = object_in(prices, key);
    if (price.empty()) return "nothing";
    return fmt::format("{} {} an hour", cell(price, "per_hour"), cell(price, "currency"));
}

Duration seconds_in(const json::object& from, std::string_view key) {
    const json::value* found = from.if_contains(key);
    const double seconds = found != nullptr && found->is_number() ? found->to_number<double>() : 0.0;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::string expected_of(const json::object& plan) {
    const json::object& expected = object_in(plan, "expected_seconds");
    if (expected.empty()) {
        const std::string verb = json::get_string(plan, "verb");
        if (verb == "cancel") return "unknown";
        return verb == "restore" ? "as long as its data need" : "unknown: it was not done here yet";
    }
    return fmt::format("{} (95 of 100 within {}; seen {} times)", spell(seconds_in(expected, "median")),
                       spell(seconds_in(expected, "p95")), cell(expected, "samples"));
}

void print_steps(std::ostream& out, const json::object& plan) {
    std::size_t number = 0;
    for (const json::value& value : array_in(plan, "steps")) {
        if (!value.is_object()) continue;
        const json::object& step = value.get_object();
        out << fmt::format("  {}. {}: {}\n", ++number, cell(step, "kind"), cell(step, "what"));
    }
    if (number == 0) out << "  none: it is done at once\n";
}

void print_quotas(Environment& environment, const json::object& plan) {
    const json::array& quotas = array_in(plan, "quotas");
    if (quotas.empty()) return;
    environment.out << "quotas:\n";
    const auto number = [](std::string head, std::string key) {
        Column made = column(std::move(head), std::move(key));
        made.to_the_right = true;
        return made;
    };
    Table table(
        environment.out, environment.out_terminal,
        {column("  SCOPE", "scope"), number("LIMIT", "limit"), number("USED", "used"), number("AFTER", "after")},
        Format::table);
    json::array indented = quotas;
    for (json::value& value : indented) {
        if (value.is_object()) value.get_object()["scope"] = "  " + cell(value.get_object(), "scope");
    }
    table.rows(indented);
}

void print_plan(Environment& environment, const json::object& plan, const std::string& what) {
    std::ostream& out = environment.out;
    const json::object& price = object_in(plan, "price");
    const std::string before = price_of(price, "before");
    const std::string after = price_of(price, "after");
    const bool allowed = json::get_bool(plan, "allowed");
    const bool pool = json::get_bool(plan, "from_pool");
    out << fmt::format(
        "{}: {}{}\n", what,
        paint(environment.out_terminal, allowed ? Colour::green : Colour::red, allowed ? "allowed" : "refused"),
        allowed && pool ? ", from the pool" : "");
    if (!allowed) {  // nothing would be done, and nothing is known of its cost
        print_quotas(environment, plan);
        out << "nothing was changed\n";
        return;
    }
    out << "steps:\n";
    print_steps(out, plan);
    out << "cost:     " << (before == after ? after : before + " now, " + after + " then") << '\n'
        << "takes:    " << expected_of(plan) << '\n';
    if (const std::string end = cell(plan, "expires_at"); end != "-") out << "ends:     " << end << '\n';
    print_quotas(environment, plan);
    out << "nothing was changed\n";
}

Outcome<Exit> run(Api& api, const json::object& body, const std::string& what, bool json) {
    const auto plan = api.post("/api/v1/plan", body);
    if (!plan) return std::unexpected(plan.error());
    if (json) {
        api.environment().out << json::dump(*plan) << '\n';
        return json::get_bool(*plan, "allowed") ? Exit::ok : Exit::failed;
    }
    print_plan(api.environment(), *plan, what);
    if (json::get_bool(*plan, "allowed")) return Exit::ok;
    std::string why = cell(*plan, "error");
    for (const json::value& value : array_in(*plan, "problems")) {
        if (!value.is_object() || why != "-") continue;
        why = cell(value.get_object(), "field") + " " + cell(value.get_object(), "problem");
    }
    return fail(Exit::failed, "it would be refused: " + why);
}

}  // namespace

Outcome<Exit> plan_create(Api& api, const CreateOptions& options, bool json) {
    auto request = create_body(options);
    if (!request) return std::unexpected(std::move(request.error()));
    if (auto added = add_password_to_plan(api.environment(), options, *request); !added) {
        return std::unexpected(std::move(added.error()));
    }
    return run(api, {{"verb", "create"}, {"request", std::move(*request)}},
               fmt::format("create {} {}", printable(options.engine), printable(options.plan)), json);
}

Outcome<Exit> plan_update(Api& api, const UpdateOptions& options, bool json) {
    auto request = update_body(options);
    if (!request) return std::unexpected(std::move(request.error()));
    return run(api, {{"verb", "update"}, {"resource", options.name}, {"request", std::move(*request)}},
               "update " + printable(options.name), json);
}

Outcome<Exit> plan_removal(Api& api, const std::string& name, bool json) {
    return run(api, {{"verb", "delete"}, {"resource", name}}, "remove " + printable(name), json);
}

Outcome<Exit> plan_backup(Api& api, const BackupOptions& options, bool json) {
    return run(api, {{"verb", "backup"}, {"resource", options.of}, {"request", backup_body(options)}},
               "backup of " + printable(options.of), json);
}

Outcome<Exit> plan_restore(Api& api, const RestoreOptions& options, bool json) {
    auto request = restore_body(api, options);
    if (!request) return std::unexpected(std::move(request.error()));
    return run(api, {{"verb", "restore"}, {"request", std::move(*request)}}, "restore " + printable(options.backup),
               json);
}

Outcome<Exit> plan_rotation(Api& api, const std::string& name, bool confirm, bool json) {
    return run(api, {{"verb", confirm ? "confirm" : "rotate"}, {"resource", name}},
               fmt::format("{} {}", confirm ? "confirm the new password of" : "rotate", printable(name)), json);
}

Outcome<Exit> plan_cancel(Api& api, const std::string& name, bool json) {
    const auto meant = operation_meant(api, name);
    if (!meant) return std::unexpected(meant.error());
    if (meant->id.empty()) return std::unexpected(nothing_to_cancel(name));
    return run(api, {{"verb", "cancel"}, {"operation", meant->id}}, "cancel " + printable(name), json);
}

Outcome<Exit> plan_adoption(Api& api, const OrphanOptions& options, bool json) {
    return run(api,
               {{"verb", "adopt"},
                {"provider", options.provider},
                {"name", options.name},
                {"request", adopt_body(options)}},
               "adopt " + printable(options.name), json);
}

}  // namespace slipway::cli
