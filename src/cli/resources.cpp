#include "cli/resources.h"

#include <fmt/format.h>

#include "cli/listing.h"
#include "cli/machines.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

std::string path_of(const std::string& name) { return api_path({"resources", name}); }

std::string endpoint_of(const json::object& resource) {
    const json::object& at = object_in(resource, "endpoint");
    if (at.empty()) return "-";
    return fmt::format("{}://{}:{}", cell(at, "scheme"), cell(at, "host"), cell(at, "port"));
}

std::string price_of(const json::object& plan) {
    const json::object& price = object_in(plan, "price");
    if (price.empty()) return "-";
    return fmt::format("{} {}", cell(price, "per_hour"), cell(price, "currency"));
}

std::vector<Column> resource_columns(TimePoint now, bool everybody) {
    return {
        name_column(),
        wide_column("ID", "id"),
        organization_column(everybody),
        column("KIND", "kind", 6),
        column("ENGINE", "engine"),
        column("PLAN", "plan", 1),
        state_column(),
        {.head = "HEALTH",
         .text = [](const json::object& row) { return cell(object_in(row, "health"), "status"); },
         .drop = 4,
         .is_state = true},
        column("BILLING", "billing_code", 5),
        {.head = "ENDPOINT", .text = endpoint_of, .drop = 3},
        wide_column("PROVIDER", "provider"),
        wide_column("SERVER", "server"),
        wide_column("HOST", "host"),
        {.head = "LABELS",
         .text = [](const json::object& row) { return joined(row, "labels"); },
         .only_wide = true},
        wide_column("CREATED", "created_at"),
        wide_column("ENDS", "expires_at"),
        {.head = "AGE", .text = [now](const json::object& row) { return age(row, "created_at", now); }, .drop = 2}};
}

void print_events(Environment& environment, const json::array& events) {
    Column message = column("MESSAGE", "message");
    message.least = 24;
    Table table(environment.out, environment.out_terminal,
                {column("AT", "at"), column("EVENT", "type"), column("BY", "actor", 1), std::move(message)},
                Format::table);
    environment.out << '\n';
    table.rows(events);
    table.end();
}

void print_resource(Environment& environment, const json::object& resource) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (const std::string key : {"name", "id", "external_name", "kind", "engine", "plan", "provider",
                                  "organization", "face", "billing_code"}) {
        fields.emplace_back(key, cell(resource, key));
    }
    const std::string state = cell(resource, "state");
    const std::string health = cell(object_in(resource, "health"), "status");
    const Terminal& terminal = environment.out_terminal;
    fields.emplace_back("labels", joined(resource, "labels"));
    fields.emplace_back("host", cell(resource, "host"));
    fields.emplace_back("state", paint(terminal, colour_of_state(state), state));
    fields.emplace_back("reason", cell(resource, "reason"));
    fields.emplace_back("operation", cell(resource, "operation"));
    fields.emplace_back("health", paint(terminal, colour_of_state(health), health));
    fields.emplace_back("endpoint", endpoint_of(resource));
    if (resource.contains("server")) {
        for (const std::string key : {"server", "database", "username"}) {
            fields.emplace_back(key, cell(resource, key));
        }
    }
    if (resource.contains("address")) {
        for (const std::string key : {"address", "username"}) fields.emplace_back(key, cell(resource, key));
    }
    if (cell(resource, "serves") != "-") {
        fields.emplace_back("serves", fmt::format("{} of at most {} databases", cell(resource, "serves"),
                                                  cell(resource, "places")));
        fields.emplace_back("current", cell(resource, "current"));
    }
    if (const json::object& backup = object_in(resource, "backup"); !backup.empty()) {
        fields.emplace_back("backup of", cell(backup, "source_name"));
        fields.emplace_back("bytes", cell(backup, "size_bytes"));
        fields.emplace_back("sha256", cell(backup, "sha256"));
    }
    fields.emplace_back("left behind", joined(resource, "remnants"));
    fields.emplace_back("created", cell(resource, "created_at"));
    fields.emplace_back("updated", cell(resource, "updated_at"));
    fields.emplace_back("ends", cell(resource, "expires_at"));
    fields.emplace_back("gone", cell(resource, "gone_at"));
    fields.emplace_back("version", cell(resource, "version"));
    print_fields(environment.out, fields);
}

