#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr std::chrono::seconds kLongPoll(20);
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kMaxAway = std::chrono::minutes(1);  // of a server that answered before
constexpr std::string_view kIdPrefix = "op_";

std::string path_of(const std::string& id) { return "/api/v1/operations/" + net::percent_encode(id); }

std::string sentence_of(const json::object& operation) {
    const json::value* progress = operation.if_contains("progress");
    if (progress == nullptr || !progress->is_object()) return cell(operation, "state");
    const json::object& at = progress->get_object();
    return fmt::format("{}/{} {}", cell(at, "done"), cell(at, "total"), cell(at, "sentence"));
}

// One line that is written over, and wiped in the end whatever happens.
class ProgressLine {
  public:
    explicit ProgressLine(Environment& environment) : environment_(environment) {}
    ~ProgressLine() {
        if (shown_) environment_.err << "\r\033[K" << std::flush;
    }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    void show(const std::string& text) {
        if (!environment_.progress) return;
        shown_ = true;
        environment_.err << "\r\033[K" << text << std::flush;
    }

  private:
    Environment& environment_;
    bool shown_ = false;
};

bool ended(const json::object& operation) {
    const std::string state = json::get_string(operation, "state");
    return state == "succeeded" || state == "failed" || state == "cancelled";
}

Outcome<Exit> report(Api& api, const json::object& operation, bool json) {
    const std::string state = json::get_string(operation, "state");
    if (json) {
        api.environment().out << json::dump(operation) << '\n';
    } else {
        api.environment().out << fmt::format("{} {}: {}\n", cell(operation, "kind"), cell(operation, "id"),
                                             sentence_of(operation));
    }
    return state == "failed" || state == "cancelled" ? Exit::failed : Exit::ok;
}

}  // namespace

Outcome<json::object> await_operation(Api& api, const std::string& id, const WaitOptions& options) {
    Environment& environment = api.environment();
    const TimePoint end = environment.now() + std::chrono::seconds(options.timeout);
    std::optional<TimePoint> last_reached;
    ProgressLine line(environment);
    for (;;) {
        const Duration left = end - environment.now();
        const auto wait =
            std::clamp(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds(0), kLongPoll);
        auto operation = api.get(fmt::format("{}?wait={}", path_of(id), wait.count()), wait);
        // A server that starts anew takes up all its work again: it is worth asking once more.
        const bool away = !operation && operation.error().exit == Exit::unreachable;
        if (operation) last_reached = environment.now();
        if (!operation && !away) return operation;
        if (away && (!last_reached || environment.now() - *last_reached > kMaxAway)) return operation;
        if (operation && ended(*operation)) return operation;
        if (left <= Duration(0)) {
            if (!operation) return operation;
            return std::unexpected(Failure{
                Exit::timeout, fmt::format("{} is still under way: {}", printable(id), sentence_of(*operation)),
                fmt::format("go on waiting with `slipway wait {}`", printable(id))});
        }
        line.show(away ? "the server does not answer; trying again" : sentence_of(*operation));
        if (away) environment.pause(kRetry);
    }
}

Outcome<Exit> list_operations(Api& api, const OperationsOptions& options, bool json) {
    QueryText query("/api/v1/operations");
    query.add("resource", options.resource);
    query.add("kind", options.kind);
    query.add("state", options.state);
    if (options.open) query.add("open", "true");
    bool more = false;
    auto found = api.all(query.str(), "operations", options.limit, more);
    if (!found) return std::unexpected(std::move(found.error()));
    std::ostream& out = api.environment().out;
    if (json) {
        out << json::dump(json::object{{"operations", std::move(*found)}, {"more", more}}) << '\n';
        return Exit::ok;
    }
    Table table({"OPERATION", "KIND", "STATE", "BY", "CREATED", "PROGRESS"});
    for (const json::value& value : *found) {
        if (!value.is_object()) continue;
        const json::object& one = value.get_object();
        table.add({cell(one, "id"), cell(one, "kind"), cell(one, "state"), cell(one, "actor"),
                   cell(one, "created_at"), sentence_of(one)});
    }
    table.print(out);
    if (more) api.environment().err << "slipway: there are more; raise --limit or filter\n";
    return Exit::ok;
}

Outcome<Exit> wait_for(Api& api, const std::string& name, const WaitOptions& options, bool json) {
    std::string id = name;
    if (!name.starts_with(kIdPrefix)) {
        auto resource = api.get("/api/v1/resources/" + net::percent_encode(name));
        if (!resource) return std::unexpected(std::move(resource.error()));
        id = json::get_string(*resource, "operation");
        if (id.empty()) {  // nothing is under way
            if (json) api.environment().out << json::dump(*resource) << '\n';
            if (!json) api.environment().out << printable(name) << " is " << cell(*resource, "state") << '\n';
            return cell(*resource, "state") == "failed" ? Exit::failed : Exit::ok;
        }
    }
    auto operation = await_operation(api, id, options);
    if (!operation) return std::unexpected(std::move(operation.error()));
    return report(api, *operation, json);
}

Outcome<Exit> cancel(Api& api, const std::string& id, const std::string& reason, const WaitOptions& options,
                     bool json) {
    json::object body;
    if (!reason.empty()) body["reason"] = reason;
    auto operation = api.post(path_of(id) + "/cancel", body);
    if (!operation) return std::unexpected(std::move(operation.error()));
    if (options.wait && !ended(*operation)) {
        operation = await_operation(api, id, options);
        if (!operation) return std::unexpected(std::move(operation.error()));
    }
    const auto reported = report(api, *operation, json);
    // Being cancelled is what was asked for.
    if (json::get_string(*operation, "state") == "cancelled") return Exit::ok;
    return options.wait && reported == Exit::ok ? Exit::failed : reported;
}

Outcome<Exit> sweep(Api& api, const SweepOptions& options, bool json) {
    json::object body{{"dry_run", !options.remove}};
    if (options.grace) body["grace_seconds"] = *options.grace;
    auto swept = api.post("/api/v1/sweep", body, std::chrono::minutes(5));
    if (!swept) return std::unexpected(std::move(swept.error()));
    const bool all_removed = json::get_int(*swept, "failed") == 0;
    std::ostream& out = api.environment().out;
    if (json) {
        out << json::dump(*swept) << '\n';
        return all_removed ? Exit::ok : Exit::failed;
    }
    const json::value* found = swept->if_contains("found");
    if (found != nullptr && found->is_array() && !found->get_array().empty()) {
        Table table({"PROVIDER", "NAME", "KIND", "FIRST SEEN", "REMOVED", "DETAIL"});
        for (const json::value& value : found->get_array()) {
            if (!value.is_object()) continue;
            const json::object& one = value.get_object();
            table.add({cell(one, "provider"), cell(one, "external_name"), cell(one, "kind"),
                       cell(one, "first_seen"), cell(one, "removed_at"), cell(one, "detail")});
        }
        table.print(out);
    }
    out << fmt::format("{} things seen, {} unaccounted for, {} removed, {} could not be removed\n",
                       cell(*swept, "inventory"),
                       found != nullptr && found->is_array() ? found->get_array().size() : 0,
                       cell(*swept, "removed"), cell(*swept, "failed"));
    if (!options.remove)
        out << "nothing was touched; `slipway sweep --remove` removes what is past its grace period\n";
    return all_removed ? Exit::ok : Exit::failed;
}

}  // namespace slipway::cli
