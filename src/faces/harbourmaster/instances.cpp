// Instances: the shared servers, for administrators. Every answer carries the master password.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kFirstClass = "db.t3.medium";
constexpr std::int64_t kLeastStorage = 20;     // gigabytes, as the document says
constexpr std::int64_t kMostStorage = 65'536;  // the most that RDS has
constexpr std::size_t kMaxUser = 32;           // MySQL's own limit, the lower one

// What the servers themselves have, or keep for themselves.
bool is_reserved(std::string_view user) {
    constexpr std::array<std::string_view, 7> kReserved{"slipway", "postgres",    "root",  "none",
                                                        "mysql",   "mariadb.sys", "public"};
    return user.starts_with("pg_") || std::ranges::find(kReserved, user) != kReserved.end();
}

std::string take_user(http::BodyReader& body) {
    std::string user =
        body.required_string("user", {.min_length = 1, .max_length = kMaxUser, .allowed = "a-z0-9_-"});
    if (is_reserved(user)) body.problem("user", "is one of the server's own");
    if (!user.empty() && (user.front() < 'a' || user.front() > 'z')) {
        body.problem("user", "must begin with a letter");
    }
    return user;
}

// `storage_db` is the document's other name of it.
std::int64_t take_storage(http::BodyReader& body) {
    const auto named = body.optional_integer("storage_gb", kLeastStorage, kMostStorage);
    const auto alias = body.optional_integer("storage_db", kLeastStorage, kMostStorage);
    if (named && alias && *named != *alias) body.problem("storage_db", "is not what storage_gb says");
    return named.value_or(alias.value_or(kDefaultStorage));
}

}  // namespace

std::vector<std::string> HarbourMasterFace::instance_classes(std::string_view engine) const {
    std::vector<std::string> classes;
    for (const Plan* plan : broker().catalog().of(Kind::database_server, engine)) {
        const std::string name = json::get_string(plan->parameters, "instance_class");
        if (!name.empty()) classes.push_back(name);
    }
    return classes;
}

const Plan* HarbourMasterFace::instance_plan(std::string_view engine, std::string_view instance_class) const {
    for (const Plan* plan : broker().catalog().of(Kind::database_server, engine)) {
        if (json::get_string(plan->parameters, "instance_class") == instance_class) return plan;
    }
    return nullptr;
}

std::string HarbourMasterFace::engine_names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, unused] : ports_.options.versions) names.push_back(name);
    return fmt::format("{}", fmt::join(names, ", "));
}

Task<Result<ServerRequest>> HarbourMasterFace::read_instance(const CallContext& call,
                                                             http::BodyReader& body) const {
    ServerRequest wanted;
    wanted.face = "harbourmaster";
    wanted.name = body.required_string("name", {.min_length = 1, .max_length = 63, .allowed = "a-z0-9-"});
    if (wanted.name.starts_with('-') || wanted.name.ends_with('-')) {
        body.problem("name", "must neither begin nor end with -");
    }
    const auto asked = body.optional_string("engine");
    const bool known = !asked || ports_.options.versions.contains(*asked);
    if (!known) body.problem("engine", fmt::format("must be one of {}", engine_names()));
    // The rest is compared with what there is of an engine.
    wanted.engine = known ? asked.value_or(ports_.options.engine) : ports_.options.engine;
    auto current = co_await current_instance(call, wanted.engine, body);
    if (!current) co_return fail(current.error());
    wanted.current_name = std::move(*current);
    const std::string user = take_user(body);
    const std::int64_t storage = take_storage(body);
    const auto version = body.optional_string("engine_version");
    const std::string instance_class = body.optional_string("instance_class").value_or(std::string(kFirstClass));
    const auto versions = ports_.options.versions.find(wanted.engine);
    const bool offered = versions != ports_.options.versions.end();
    const std::vector<std::string> supported = offered ? versions->second.supported : std::vector<std::string>();
    if (known && version && std::ranges::find(supported, *version) == supported.end()) {
        body.problem("engine_version", fmt::format("must be one of {}", fmt::join(supported, ", ")));
    }
    const Plan* plan = instance_plan(wanted.engine, instance_class);
    if (known && plan == nullptr) {
        body.problem("instance_class",
                     fmt::format("must be one of {}", fmt::join(instance_classes(wanted.engine), ", ")));
    }
    if (const Status good = body.finish(); !good) co_return fail(good.error());
    wanted.plan = plan->name;
    wanted.parameters = {{"user", user},
                         {"engine_version", version.value_or(offered ? versions->second.preferred : "")},
                         {"storage_gb", storage},
                         {"instance_class", instance_class}};
    co_return wanted;
}