// NAME=VALUE taken apart.
Outcome<std::pair<std::string, std::string>> label_of(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
        return fail(Exit::usage, fmt::format("--label takes NAME=VALUE, not \"{}\"", printable(text)));
    }
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// What is kept ready in a pool is nobody's yet, and a shared server is everybody's.
bool is_everybodys(const Filters& filters) { return filters.pooled || !filters.server.empty(); }

Outcome<QueryText> listing_query(const Filters& filters) {
    QueryText query("/api/v1/resources");
    query.add("kind", filters.kind);
    query.add("engine", filters.engine);
    query.add("plan", filters.plan);
    query.add("provider", filters.provider);
    query.add("state", filters.state);
    query.add("billing_code", filters.billing_code);
    query.add("selector", filters.selector);
    query.add("server", filters.server);
    if (filters.gone) query.add("include_gone", "true");
    if (filters.pooled) query.add("pooled", "true");
    for (const std::string& text : filters.labels) {
        const auto label = label_of(text);
        if (!label) return std::unexpected(label.error());
        query.put("label." + label->first, label->second);
    }
    return query;
}

}  // namespace

Outcome<std::string> organization_of(Api& api, const Scope& scope) {
    if (!scope.everybody) return scope.organization;
    if (!scope.organization.empty()) {
        return fail(Exit::usage, "--organization and --all-organizations exclude each other");
    }
    const auto me = api.get("/api/v1/me");
    if (!me) return std::unexpected(me.error());
    if (json::get_string(*me, "role") == "administrator") return std::string();
    return fail(Exit::unauthenticated,
                fmt::format("this key sees its own organization only ({})", cell(*me, "organization")),
                "leave --all-organizations out, or use an administrator's key");
}

Outcome<std::string> owner_of(Api& api, const Scope& scope) {
    auto organization = organization_of(api, scope);
    if (!organization || !organization->empty() || scope.everybody) return organization;
    const auto me = api.get("/api/v1/me");
    if (!me) return std::unexpected(me.error());
    return json::get_string(*me, "organization");
}

Outcome<Exit> list_plans(Api& api, const std::string& engine, const std::string& kind, Format format) {
    QueryText query("/api/v1/plans");
    query.add("engine", engine);
    query.add("kind", kind);
    Column description = column("DESCRIPTION", "description", 3);
    description.least = 24;
    const auto pool = [](const json::object& plan) {
        const json::object& levels = object_in(plan, "pool");
        const std::string target = cell(levels, "target");
        return target == "-" || target == "0" ? std::string("-")
                                              : fmt::format("{}/{}", cell(levels, "ready"), target);
    };
    const auto available = [](const json::object& plan) {
        if (json::get_bool(plan, "available", true)) return std::string("yes");
        const std::string reason = cell(plan, "reason");
        return reason == "-" ? "no" : "no: " + reason;
    };
    const Listing listing{.target = query.str(),
                          .items = "plans",
                          .columns = {column("ENGINE", "engine"),
                                      column("PLAN", "name"),
                                      column("KIND", "kind", 5),
                                      wide_column("TITLE", "title"),
                                      std::move(description),
                                      wide_column("PROVIDER", "provider"),
                                      wide_column("LIFETIME", "lifetime"),
                                      wide_column("AT MOST", "max_lifetime"),
                                      {.head = "PRICE/H", .text = price_of, .drop = 2},
                                      {.head = "POOL", .text = pool, .drop = 4},
                                      {.head = "AVAILABLE", .text = available, .least = 12}},
                          .whole = true};
    return list(api, listing, format);
}

Outcome<Listing> resource_listing(Api& api, const ListOptions& options) {
    auto query = listing_query(options.filters);
    if (!query) return std::unexpected(query.error());
    const auto organization =
        is_everybodys(options.filters) ? organization_of(api, options.scope) : owner_of(api, options.scope);
    if (!organization) return std::unexpected(organization.error());
    query->add("organization", *organization);
    return Listing{.target = query->str(), .items = "resources", .columns = {}, .limit = options.limit};
}

Outcome<Exit> list_resources(Api& api, const ListOptions& options, Format format) {
    auto listing = resource_listing(api, options);
    if (!listing) return std::unexpected(std::move(listing.error()));
    listing->columns =
        resource_columns(api.environment().now(), options.scope.everybody || is_everybodys(options.filters));
    return list(api, *listing, format);
}

