// API keys, and the organizations they belong to.
#include <charconv>

#include <fmt/format.h>

#include "cli/administration.h"
#include "cli/listing.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr std::int64_t kTenYears = 3653LL * 86'400;

std::string state_of_key(const json::object& key, TimePoint now) {
    if (cell(key, "revoked_at") != "-") return "revoked";
    const auto expires = parse_time(json::get_string(key, "expires_at"));
    return expires && *expires <= now ? "expired" : "ok";
}

// "redis/small", or "all plans" where the quota is of none in particular.
std::string scope_of(const json::object& quota) {
    if (cell(quota, "plan") == "-") return "all plans";
    return fmt::format("{}/{}", cell(quota, "engine"), cell(quota, "plan"));
}

Column number(std::string head, std::string key) {
    Column made = column(std::move(head), std::move(key));
    made.to_the_right = true;
    return made;
}

void print_quotas(Environment& environment, const json::array& quotas) {
    Table table(environment.out, environment.out_terminal,
                {{.head = "QUOTA", .text = scope_of}, number("LIMIT", "limit"), number("USED", "used")},
                Format::table);
    table.rows(quotas);
    table.end();
}

// The kind that goes with an engine's plan, as the server's plans have it.
Outcome<std::string> kind_of(Api& api, const std::string& engine, const std::string& plan) {
    QueryText query("/api/v1/plans");
    query.add("engine", engine);
    bool more = false;
    const auto plans = api.all({query.str(), "plans", "", kEverything, true}, more);
    if (!plans) return std::unexpected(plans.error());
    for (const json::value& one : *plans) {
        if (one.is_object() && json::get_string(one.get_object(), "name") == plan) {
            return json::get_string(one.get_object(), "kind");
        }
    }
    return fail(Exit::failed, fmt::format("there is no plan {} of {}", printable(plan), printable(engine)),
                "`slipway plans` lists them");
}

Outcome<json::object> quota_of(Api& api, const std::string& text) {
    const auto wrong = [&] {
        return fail(Exit::usage, fmt::format("\"{}\" is no quota", printable(text)),
                    "write all=LIMIT, ENGINE/PLAN=LIMIT or KIND/ENGINE/PLAN=LIMIT");
    };
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return wrong();
    std::uint64_t limit = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + equals + 1, end, limit);
    if (read.ec != std::errc() || read.ptr != end) return wrong();
    const std::string scope = text.substr(0, equals);
    if (scope == "all") return json::object{{"limit", limit}};
    const std::size_t last = scope.rfind('/');
    if (last == std::string::npos || last == 0 || last + 1 == scope.size()) return wrong();
    const std::string plan = scope.substr(last + 1);
    const std::size_t middle = scope.find('/');
    std::string engine = scope.substr(0, last);
    std::string kind;
    if (middle != last) {
        kind = scope.substr(0, middle);
        engine = scope.substr(middle + 1, last - middle - 1);
    } else {
        auto known = kind_of(api, engine, plan);
        if (!known) return std::unexpected(std::move(known.error()));
        kind = std::move(*known);
    }
    return json::object{{"kind", kind}, {"engine", engine}, {"plan", plan}, {"limit", limit}};
}

}  // namespace

