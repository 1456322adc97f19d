#include "cli/operations.h"

#include <fmt/format.h>

#include "cli/listing.h"
#include "cli/output.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kIdPrefix = "op_";
constexpr std::chrono::seconds kLogWait(20);  // for more of a log that is followed
constexpr Duration kLogRetry = std::chrono::milliseconds(500);
constexpr Duration kServerAway = std::chrono::minutes(1);  // of one that answered before

Exit report(Api& api, const json::object& operation, bool json) {
    if (json) {
        api.environment().out << json::dump(operation) << '\n';
    } else {
        api.environment().out << fmt::format("{} {}: {}\n", cell(operation, "kind"), cell(operation, "id"),
                                             sentence_of(operation));
    }
    return exit_of(operation);
}

}  // namespace

Outcome<Meant> operation_meant(Api& api, const std::string& name) {
    if (name.starts_with(kIdPrefix)) return Meant{name, {}};
    auto resource = find_resource(api, name);
    if (!resource) return std::unexpected(std::move(resource.error()));
    const std::string id = json::get_string(*resource, "operation");
    return Meant{id, std::move(*resource)};
}

Failure nothing_to_cancel(const std::string& name) {
    return {Exit::failed, printable(name) + " has no operation under way: there is nothing to cancel",
            "`slipway rm` removes what is there"};
}

Outcome<Exit> list_operations(Api& api, const OperationsOptions& options, Format format) {
    const auto organization = organization_of(api, options.scope);
    if (!organization) return std::unexpected(organization.error());
    QueryText query("/api/v1/operations");
    query.add("resource", options.resource);
    query.add("kind", options.kind);
    query.add("state", options.state);
    query.add("organization", *organization);
    if (options.open) query.add("open", "true");
    const TimePoint now = api.environment().now();
    const auto took = [](const json::object& row) {
        const auto begun = parse_time(json::get_string(row, "created_at"));
        const auto ended = parse_time(json::get_string(row, "ended_at"));
        return begun && ended ? spell(*ended - *begun) : std::string("-");
    };
    const Listing listing{
        .target = query.str(),
        .items = "operations",
        .columns = {column("OPERATION", "id"),
                    column("KIND", "kind"),
                    state_column(),
                    wide_column("RESOURCE", "resource"),
                    organization_column(options.scope.everybody),
                    column("BY", "actor", 3),
                    {.head = "AGE",
                     .text = [now](const json::object& row) { return age(row, "created_at", now); },
                     .drop = 2},
                    {.head = "TOOK", .text = took, .drop = 1},
                    wide_column("CREATED", "created_at"),
                    wide_column("NEXT", "next_at"),
                    {.head = "PROGRESS", .text = sentence_of, .least = 24}},
        .name_key = "id",
        .limit = options.limit};
    return list(api, listing, format);
}

Outcome<Exit> wait_for(Api& api, const std::string& name, const WaitOptions& options, bool json) {
    const auto meant = operation_meant(api, name);
    if (!meant) return std::unexpected(meant.error());
    if (meant->id.empty()) {
        std::ostream& out = api.environment().out;
        const std::string state = cell(meant->resource, "state");
        if (json) {
            out << json::dump(meant->resource) << '\n';
        } else {
            out << printable(name) << " is " << state << '\n';
        }
        return state == "failed" ? Exit::failed : Exit::ok;
    }
    auto operation = await_operation(api, meant->id, options, printable(name));
    if (!operation) return std::unexpected(std::move(operation.error()));
    return report(api, *operation, json);
}

Outcome<Exit> cancel(Api& api, const std::string& name, const std::string& reason, const WaitOptions& options,
                     bool json) {
    const auto meant = operation_meant(api, name);
    if (!meant) return std::unexpected(meant.error());
    if (meant->id.empty()) return std::unexpected(nothing_to_cancel(name));
    json::object body;
    if (!reason.empty()) body["reason"] = reason;
    auto operation = api.post(api_path({"operations", meant->id, "cancel"}), body);
    if (!operation) return std::unexpected(std::move(operation.error()));
    if (options.wait && !has_ended(*operation)) {
        operation = await_operation(api, meant->id, options, printable(name));
        if (!operation) return std::unexpected(std::move(operation.error()));
    }
    const Exit reported = report(api, *operation, json);
    // Being cancelled is what was asked for.
    if (json::get_string(*operation, "state") == "cancelled") return Exit::ok;
    return options.wait && reported == Exit::ok ? Exit::failed : reported;
}

namespace {

// A log from its beginning to its present or real end.
class LogReader {
  public:
    LogReader(Api& api, const std::string& id, bool follow)
        : api_(api), target_(api_path({"operations", id, "log"})), follow_(follow) {}

    Outcome<Exit> run() {
        for (;;) {
            if (api_.environment().interrupted()) return Exit::interrupted;
            auto answer = ask();
            if (!answer && !worth_another_try(answer.error()))
                return std::unexpected(api_.failure_of(answer.error()));
            if (!answer) continue;
            if (answer->status != 200) return std::unexpected(api_.failure_of(*answer));
            print(answer->body);
            const bool ended = answer->header("slipway-log-ended") == "true";
            if (answer->body.empty() && (ended || !follow_)) return Exit::ok;
            if (!api_.environment().out.good()) return Exit::ok;
            offset_ = answer->header("slipway-log-next");
        }
    }

  private:
    Result<net::HttpAnswer> ask() {
        const std::chrono::seconds wait = follow_ ? kLogWait : std::chrono::seconds(0);
        return api_.call(
            {.target = fmt::format("{}?offset={}&wait={}", target_, offset_, wait.count()), .patience = wait});
    }
    // A server that starts anew takes up its work again.
    bool worth_another_try(const Error& error) {
        Environment& environment = api_.environment();
        if (!follow_ || error.code != ErrorCode::unavailable || !heard_) return false;
        if (environment.now() - *heard_ > kServerAway) return false;
        environment.pause(kLogRetry);
        return true;
    }
    void print(std::string_view text) {
        heard_ = api_.environment().now();
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            api_.environment().out << printable(text.substr(0, end)) << '\n';
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        api_.environment().out.flush();
    }

    Api& api_;
    std::string target_;
    bool follow_;
    std::string offset_ = "0";
    std::optional<TimePoint> heard_;
};

}  // namespace

Outcome<Exit> show_log(Api& api, const std::string& name, bool follow) {
    const auto meant = operation_meant(api, name);
    if (!meant) return std::unexpected(meant.error());
    if (meant->id.empty()) {
        return fail(Exit::failed, printable(name) + " has no operation under way: name the one that is meant",
                    "`slipway ops --resource " + printable(name) + "` lists them");
    }
    return LogReader(api, meant->id, follow).run();
}

}  // namespace slipway::cli
