// What is at the providers and nobody accounts for: seen, taken over, removed.
#include <fmt/format.h>

#include "cli/administration.h"
#include "cli/listing.h"

namespace slipway::cli {
namespace {

constexpr Duration kSweep = std::chrono::minutes(5);  // a provider may have much to list

Listing orphan_listing() {
    Column detail = column("DETAIL", "detail", 2);
    detail.least = 24;
    Column kind = column("KIND", "kind");
    kind.is_state = true;
    return {.target = "/api/v1/orphans",
            .items = "orphans",
            .columns = {column("PROVIDER", "provider"), column("NAME", "external_name"), std::move(kind),
                        column("FIRST SEEN", "first_seen", 1), wide_column("LAST SEEN", "last_seen"),
                        column("REMOVED", "removed_at", 3), wide_column("RESOURCE", "resource"), std::move(detail)},
            .name_key = "external_name",
            .whole = true};
}

}  // namespace

Outcome<Exit> list_orphans(Api& api, Format format) { return list(api, orphan_listing(), format); }

json::object adopt_body(const OrphanOptions& options) {
    json::object body{{"plan", options.plan}};
    const auto add = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) body[key] = value;
    };
    add("kind", options.kind);
    add("engine", options.engine);
    add("organization", options.organization);
    add("billing_code", options.billing_code);
    add("name", options.rename);
    add("server", options.server);
    return body;
}

Outcome<Exit> adopt_orphan(Api& api, const OrphanOptions& options, const WaitOptions& wait, Format format) {
    auto adopted = api.create(api_path({"orphans", options.provider, options.name, "adopt"}), adopt_body(options));
    if (!adopted) return std::unexpected(std::move(adopted.error()));
    return finish_change(api, std::move(*adopted), wait, format, "is taken over");
}

Outcome<void> confirmed(Environment& environment, const std::string& question) {
    const auto answer = environment.confirm(question);
    if (environment.interrupted()) return fail(Exit::interrupted, "interrupted; nothing was removed");
    if (!answer) return fail(Exit::usage, "nobody is there to confirm the removal", "say --yes");
    if (!*answer) return fail(Exit::failed, "nothing was removed");
    return {};
}

Outcome<Exit> remove_orphan(Api& api, const OrphanOptions& options, bool json) {
    Environment& environment = api.environment();
    const std::string name = printable(options.name);
    if (!options.yes) {
        const auto said = confirmed(environment, fmt::format("remove {} and its data from {}, for good?", name,
                                                             printable(options.provider)));
        if (!said) return std::unexpected(said.error());
    }
    const auto removed = api.remove(api_path({"orphans", options.provider, options.name}));
    if (!removed) return std::unexpected(removed.error());
    const bool gone = json::get_bool(*removed, "removed");
    if (json) {
        environment.out << json::dump(*removed) << '\n';
    } else {
        environment.out << name << (gone ? " is removed\n" : " is being removed\n");
    }
    return Exit::ok;
}

Outcome<Exit> sweep(Api& api, const SweepOptions& options, bool json) {
    json::object body{{"dry_run", !options.remove}};
    if (options.grace) body["grace_seconds"] = *options.grace;
    auto swept = api.post("/api/v1/sweep", body, kSweep);
    if (!swept) return std::unexpected(std::move(swept.error()));
    const bool all_removed = json::get_int(*swept, "failed") == 0;
    Environment& environment = api.environment();
    if (json) {
        environment.out << json::dump(*swept) << '\n';
        return all_removed ? Exit::ok : Exit::failed;
    }
    const json::array& found = array_in(*swept, "found");
    if (!found.empty()) print_items(environment, found, orphan_listing(), Format::table);
    environment.out << fmt::format("{} things seen, {} unaccounted for, {} removed, {} could not be removed\n",
                                   cell(*swept, "inventory"), found.size(), cell(*swept, "removed"),
                                   cell(*swept, "failed"));
    if (!options.remove) {
        environment.out << "nothing was touched; `slipway sweep --remove` removes what is past its grace period\n";
    }
    return all_removed ? Exit::ok : Exit::failed;
}

}  // namespace slipway::cli