std::optional<std::int64_t> seconds_of(const std::string& text) {
    std::int64_t count = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    if (read.ec != std::errc() || count <= 0 || end - read.ptr != 1) return std::nullopt;
    constexpr std::string_view kUnits = "smhd";
    constexpr std::array<std::int64_t, 4> kSeconds{1, 60, 3600, 86'400};
    const std::size_t unit = kUnits.find(*read.ptr);
    if (unit == std::string_view::npos || count > kTenYears / kSeconds.at(unit)) return std::nullopt;
    return count * kSeconds.at(unit);
}

Outcome<Exit> list_keys(Api& api, const Scope& scope, Format format) {
    const auto organization = organization_of(api, scope);
    if (!organization) return std::unexpected(organization.error());
    QueryText query("/api/v1/keys");
    query.add("organization", *organization);
    const TimePoint now = api.environment().now();
    Column description = column("DESCRIPTION", "description", 3);
    description.least = 24;
    const Listing listing{
        .target = query.str(),
        .items = "keys",
        .columns = {column("KEY", "id"),
                    column("ROLE", "role"),
                    column("ORGANIZATION", "organization", 1),
                    {.head = "STATE",
                     .text = [now](const json::object& key) { return state_of_key(key, now); },
                     .is_state = true},
                    {.head = "AGE",
                     .text = [now](const json::object& key) { return age(key, "created_at", now); },
                     .drop = 2},
                    column("EXPIRES", "expires_at", 4),
                    wide_column("REVOKED", "revoked_at"),
                    std::move(description)},
        .name_key = "id"};
    return list(api, listing, format);
}

Outcome<Exit> create_key(Api& api, const KeyOptions& options, bool json) {
    json::object body{{"role", options.role}};
    if (!options.description.empty()) body["description"] = options.description;
    if (!options.organization.empty()) body["organization"] = options.organization;
    if (!options.expires_in.empty()) {
        const auto seconds = seconds_of(options.expires_in);
        if (!seconds) return fail(Exit::usage, "--expires-in takes a number and s, m, h or d: 12h, 30d");
        body["expires_in_seconds"] = *seconds;
    }
    const auto made = api.create("/api/v1/keys", body);
    if (!made) return std::unexpected(made.error());
    Environment& environment = api.environment();
    if (json) {
        environment.out << json::dump(*made) << '\n';
        return Exit::ok;
    }
    environment.err << fmt::format("slipway: key {} of organization {}, {}; it is shown this once\n",
                                   cell(*made, "id"), cell(*made, "organization"), cell(*made, "role"));
    environment.out << json::get_string(*made, "key") << '\n';
    return Exit::ok;
}

Outcome<Exit> revoke_key(Api& api, const std::string& id, bool json) {
    const auto done = api.remove(api_path({"keys", id}));
    if (!done) return std::unexpected(done.error());
    if (!json) {
        api.environment().out << printable(id) << " is revoked\n";
        return Exit::ok;
    }
    const auto key = api.get(api_path({"keys", id}));
    if (!key) return std::unexpected(key.error());
    api.environment().out << json::dump(*key) << '\n';
    return Exit::ok;
}

Outcome<Exit> list_organizations(Api& api, Format format) {
    const TimePoint now = api.environment().now();
    Column title = column("TITLE", "title", 2);
    title.least = 12;
    const auto live = [](const json::object& row) {
        std::int64_t sum = 0;
        for (const json::value& one : array_in(row, "live")) {
            if (one.is_object()) sum += json::get_int(one.get_object(), "live");
        }
        return std::to_string(sum);
    };
    const Listing listing{
        .target = "/api/v1/organizations",
        .items = "organizations",
        .columns = {column("ORGANIZATION", "id"),
                    std::move(title),
                    {.head = "LIVE", .text = live, .to_the_right = true},
                    {.head = "AGE",
                     .text = [now](const json::object& row) { return age(row, "created_at", now); },
                     .drop = 1}},
        .name_key = "id"};
    return list(api, listing, format);
}

Outcome<Exit> create_organization(Api& api, const OrganizationOptions& options, Format format) {
    json::object body{{"id", options.id}};
    if (!options.title.empty()) body["title"] = options.title;
    const auto made = api.create("/api/v1/organizations", body);
    if (!made) return std::unexpected(made.error());
    std::ostream& out = api.environment().out;
    if (format == Format::json) {
        out << json::dump(*made) << '\n';
    } else if (format == Format::name) {
        out << cell(*made, "id") << '\n';
    } else {
        out << fmt::format("organization {0} is made; a key for it: slipway keys create --organization {0}\n",
                           cell(*made, "id"));
    }
    return Exit::ok;
}

Outcome<Exit> show_organization(Api& api, const std::string& id, Format format) {
    const auto found = api.get(api_path({"organizations", id}));
    if (!found) return std::unexpected(found.error());
    Environment& environment = api.environment();
    if (format == Format::json) {
        environment.out << json::dump(*found) << '\n';
        return Exit::ok;
    }
    std::vector<std::pair<std::string, std::string>> fields{
        {"id", cell(*found, "id")}, {"title", cell(*found, "title")}, {"created", cell(*found, "created_at")}};
    if (!json::get_string(*found, "deleted_at").empty()) {
        fields.emplace_back("deleted", cell(*found, "deleted_at"));
    }
    print_fields(environment.out, fields);
    environment.out << '\n';
    Table live(environment.out, environment.out_terminal,
               {column("KIND", "kind"), column("ENGINE", "engine"), column("PLAN", "plan"), number("LIVE", "live")},
               Format::table);
    live.rows(array_in(*found, "live"));
    live.end();
    environment.out << '\n';
    print_quotas(environment, array_in(*found, "quotas"));
    return Exit::ok;
}

Outcome<Exit> remove_organization(Api& api, const OrganizationOptions& options, bool json) {
    Environment& environment = api.environment();
    const std::string name = printable(options.id);
    if (!options.yes) {
        const auto said = confirmed(
            environment,
            fmt::format("delete organization {}, revoke its keys and give its name to nobody again?", name));
        if (!said) return std::unexpected(said.error());
    }
    const auto removed = api.remove(api_path({"organizations", options.id}));
    if (!removed) return std::unexpected(removed.error());
    if (json) {
        environment.out << json::dump(*removed) << '\n';
    } else {
        environment.out << "organization " << name << " is deleted\n";
    }
    return Exit::ok;
}

Outcome<Exit> quota(Api& api, const QuotaOptions& options, bool json) {
    const std::string target = api_path({"organizations", options.id, "quotas"});
    if (options.none && !options.limits.empty()) {
        return fail(Exit::usage, "--none takes all quotas away: it goes with no others");
    }
    Request request{.method = "GET", .target = target};
    if (options.none || !options.limits.empty()) {
        json::array quotas;
        for (const std::string& text : options.limits) {
            auto one = quota_of(api, text);
            if (!one) return std::unexpected(std::move(one.error()));
            quotas.emplace_back(std::move(*one));
        }
        request.method = "PUT";
        request.body = json::dump(json::object{{"quotas", std::move(quotas)}});
    }
    const auto found = api.ask(std::move(request));
    if (!found) return std::unexpected(found.error());
    if (json) {
        api.environment().out << json::dump(*found) << '\n';
    } else {
        print_quotas(api.environment(), array_in(*found, "quotas"));
    }
    return Exit::ok;
}

}  // namespace slipway::cli