Outcome<json::object> find_resource(Api& api, const std::string& name, bool gone_too) {
    auto found = api.get(path_of(name));
    if (found || found.error().exit != Exit::not_found || !gone_too) return found;
    QueryText query("/api/v1/resources");
    query.add("name", name);
    query.add("include_gone", "true");
    bool more = false;
    auto gone = api.all({query.str(), "resources", "", kEverything}, more);
    if (!gone || gone->empty() || !gone->back().is_object()) return found;
    const auto newest = std::ranges::max_element(*gone, {}, [](const json::value& one) {
        return one.is_object() ? json::get_string(one.get_object(), "created_at") : std::string();
    });
    return newest->get_object();
}

Outcome<Exit> show_resource(Api& api, const std::string& name, bool events, Format format) {
    auto resource = find_resource(api, name);
    if (!resource) return std::unexpected(std::move(resource.error()));
    Environment& environment = api.environment();
    json::array timeline;
    if (events) {
        bool more = false;
        auto found = api.all({path_of(json::get_string(*resource, "id")) + "/events", "events", "", 10'000}, more);
        if (!found) return std::unexpected(std::move(found.error()));
        timeline = std::move(*found);
    }
    switch (format) {
        case Format::json:
            if (events) (*resource)["events"] = std::move(timeline);
            environment.out << json::dump(*resource) << '\n';
            return Exit::ok;
        case Format::name: environment.out << cell(*resource, "name") << '\n'; return Exit::ok;
        case Format::table:
        case Format::wide: break;
    }
    print_resource(environment, *resource);
    if (events) print_events(environment, timeline);
    return Exit::ok;
}

Outcome<Exit> show_url(Api& api, const std::string& name, bool json) {
    auto found = api.get(path_of(name) + "/credentials");
    if (!found) {
        Failure failure = std::move(found.error());
        if (failure.exit == Exit::failed && failure.fix.empty()) {
            failure.fix = fmt::format("`slipway wait {0}` waits for it; `slipway why {0}` tells how it stands",
                                      printable(name));
        }
        return std::unexpected(std::move(failure));
    }
    // As it is, not as a cell: a program reads it.
    api.environment().out << (json ? json::dump(*found) : json::get_string(*found, "url")) << '\n';
    return Exit::ok;
}

Outcome<json::object> create_body(const CreateOptions& options) {
    json::object body{{"engine", options.engine}, {"plan", options.plan}};
    const auto add = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) body[key] = value;
    };
    add("kind", options.kind);
    add("name", options.name);
    add("billing_code", options.billing_code);
    add("organization", options.organization);
    add("expires_in", options.expires_in);
    add("username", options.username);
    json::object labels;
    for (const std::string& text : options.labels) {
        const auto label = label_of(text);
        if (!label) return std::unexpected(label.error());
        labels[label->first] = label->second;
    }
    if (!labels.empty()) body["labels"] = std::move(labels);
    return body;
}

Outcome<json::object> update_body(const UpdateOptions& options) {
    json::object body;
    if (!options.plan.empty()) body["plan"] = options.plan;
    if (!options.rename.empty()) body["name"] = options.rename;
    if (options.billing_code) body["billing_code"] = *options.billing_code;
    if (!options.expires_in.empty()) body["expires_in"] = options.expires_in;
    json::object labels;
    for (const std::string& text : options.labels) {
        const auto label = label_of(text);
        if (!label) return std::unexpected(label.error());
        labels[label->first] = label->second;
    }
    for (const std::string& name : options.unlabels) {
        if (labels.contains(name)) {
            return fail(Exit::usage, fmt::format("the label {} is both set and taken away", printable(name)));
        }
        labels[name] = nullptr;
    }
    if (!labels.empty()) body["labels"] = std::move(labels);
    if (!body.empty()) return body;
    return fail(Exit::usage, "nothing is to be changed",
                "name a change: --plan, --rename, --billing-code, --label, --unlabel or --expires-in");
}

