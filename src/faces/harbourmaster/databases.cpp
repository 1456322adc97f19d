// Databases of clusters.
#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kNamedInstance = "hephy_instance_name";

// The fields by which an administrator names the instance.
struct NamedInstance {
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::optional<std::string> port;
    std::optional<std::string> user;
    std::optional<Secret> password;
    [[nodiscard]] bool any() const { return name || host || port || user || password; }
};

NamedInstance take_named(http::BodyReader& body) {
    constexpr std::size_t kLongest = 255;
    NamedInstance named;
    named.name = body.optional_string(kNamedInstance, {.min_length = 1, .max_length = kLongest});
    named.host = body.optional_string("hephy_instance_host", {.max_length = kLongest});
    named.port = body.optional_string("hephy_instance_port", {.max_length = kLongest});
    named.user = body.optional_string("hephy_instance_user", {.max_length = kLongest});
    named.password = body.optional_secret("hephy_instance_password", {.max_length = kLongest});
    return named;
}

// What is said of it has to be true: nobody sends the broker to a host of his own.
void compare(const NamedInstance& named, const json::object& truth, http::BodyReader& body) {
    const auto check = [&](std::string_view field, const std::optional<std::string>& said) {
        if (said && *said != json::get_string(truth, field)) {
            body.problem(std::string(field), "is not that of the instance");
        }
    };
    check("hephy_instance_host", named.host);
    check("hephy_instance_port", named.port);
    check("hephy_instance_user", named.user);
    if (named.password && named.password->reveal() != json::get_string(truth, "hephy_instance_password")) {
        body.problem("hephy_instance_password", "is not that of the instance");
    }
}

}  // namespace

const Plan* HarbourMasterFace::database_plan(std::string_view engine) const {
    for (const Plan* plan : broker().catalog().of(Kind::database, engine)) {
        if (plan->placement) return plan;
    }
    return nullptr;
}

Task<Result<std::optional<Secret>>> HarbourMasterFace::password_for(const CallContext& call,
                                                                    const Resource& database) const {
    const bool owner = call.caller.organization == database.organization && call.caller.role != Role::reader;
    if (!owner || std::holds_alternative<resource_state::Gone>(database.state)) co_return std::nullopt;
    co_return co_await broker().password(call, database);
}

Task<Response> HarbourMasterFace::answer_database(const Request& request, const ClusterDatabase& found, int status,
                                                  bool with_instance) const {
    const auto password = co_await password_for(call_of(request), *found.database);
    if (!password) co_return error(request, password.error());
    const DatabaseForm form = with_instance ? DatabaseForm::mapping : DatabaseForm::created;
    co_return Response::json(status, database_json(found, *password, form)).with("Cache-Control", "no-store");
}

Task<Result<std::optional<Resource>>> HarbourMasterFace::named_instance(const Request& request,
                                                                        http::BodyReader& body) const {
    const NamedInstance named = take_named(body);
    if (!named.any()) co_return std::nullopt;
    const CallContext& call = call_of(request);
    if (const Status may = Administration::only_administrators(call); !may) co_return fail(may.error());
    if (!named.name) {
        // Where it is there it is wrong, which has been said.
        if (!body.has(kNamedInstance)) {
            body.problem(std::string(kNamedInstance), "is required with the others of its kind");
        }
        co_return std::nullopt;
    }
    const auto found = co_await ports_.servers.find(call, *named.name);
    if (!found && found.error().code != ErrorCode::not_found) co_return fail(found.error());
    if (!found) {
        body.problem(std::string(kNamedInstance), "names no registered instance");
        co_return std::nullopt;
    }
    const auto password = co_await ports_.servers.password(call, found->server);
    if (!password) co_return fail(password.error());
    compare(named, available_json(found->server, *password), body);
    co_return std::optional<Resource>(found->server);
}

// Of what it is filled from or lives on, where nobody says one.
std::string HarbourMasterFace::engine_in(http::BodyReader& body, const std::optional<Resource>& backup,
                                         const std::optional<Resource>& instance) const {
    const std::string& usual = instance ? instance->engine : ports_.options.engine;
    const std::string engine =
        body.optional_string("engine", {.min_length = 1}).value_or(backup ? backup->engine : usual);
    if (backup && backup->engine != engine) {
        body.problem("restore_from", fmt::format("names a backup of {}", backup->engine));
    }
    if (instance && instance->engine != engine) {
        body.problem(std::string(kNamedInstance), fmt::format("names an instance of {}", instance->engine));
    }
    return engine;
}

Task<Response> HarbourMasterFace::create_database(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    ClusterDatabaseRequest wanted;
    wanted.face = "harbourmaster";
    const auto restored = co_await backup_for(request, *body);
    if (!restored) co_return error(request, restored.error());
    wanted.restore_from = *restored;
    const auto named = co_await named_instance(request, *body);
    if (!named) co_return error(request, named.error());
    wanted.engine = engine_in(*body, *restored, *named);
    wanted.idempotency_key = std::move(*key);
    const Plan* plan = database_plan(wanted.engine);
    if (plan == nullptr) body->problem("engine", "is none that databases are offered of here");
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    wanted.plan = plan->name;
    if (*named) wanted.server_name = (*named)->name;
    auto made = co_await ports_.clusters.create_database(call_of(request), organization_in(request),
                                                         cluster_in(request), std::move(wanted));
    if (!made) {
        // In the words of this API.
        for (FieldProblem& each : made.error().problems) {
            if (each.field == "server_name") each.field = kNamedInstance;
        }
        co_return error(request, made.error());
    }
    co_return co_await answer_database(request, *made, made->created ? 201 : 200, false);
}

Task<Response> HarbourMasterFace::show_database(Request& request) const {
    const auto found =
        co_await ports_.clusters.find_database(call_of(request), organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    co_return co_await answer_database(request, *found, 200, true);
}

Task<Response> HarbourMasterFace::remove_database(Request& request) const {
    const auto found =
        co_await ports_.clusters.remove_database(call_of(request), organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    co_return co_await answer_database(request, *found, 200, true);
}

}  // namespace slipway::faces
