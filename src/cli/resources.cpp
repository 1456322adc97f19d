#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

std::string path_of(const std::string& name) { return "/api/v1/resources/" + net::percent_encode(name); }

std::string health_of(const json::object& resource) {
    const json::value* health = resource.if_contains("health");
    return health != nullptr && health->is_object() ? cell(health->get_object(), "status") : "-";
}

std::string endpoint_of(const json::object& resource) {
    const json::value* endpoint = resource.if_contains("endpoint");
    if (endpoint == nullptr || !endpoint->is_object()) return "-";
    const json::object& at = endpoint->get_object();
    return fmt::format("{}://{}:{}", cell(at, "scheme"), cell(at, "host"), cell(at, "port"));
}

void print_events(std::ostream& out, const json::array& events) {
    Table table({"AT", "EVENT", "BY", "MESSAGE"});
    for (const json::value& value : events) {
        if (!value.is_object()) continue;
        const json::object& event = value.get_object();
        table.add({cell(event, "at"), cell(event, "type"), cell(event, "actor"), cell(event, "message")});
    }
    out << '\n';
    table.print(out);
}

void print_resource(std::ostream& out, const json::object& resource) {
    for (const std::string_view key : {"name", "id", "kind", "engine", "plan", "provider", "organization", "face",
                                       "billing_code", "labels", "host", "state", "reason", "operation"}) {
        const std::string value = cell(resource, key);
        if (value != "-") out << fmt::format("{:<14}{}\n", key, value);
    }
    out << fmt::format("{:<14}{}\n{:<14}{}\n", "health", health_of(resource), "endpoint", endpoint_of(resource));
    const json::value* remnants = resource.if_contains("remnants");
    if (remnants != nullptr && remnants->is_array() && !remnants->get_array().empty()) {
        out << fmt::format("{:<14}{}\n", "left behind", printable(json::dump(*remnants)));
    }
    out << fmt::format("{:<14}{}\n{:<14}{}\n", "created", cell(resource, "created_at"), "updated",
                       cell(resource, "updated_at"));
}

}  // namespace

Outcome<Exit> list_resources(Api& api, const ListOptions& options, bool json) {
    QueryText query("/api/v1/resources");
    query.add("kind", options.kind);
    query.add("engine", options.engine);
    query.add("plan", options.plan);
    query.add("state", options.state);
    query.add("billing_code", options.billing_code);
    if (options.gone) query.add("include_gone", "true");
    for (const std::string& label : options.labels) {
        const std::size_t equals = label.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return std::unexpected(Failure{Exit::usage, "--label takes NAME=VALUE", ""});
        }
        query.add("label." + label.substr(0, equals), label.substr(equals + 1));
    }
    bool more = false;
    auto found = api.all(query.str(), "resources", options.limit, more);
    if (!found) return std::unexpected(std::move(found.error()));
    std::ostream& out = api.environment().out;
    if (json) {
        out << json::dump(json::object{{"resources", std::move(*found)}, {"more", more}}) << '\n';
        return Exit::ok;
    }
    Table table({"NAME", "KIND", "ENGINE", "PLAN", "STATE", "HEALTH", "BILLING", "ENDPOINT", "CREATED"});
    for (const json::value& value : *found) {
        if (!value.is_object()) continue;
        const json::object& one = value.get_object();
        table.add({cell(one, "name"), cell(one, "kind"), cell(one, "engine"), cell(one, "plan"), cell(one, "state"),
                   health_of(one), cell(one, "billing_code"), endpoint_of(one), cell(one, "created_at")});
    }
    table.print(out);
    if (more) api.environment().err << "slipway: there are more; raise --limit or filter\n";
    return Exit::ok;
}

Outcome<Exit> show_resource(Api& api, const std::string& name, bool events, bool json) {
    auto resource = api.get(path_of(name));
    if (!resource) return std::unexpected(std::move(resource.error()));
    std::ostream& out = api.environment().out;
    json::array timeline;
    if (events) {
        bool more = false;
        auto found = api.all(path_of(json::get_string(*resource, "id")) + "/events", "events", 10'000, more);
        if (!found) return std::unexpected(std::move(found.error()));
        timeline = std::move(*found);
    }
    if (json) {
        if (events) (*resource)["events"] = std::move(timeline);
        out << json::dump(*resource) << '\n';
        return Exit::ok;
    }
    print_resource(out, *resource);
    if (events) print_events(out, timeline);
    return Exit::ok;
}

// All are asked for before any is waited for. The first failure is the answer, after every other was tried.
Outcome<Exit> remove_resources(Api& api, const std::vector<std::string>& names, const WaitOptions& options,
                               bool json) {
    std::optional<Failure> first;
    std::vector<std::pair<std::string, std::string>> asked;  // name, operation
    json::array ended;
    const auto note = [&](Failure failure) {
        if (first) api.environment().err << "slipway: " << failure.message << '\n';
        if (!first) first = std::move(failure);
    };
    for (const std::string& name : names) {
        auto accepted = api.remove(path_of(name));
        if (!accepted) {
            note({accepted.error().exit, printable(name) + ": " + accepted.error().message, accepted.error().fix});
            continue;
        }
        asked.emplace_back(name, json::get_string(*accepted, "id"));
        if (!options.wait) ended.push_back(std::move(*accepted));
    }
    std::ostream& out = api.environment().out;
    for (const auto& [name, id] : asked) {
        if (!options.wait) {
            if (!json) out << fmt::format("{} is being removed: {}\n", printable(name), printable(id));
            continue;
        }
        auto operation = await_operation(api, id, options);
        if (!operation) {
            note(std::move(operation.error()));
            continue;
        }
        const bool done = json::get_string(*operation, "state") == "succeeded";
        if (!done) {
            note({Exit::failed, printable(name) + " was not removed: " + cell(*operation, "reason"),
                  "`slipway show " + printable(name) + " --events` tells more"});
        } else if (!json) {
            out << printable(name) << " is removed\n";
        }
        ended.push_back(std::move(*operation));
    }
    if (json) out << json::dump(json::object{{"operations", std::move(ended)}}) << '\n';
    if (first) return std::unexpected(std::move(*first));
    return Exit::ok;
}

}  // namespace slipway::cli