// On an installation without any instance it does not matter which one the caller takes for the current one.
Task<Result<std::optional<std::string>>> HarbourMasterFace::current_instance(const CallContext& call,
                                                                             const std::string& engine,
                                                                             http::BodyReader& body) const {
    constexpr std::string_view kField = "hephy_instance_name";
    auto named = body.optional_string(kField, {.min_length = 1, .max_length = 63});
    if (!named) co_return std::nullopt;
    const auto found = co_await ports_.servers.find(call, *named);
    if (!found && found.error().code != ErrorCode::not_found) co_return fail(found.error());
    if (found) {
        if (found->server.engine != engine) {
            body.problem(std::string(kField), fmt::format("names an instance of {}", found->server.engine));
        }
        co_return named;
    }
    const auto current = co_await ports_.servers.current(call, engine);
    if (!current && current.error().code == ErrorCode::not_found) co_return std::nullopt;
    if (!current) co_return fail(current.error());
    body.problem(std::string(kField), "names no registered instance");
    co_return std::nullopt;
}

json::object HarbourMasterFace::instance_of(const ServerAnswer& found,
                                            const std::optional<Secret>& password) const {
    const auto versions = ports_.options.versions.find(found.server.engine);
    const bool known = versions != ports_.options.versions.end();
    return instance_json(found.server, found.operation, password, known ? versions->second.preferred : "");
}

Task<Response> HarbourMasterFace::answer_instance(const Request& request, const ServerAnswer& found) const {
    const auto password = co_await ports_.servers.password(call_of(request), found.server);
    if (!password) co_return error(request, password.error());
    co_return Response::json(200, instance_of(found, *password)).with("Cache-Control", "no-store");
}

Task<Response> HarbourMasterFace::create_instance(Request& request) const {
    if (const Status may = Administration::only_administrators(call_of(request)); !may) {
        co_return error(request, may.error());
    }
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    auto wanted = co_await read_instance(call_of(request), *body);
    if (!wanted) co_return error(request, wanted.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    wanted->idempotency_key = std::move(*key);
    const auto answer = co_await ports_.servers.ensure(call_of(request), std::move(*wanted));
    if (!answer) co_return error(request, answer.error());
    const auto password = co_await ports_.servers.password(call_of(request), answer->server);
    if (!password) co_return error(request, password.error());
    json::object out{{"instance_created", answer->created ? "true" : "false"}};
    for (const auto& [key_of, value] : instance_of(*answer, *password)) {
        out[key_of] = value;
    }
    co_return Response::json(answer->created ? 201 : 200, out).with("Cache-Control", "no-store");
}

Task<Response> HarbourMasterFace::list_instances(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await ports_.servers.list(call_of(request), std::move(page));
    if (!found) co_return error(request, found.error());
    json::array instances;
    for (const Resource& server : found->items) {
        const auto password = co_await ports_.servers.password(call_of(request), server);
        if (!password) co_return error(request, password.error());
        instances.push_back(instance_of({server, std::nullopt, false}, *password));
    }
    co_return Response::json(200, page_json("instances", std::move(instances), found->next))
        .with("Cache-Control", "no-store");
}

Task<Response> HarbourMasterFace::show_instance(Request& request) const {
    const auto found = co_await ports_.servers.find(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    co_return co_await answer_instance(request, *found);
}

Task<Response> HarbourMasterFace::remove_instance(Request& request) const {
    const auto removed = co_await ports_.servers.remove(call_of(request), std::string(request.param("name")));
    if (!removed) co_return error(request, removed.error());
    co_return co_await answer_instance(request, *removed);
}

Task<Response> HarbourMasterFace::available(Request& request) const {
    QueryReader query(request);
    const std::string engine = query.text("engine").value_or(ports_.options.engine);
    if (!ports_.options.versions.contains(engine)) {
        query.problem("engine", fmt::format("must be one of {}", engine_names()));
    }
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await ports_.servers.current(call_of(request), engine);
    if (!found) co_return error(request, found.error());
    const auto password = co_await ports_.servers.password(call_of(request), found->server);
    if (!password) co_return error(request, password.error());
    co_return Response::json(200, available_json(found->server, *password)).with("Cache-Control", "no-store");
}

}  // namespace slipway::faces
