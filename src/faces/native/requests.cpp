#include "faces/native/requests.h"

#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/check.h"
#include "domain/machine.h"
#include "faces/request_body.h"

namespace slipway::faces {
namespace {

constexpr std::string_view kFace = "native";
constexpr http::StringRule kWord = {.min_length = 1, .max_length = 128};
constexpr http::StringRule kText = {.max_length = 2'048};
constexpr std::array<std::string_view, 3> kRoles = {"reader", "user", "administrator"};
// What each verb of a dry run has besides.
struct VerbRule {
    std::string_view verb;
    bool resource = false;
    bool operation = false;
    bool orphan = false;  // provider and name
    enum class Request : std::uint8_t { none, optional, required } request = Request::none;
};
constexpr std::array<VerbRule, 9> kVerbRules = {{
    {.verb = "create", .request = VerbRule::Request::required},
    {.verb = "restore", .request = VerbRule::Request::required},
    {.verb = "update", .resource = true, .request = VerbRule::Request::required},
    {.verb = "delete", .resource = true},
    {.verb = "backup", .resource = true, .request = VerbRule::Request::optional},
    {.verb = "rotate", .resource = true},
    {.verb = "confirm", .resource = true},
    {.verb = "cancel", .operation = true},
    {.verb = "adopt", .orphan = true, .request = VerbRule::Request::required},
}};
constexpr auto kVerbs = [] {
    std::array<std::string_view, kVerbRules.size()> verbs;
    for (std::size_t i = 0; i < verbs.size(); ++i) verbs[i] = kVerbRules[i].verb;
    return verbs;
}();
constexpr std::array<std::string_view, 6> kKinds = {"cache",   "database-server", "database",
                                                    "machine", "cluster",         "backup"};

std::int64_t seconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// "" after a problem.
template <std::size_t N>
std::string take_one_of(http::BodyReader& body, std::string_view field,
                        const std::array<std::string_view, N>& allowed) {
    std::string word = body.optional_string(field, kWord).value_or("");
    if (word.empty() || std::ranges::find(allowed, word) != allowed.end()) return word;
    body.problem(std::string(field), fmt::format("must be one of: {}", fmt::join(allowed, ", ")));
    return {};
}

std::optional<Kind> take_kind(http::BodyReader& body) { return parse_kind(take_one_of(body, "kind", kKinds)); }

std::optional<OrganizationId> take_organization(http::BodyReader& body) {
    auto named = body.optional_string("organization", kWord);
    if (!named) return std::nullopt;
    return OrganizationId(std::move(*named));
}

std::vector<std::string> take_types(http::BodyReader& body) {
    std::vector<std::string> types;
    const json::value* given = body.object().if_contains("types");
    if (given == nullptr || given->is_null()) return types;
    const json::array* array = given->if_array();
    const bool strings =
        array != nullptr && std::ranges::all_of(*array, [](const json::value& each) { return each.is_string(); });
    if (!strings) {
        body.problem("types", "must be an array of strings");
        return types;
    }
    for (const json::value& each : *array) types.emplace_back(each.get_string());
    return types;
}

// {NAME: VALUE, or null to take it away}
std::map<std::string, std::optional<std::string>> take_label_changes(http::BodyReader& body) {
    constexpr std::size_t kMost = 2 * kMaxLabels;
    std::map<std::string, std::optional<std::string>> changes;
    if (!body.has("labels")) return changes;
    const json::object* given = body.object().at("labels").if_object();
    if (given == nullptr) {
        body.problem("labels", "must be an object of strings and nulls");
        return changes;
    }
    if (given->size() > kMost) {
        body.problem("labels", fmt::format("must have at most {} entries", kMost));
        return changes;
    }
    for (const auto& member : *given) {
        const std::string name(member.key());
        if (!valid_label_key(name)) {
            body.problem("labels", "a name must be 1 to 63 of A-Z a-z 0-9 . _ - / :");
        } else if (member.value().is_null()) {
            changes[name] = std::nullopt;
        } else if (member.value().is_string()) {
            changes[name] = std::string(member.value().get_string());
        } else {
            body.problem("labels." + name, "must be a string, or null to take it away");
        }
    }
    return changes;
}

std::optional<Quota> read_quota(const json::value& value, const std::string& field, http::BodyReader& body) {
    const json::object* given = value.if_object();
    if (given == nullptr) {
        body.problem(field, "must be an object");
        return std::nullopt;
    }
    auto inner = http::BodyReader::parse(json::dump(*given));
    if (!inner) return std::nullopt;
    Quota quota;
    quota.limit =
        static_cast<std::uint64_t>(inner->required_integer("limit", 0, std::numeric_limits<std::int64_t>::max()));
    quota.kind = take_kind(*inner);
    quota.engine = inner->optional_string("engine", kWord).value_or("");
    quota.plan = inner->optional_string("plan", kWord).value_or("");
    const bool whole = !inner->has("kind") && quota.engine.empty() && quota.plan.empty();
    const bool of_plan = inner->has("kind") && !quota.engine.empty() && !quota.plan.empty();
    if (!whole && !of_plan) inner->problem("plan", "kind, engine and plan belong together: all of them, or none");
    const Status good = finish_strictly(*inner, {"kind", "engine", "plan", "limit"});
    if (good) return quota;
    for (const FieldProblem& problem : good.error().problems) {
        body.problem(field + "." + problem.field, problem.problem);
    }
    return std::nullopt;
}

void take_request(http::BodyReader& body, const VerbRule& rule, std::string& to) {
    using enum VerbRule::Request;
    const bool given = body.has("request");
    if (rule.request == none) {
        if (given) body.problem("request", fmt::format("does not belong to {}", rule.verb));
    } else if (given && body.object().at("request").is_object()) {
        to = json::dump(body.object().at("request"));
    } else if (given || rule.request == required) {
        body.problem("request",
                     rule.request == required ? "is required, and must be an object" : "must be an object");
    }
}

}  // namespace

Duration take_wait_seconds(http::BodyReader& body, Duration longest) {
    return std::chrono::seconds(body.optional_integer("wait_seconds", 0, seconds_of(longest)).value_or(0));
}

Result<ProvisionBody> read_provision(http::BodyReader body, const Catalog& catalog, const CallContext& call,
                                     Duration longest_wait) {
    ProvisionBody read;
    ProvisionRequest& request = read.request;
    request.face = kFace;
    request.engine = body.required_string("engine", kWord);
    request.plan = body.required_string("plan", kWord);
    const auto kind = take_kind(body);
    request.name = body.optional_string("name", kWord).value_or("");
    request.billing_code = body.optional_string("billing_code", kText).value_or("");
    request.labels = body.optional_map("labels", {.key = kWord, .value = kText});
    request.organization = take_organization(body);
    request.username = body.optional_string(kUsername, kText).value_or("");
    request.password = body.optional_secret(kMachinePassword, kText).value_or(Secret());
    request.expires_in = optional_lifetime(body, "expires_in");
    read.restore_from = body.optional_string("restore_from", kWord).value_or("");
    read.wait = take_wait_seconds(body, longest_wait);
    if (!request.engine.empty()) {
        const auto known = kind_of(catalog, kind, request.engine, request.plan);
        if (known) {
            request.kind = *known;
        } else {
            body.problem(known.error().field, known.error().problem);
        }
        if (known && *known == Kind::backup) {
            body.problem("kind", "a backup is made of a database: POST /api/v1/resources/NAME/backups");
        }
        if (known && *known != Kind::database && !read.restore_from.empty()) {
            body.problem("restore_from", "only a database can be filled from a backup");
        }
    }
    const Status good =
        finish_strictly(body, {"engine", "plan", "kind", "name", "billing_code", "labels", "organization",
                               kUsername, kMachinePassword, "expires_in", "restore_from", "wait_seconds"});
    if (!good) return fail(good.error());
    if (!body.has("billing_code")) {
        request.billing_code = request.organization.value_or(call.caller.organization).str();
    }
    return read;
}

Result<BackupBody> read_backup(http::BodyReader body, Duration longest_wait) {
    BackupBody read;
    read.request.face = kFace;
    read.request.name = body.optional_string("name", kWord).value_or("");
    read.request.plan = body.optional_string("plan", kWord).value_or("");
    read.request.billing_code =
        body.optional_string("billing_code", {.min_length = 1, .max_length = 2'048}).value_or("");
    read.wait = take_wait_seconds(body, longest_wait);
    const Status good = finish_strictly(body, {"name", "plan", "billing_code", "wait_seconds"});
    if (!good) return fail(good.error());
    return read;
}

Result<UpdateBody> read_update(http::BodyReader body, Duration longest_wait) {
    UpdateBody read;
    read.request.plan = body.optional_string("plan", kWord);
    read.request.name = body.optional_string("name", kWord);
    read.request.billing_code = body.optional_string("billing_code", kText);
    read.request.labels = take_label_changes(body);
    read.request.expires_in = optional_lifetime(body, "expires_in");
    read.wait = take_wait_seconds(body, longest_wait);
    const Status good =
        finish_strictly(body, {"plan", "name", "billing_code", "labels", "expires_in", "wait_seconds"});
    if (!good) return fail(good.error());
    return read;
}

Result<AdoptBody> read_adopt(http::BodyReader body, Duration longest_wait) {
    AdoptBody read;
    AdoptRequest& request = read.request;
    request.face = kFace;
    request.plan = body.required_string("plan", kWord);
    request.kind = take_kind(body);
    request.engine = body.optional_string("engine", kWord).value_or("");
    request.organization = take_organization(body);
    request.billing_code =
        body.optional_string("billing_code", {.min_length = 1, .max_length = 2'048}).value_or("");
    request.name = body.optional_string("name", kWord).value_or("");
    request.server = body.optional_string("server", kWord).value_or("");
    read.wait = take_wait_seconds(body, longest_wait);
    const Status good = finish_strictly(
        body, {"plan", "kind", "engine", "organization", "billing_code", "name", "server", "wait_seconds"});
    if (!good) return fail(good.error());
    return read;
}

Result<PreviewBody> read_preview(http::BodyReader body) {
    PreviewBody read;
    read.verb = take_one_of(body, "verb", kVerbs);
    if (!body.has("verb")) body.problem("verb", "is required");
    const auto rule = std::ranges::find(kVerbRules, read.verb, &VerbRule::verb);
    if (rule != kVerbRules.end()) {
        const auto take = [&](std::string_view member, bool belongs, std::string& to) {
            if (belongs) {
                to = body.required_string(member, kWord);
            } else if (body.has(member)) {
                body.problem(std::string(member), fmt::format("does not belong to {}", read.verb));
            }
        };
        take("resource", rule->resource, read.resource);
        take("operation", rule->operation, read.operation);
        take("provider", rule->orphan, read.provider);
        take("name", rule->orphan, read.name);
        take_request(body, *rule, read.request);
    }
    const Status good = finish_strictly(body, {"verb", "resource", "operation", "provider", "name", "request"});
    if (!good) return fail(good.error());
    return read;
}

Result<std::vector<Quota>> read_quotas(http::BodyReader body) {
    constexpr std::size_t kMost = 1'000;
    std::vector<Quota> quotas;
    const json::value* given = body.object().if_contains("quotas");
    const json::array* array = given != nullptr ? given->if_array() : nullptr;
    if (array == nullptr) {
        body.problem("quotas", "is required, and must be an array");
    } else if (array->size() > kMost) {
        body.problem("quotas", fmt::format("must have at most {} entries", kMost));
    } else {
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (auto quota = read_quota((*array)[i], fmt::format("quotas[{}]", i), body)) {
                quotas.push_back(std::move(*quota));
            }
        }
    }
    const Status good = finish_strictly(body, {"quotas"});
    if (!good) return fail(good.error());
    return quotas;
}

Result<NewKey> read_new_key(http::BodyReader body) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    NewKey read;
    if (!body.has("role")) body.problem("role", "is required; one of: reader, user, administrator");
    if (const auto role = parse_role(take_one_of(body, "role", kRoles))) read.role = *role;
    read.description = body.optional_string("description", kText).value_or("");
    read.organization = take_organization(body);
    if (const auto expires = body.optional_integer("expires_in_seconds", 0, kMost)) {
        read.expires_in = std::chrono::seconds(*expires);
    }
    const Status good = finish_strictly(body, {"role", "description", "organization", "expires_in_seconds"});
    if (!good) return fail(good.error());
    return read;
}

Result<NewWebhook> read_new_webhook(http::BodyReader body) {
    NewWebhook read;
    read.url = body.required_string("url", {.min_length = 1, .max_length = 2'048});
    read.types = take_types(body);
    read.organization = take_organization(body);
    const Status good = finish_strictly(body, {"url", "types", "organization"});
    if (!good) return fail(good.error());
    return read;
}

Result<WebhookChange> read_webhook_change(http::BodyReader body) {
    WebhookChange read;
    read.url = body.optional_string("url", kText);
    if (body.has("types")) read.types = take_types(body);
    read.enabled = body.optional_boolean("enabled");
    const Status good = finish_strictly(body, {"url", "types", "enabled"});
    if (!good) return fail(good.error());
    return read;
}

Result<std::optional<std::uint64_t>> version_of(const http::Request& request) {
    const auto wrong = [] {
        const std::string what = "must be the version that the resource is to have, in quotes: \"7\"";
        return fail(Error{ErrorCode::invalid_argument, "If-Match " + what, {}, {{"If-Match", what}}});
    };
    const auto given = request.headers.all("if-match");
    if (given.empty()) return std::nullopt;
    if (given.size() > 1) return wrong();
    std::string_view text = given.front();
    if (text == "*") return std::nullopt;
    if (text.size() < 3 || !text.starts_with('"') || !text.ends_with('"')) return wrong();
    text = text.substr(1, text.size() - 2);
    std::uint64_t version = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), version);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return wrong();
    return version;
}

std::optional<OrganizationId> take_organization(QueryReader& query) {
    auto named = query.text("organization", 128);
    if (!named) return std::nullopt;
    return OrganizationId(std::move(*named));
}

Duration take_wait(QueryReader& query, std::string_view name, Duration longest) {
    return std::chrono::seconds(query.integer(name, 0, seconds_of(longest)).value_or(0));
}

}  // namespace slipway::faces