namespace {

void say_result(Environment& environment, const json::object& resource, std::string_view done) {
    const std::string name = cell(resource, "name");
    const std::string state = cell(resource, "state");
    environment.out << fmt::format("{} {} and {}\n", name, done,
                                   paint(environment.out_terminal, colour_of_state(state), state));
    if (const std::string end = cell(resource, "expires_at"); end != "-") {
        environment.out << fmt::format("it ends at {}\n", end);
    }
    if (object_in(resource, "endpoint").empty()) return;
    if (json::get_string(resource, "kind") == "machine") {
        environment.out << fmt::format("it is at {}; log in: slipway ssh {}\n", cell(resource, "address"), name);
    } else {
        environment.out << fmt::format("its URL, with the password: slipway url {}\n", name);
    }
}

void print_change(Environment& environment, const json::object& answer, Format format, std::string_view done) {
    const json::object& resource = object_in(answer, "resource");
    switch (format) {
        case Format::json: environment.out << json::dump(answer) << '\n'; return;
        case Format::name: environment.out << cell(resource, "name") << '\n'; return;
        case Format::table:
        case Format::wide: say_result(environment, resource, done); return;
    }
}

// Somebody pressed Ctrl-C: what was asked for is kept.
Failure kept(Failure failure, const std::string& name, const std::string& operation) {
    failure.message = fmt::format("interrupted; the request is kept, and {} goes on being worked on", name);
    failure.fix =
        fmt::format("`slipway wait {}` waits on; `slipway cancel {}` stops and undoes it", name, operation);
    return failure;
}

}  // namespace

Outcome<Exit> finish_change(Api& api, json::object answer, const WaitOptions& wait, Format format,
                            std::string_view done) {
    Environment& environment = api.environment();
    const std::string id = json::get_string(object_in(answer, "operation"), "id");
    const std::string resource = json::get_string(object_in(answer, "resource"), "id");
    const std::string name = cell(object_in(answer, "resource"), "name");
    if (id.empty() || has_ended(object_in(answer, "operation"))) {
        print_change(environment, answer, format, done);
        return exit_of(object_in(answer, "operation"));
    }
    if (!wait.wait) {
        if (format == Format::table || format == Format::wide) {
            environment.out << fmt::format("{} is being worked on: {}\n", name, printable(id));
        } else {
            print_change(environment, answer, format, done);
        }
        return Exit::ok;
    }
    auto operation = await_operation(api, id, wait, name);
    if (!operation) {
        Failure failure = std::move(operation.error());
        return std::unexpected(failure.exit == Exit::interrupted ? kept(std::move(failure), name, printable(id))
                                                                 : std::move(failure));
    }
    const std::string ended = cell(*operation, "state");
    const bool good = ended == "succeeded";
    // Read again: by id, because what could not be made is gone, and names are of what is there.
    auto now = api.get(path_of(resource));
    if (now) answer["resource"] = std::move(*now);
    const std::string reason = cell(*operation, "reason");
    answer["operation"] = std::move(*operation);
    if (good || format == Format::json) print_change(environment, answer, format, done);
    if (good) return Exit::ok;
    return fail(Exit::failed, fmt::format("{} {}: {}", name, ended, reason),
                fmt::format("`slipway why {}` tells what happened", printable(resource)));
}

Outcome<Exit> create_resource(Api& api, const CreateOptions& options, const WaitOptions& wait, Format format) {
    auto body = create_body(options);
    if (!body) return std::unexpected(body.error());
    if (auto added = add_password(api.environment(), options, *body); !added) {
        return std::unexpected(std::move(added.error()));
    }
    auto made = api.create("/api/v1/resources", *body);
    if (made) return finish_change(api, std::move(*made), wait, format, "is made");
    Failure failure = std::move(made.error());
    if (failure.exit == Exit::interrupted) {
        failure.message = "interrupted before the server answered: it may have accepted the request";
        failure.fix = "`slipway ls` shows whether it did";
    }
    return std::unexpected(std::move(failure));
}

Outcome<Exit> update_resource(Api& api, const UpdateOptions& options, const WaitOptions& wait, Format format) {
    const auto body = update_body(options);
    if (!body) return std::unexpected(body.error());
    Request request{.method = "PATCH", .target = path_of(options.name), .body = json::dump(*body)};
    if (options.if_version) request.headers = {{"If-Match", fmt::format("\"{}\"", *options.if_version)}};
    auto changed = api.ask(std::move(request));
    if (!changed) return std::unexpected(std::move(changed.error()));
    return finish_change(api, std::move(*changed), wait, format, "is changed");
}

Outcome<Exit> rotate_password(Api& api, const std::string& name, bool confirm, const WaitOptions& wait,
                              Format format) {
    auto changed = api.ask({.method = "POST", .target = path_of(name) + (confirm ? "/rotate/confirm" : "/rotate")});
    if (!changed) return std::unexpected(std::move(changed.error()));
    return finish_change(api, std::move(*changed), wait, format, confirm ? "is confirmed" : "is rotated");
}

}  // namespace slipway::cli
