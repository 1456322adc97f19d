// Webhooks: events posted to an address.
#include <fmt/format.h>

#include "cli/administration.h"
#include "cli/listing.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr Duration kDelivery = std::chrono::seconds(15);  // of a test, beyond the usual

std::string path_of(const std::string& id) { return api_path({"webhooks", id}); }

std::string state_of(const json::object& webhook) {
    if (!json::get_bool(webhook, "enabled", true)) return "disabled";
    return json::get_int(webhook, "failures") > 0 ? "failing" : "ok";
}

json::array types_of(const WebhookOptions& options) {
    json::array types;
    for (const std::string& type : options.types) types.emplace_back(type);
    return types;
}

void print_webhook(Environment& environment, const json::object& webhook) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (const std::string key : {"id", "url", "organization"}) fields.emplace_back(key, cell(webhook, key));
    const std::string types = joined(webhook, "types");
    fields.emplace_back("types", types == "-" ? "all" : types);
    fields.emplace_back("state", state_of(webhook));
    fields.emplace_back("cursor", cell(webhook, "cursor"));
    fields.emplace_back("failures", cell(webhook, "failures"));
    fields.emplace_back("last error", cell(webhook, "last_error"));
    fields.emplace_back("next attempt", cell(webhook, "next_attempt"));
    fields.emplace_back("delivered", cell(webhook, "delivered_at"));
    fields.emplace_back("created", cell(webhook, "created_at"));
    print_fields(environment.out, fields);
}

Outcome<Exit> print(Api& api, const Outcome<json::object>& answer, bool json) {
    if (!answer) return std::unexpected(answer.error());
    if (json) {
        api.environment().out << json::dump(*answer) << '\n';
    } else {
        print_webhook(api.environment(), *answer);
    }
    return Exit::ok;
}

}  // namespace

Outcome<Exit> list_webhooks(Api& api, const Scope& scope, Format format) {
    const auto organization = organization_of(api, scope);
    if (!organization) return std::unexpected(organization.error());
    QueryText query("/api/v1/webhooks");
    query.add("organization", *organization);
    Column url = column("URL", "url");
    url.least = 24;
    const auto types = [](const json::object& row) {
        const std::string given = joined(row, "types");
        return given == "-" ? "all" : given;
    };
    const Listing listing{.target = query.str(),
                          .items = "webhooks",
                          .columns = {column("WEBHOOK", "id"),
                                      {.head = "STATE", .text = state_of, .is_state = true},
                                      column("ORGANIZATION", "organization", 4),
                                      {.head = "TYPES", .text = types, .drop = 3, .least = 12},
                                      column("FAILURES", "failures", 2),
                                      wide_column("CURSOR", "cursor"),
                                      wide_column("DELIVERED", "delivered_at"),
                                      wide_column("LAST ERROR", "last_error"),
                                      std::move(url)},
                          .name_key = "id",
                          .whole = true};
    return list(api, listing, format);
}

Outcome<Exit> create_webhook(Api& api, const WebhookOptions& options, bool json) {
    json::object body{{"url", options.url}};
    if (!options.types.empty()) body["types"] = types_of(options);
    if (!options.organization.empty()) body["organization"] = options.organization;
    const auto made = api.create("/api/v1/webhooks", body);
    if (!made) return std::unexpected(made.error());
    Environment& environment = api.environment();
    if (json) {
        environment.out << json::dump(*made) << '\n';
        return Exit::ok;
    }
    environment.err << fmt::format("slipway: webhook {}; its signing secret is shown this once\n",
                                   cell(*made, "id"));
    environment.out << json::get_string(*made, "secret") << '\n';
    return Exit::ok;
}

Outcome<Exit> show_webhook(Api& api, const std::string& id, bool json) {
    return print(api, api.get(path_of(id)), json);
}

Outcome<Exit> update_webhook(Api& api, const WebhookOptions& options, bool json) {
    json::object body;
    if (!options.url.empty()) body["url"] = options.url;
    if (!options.types.empty() || options.all_types) body["types"] = types_of(options);
    if (options.enabled) body["enabled"] = *options.enabled;
    if (options.all_types && !options.types.empty()) {
        return fail(Exit::usage, "--type and --all-types exclude each other");
    }
    if (body.empty()) {
        return fail(Exit::usage, "nothing is to be changed",
                    "name a change: --url, --type, --all-types, --enable or --disable");
    }
    return print(api, api.ask({.method = "PATCH", .target = path_of(options.id), .body = json::dump(body)}), json);
}

Outcome<Exit> remove_webhook(Api& api, const std::string& id, bool json) {
    const auto done = api.remove(path_of(id));
    if (!done) return std::unexpected(done.error());
    api.environment().out << (json ? json::dump(*done) : printable(id) + " is removed") << '\n';
    return Exit::ok;
}

Outcome<Exit> test_webhook(Api& api, const std::string& id, bool json) {
    const auto tested = api.post(path_of(id) + "/test", {}, kDelivery);
    if (!tested) return std::unexpected(tested.error());
    const bool delivered = json::get_bool(*tested, "delivered");
    if (json) {
        api.environment().out << json::dump(*tested) << '\n';
        return delivered ? Exit::ok : Exit::failed;
    }
    if (delivered) {
        api.environment().out << fmt::format("delivered: status {}\n", cell(*tested, "status"));
        return Exit::ok;
    }
    const std::string error = cell(*tested, "error");
    return fail(Exit::failed, "not delivered: " + (error == "-" ? "status " + cell(*tested, "status") : error),
                "see that something answers at its URL with a status from 200 to 299 within 10 seconds");
}

}  // namespace slipway::cli
