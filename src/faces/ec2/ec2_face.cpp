#include "faces/ec2/ec2_face.h"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "domain/machine.h"
#include "faces/ec2/shapes.h"
#include "faces/ec2/task_id.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::string_view kFace = "ec2";
constexpr std::size_t kMaxBody = 64UL * 1024;  // bytes; the largest sensible request has some hundred
// Longer ones are told their limit by the broker, in the words of every face.
constexpr http::StringRule kLogin = {.min_length = 1, .max_length = kMaxBody};

constexpr std::string_view kExpiresIn = "expires_in";
constexpr int kGatewayTimeout = 504;
constexpr int kNotAllowed = 405;

std::string status_path(const std::string& task) { return "/status/" + task; }

// As the store has it, so that every spelling of an address finds the same machine; "" for what is none.
std::string address_in(const Request& request) {
    boost::system::error_code wrong;
    const auto address = boost::asio::ip::make_address(request.param("ip"), wrong);
    return wrong ? std::string() : address.to_string();
}

// {"error", "status": "FAILURE"}: what says no more of an error.
Response render(int status, const Error& error) {
    return Response::json(status, json::object{{"error", describe(error)}, {"status", kFailure}});
}

// The same, of a machine or a task.
http::ErrorRenderer render_with(json::object known) {
    return [known = std::move(known)](int status, const Error& error) {
        json::object body = known;
        body["error"] = describe(error);
        if (!body.contains("status")) body["status"] = kFailure;
        return Response::json(status, body);
    };
}

Response fail_with(const Request& request, const Error& error, json::object known = {}) {
    return error_response(request, error, render_with(std::move(known)));
}

class Ec2Face {
  public:
    Ec2Face(const FaceContext& context, Ec2Options options) : context_(context), options_(std::move(options)) {}

    using Handler = Task<Response> (Ec2Face::*)(Request&) const;
    Task<Response> create(Request& request) const;
    Task<Response> create_async(Request& request) const;
    Task<Response> create_instance(Request& request) const;
    Task<Response> status(Request& request) const;
    Task<Response> remove(Request& request) const;
    Task<Response> remove_async(Request& request) const;
    Task<Response> remove_instance(Request& request) const;
    Task<Response> change_instance(Request& request) const;
    Task<Response> list(Request& request) const;
    Task<Response> not_by_head(Request& request) const;

  private:
    // An accepted request and where it is asked after.
    struct Started {
        Accepted accepted;
        OperationId operation;
        std::string task;
        std::string address;  // of a removal
    };

    [[nodiscard]] Broker& broker() const { return context_.broker; }
    Task<Result<Accepted>> accept_machine(const Request& request) const;
    // The answer where nothing is begun.
    Task<std::expected<Started, Response>> begin_creation(const Request& request) const;
    Task<std::expected<Started, Response>> begin_removal(const Request& request) const;
    static std::expected<Started, Response> started(const Request& request, Accepted accepted, std::string address);
    static Response not_waited_for(const std::expected<Started, Response>& begun, std::string_view what,
                                   int status);
    Task<Response> answer_made(const Request& request, const Started& begun, const Operation& ended) const;
    Task<Error> failure_of(const Request& request, const ResourceId& machine, std::string reason) const;

    const FaceContext& context_;
    Ec2Options options_;
};

// What goes on is told where to look.
Response later(const std::string& task, std::string_view what, int status) {
    const json::object body{{"task_id", task},
                            {"message", fmt::format("the machine is {}; ask GET {}", what, status_path(task))}};
    Response response = Response::json(status, body);
    response.headers.emplace_back("Location", status_path(task));
    return response;
}

// A call that waited as long as it may.
Response timed_out(const Operation& operation, const std::string& task, std::string_view address,
                   std::string_view what) {
    const json::object body{{"error", fmt::format("the machine is still {}; ask GET {}", what, status_path(task))},
                            {"ip", address},
                            {"status", task_status(operation)},
                            {"task_id", task}};
    Response response = Response::json(kGatewayTimeout, body);
    response.headers.emplace_back("Location", status_path(task));
    return response;
}

constexpr std::string_view kMade = "being made";
constexpr std::string_view kRemoved = "being removed";

Task<Result<Accepted>> Ec2Face::accept_machine(const Request& request) const {
    auto body = read_body(request.body);
    if (!body) co_return fail(body.error());
    ProvisionRequest wanted;
    wanted.username = body->required_string(kUsername, kLogin);
    wanted.password = Secret(body->required_string(kMachinePassword, kLogin));
    wanted.expires_in = optional_lifetime(*body, kExpiresIn);
    if (const Status good = body->finish(); !good) co_return fail(good.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return fail(key.error());
    if (broker().catalog().find(Kind::machine, options_.engine, options_.plan) == nullptr) {
        co_return fail(ErrorCode::unavailable,
                       fmt::format("this server has no plan {} of machines of engine {}: its configuration names "
                                   "another one in [ec2]",
                                   options_.plan, options_.engine));
    }
    const CallContext& call = call_of(request);
    wanted.face = kFace;
    wanted.kind = Kind::machine;
    wanted.engine = options_.engine;
    wanted.plan = options_.plan;
    wanted.billing_code = call.caller.organization.str();
    wanted.idempotency_key = std::move(*key);
    co_return co_await broker().provision(call, std::move(wanted));
}

std::expected<Ec2Face::Started, Response> Ec2Face::started(const Request& request, Accepted accepted,
                                                           std::string address) {
    if (!accepted.operation) {
        return std::unexpected(
            fail_with(request, Error{ErrorCode::internal, "a machine has no operation", {}, {}}));
    }
    const OperationId operation = accepted.operation->id;
    return Started{std::move(accepted), operation, task_id_of(operation), std::move(address)};
}

Task<std::expected<Ec2Face::Started, Response>> Ec2Face::begin_creation(const Request& request) const {
    auto accepted = co_await accept_machine(request);
    if (!accepted) co_return std::unexpected(fail_with(request, accepted.error()));
    co_return started(request, std::move(*accepted), {});
}

Task<std::expected<Ec2Face::Started, Response>> Ec2Face::begin_removal(const Request& request) const {
    std::string address = address_in(request);
    const json::object about{{"ip", address.empty() ? std::string(kNoAddress) : address}};
    QueryReader query(request);
    if (const Status good = query.finish(); !good)
        co_return std::unexpected(fail_with(request, good.error(), about));
    const CallContext& call = call_of(request);
    const auto machine = co_await broker().find_machine(call, address);
    if (!machine) co_return std::unexpected(fail_with(request, machine.error(), about));
    auto accepted = co_await broker().deprovision(call, machine->id);
    if (!accepted) co_return std::unexpected(fail_with(request, accepted.error(), about));
    co_return started(request, std::move(*accepted), std::move(address));
}

// What was begun is undone; where that failed too, it is said.
Task<Error> Ec2Face::failure_of(const Request& request, const ResourceId& machine, std::string reason) const {
    const auto now = co_await broker().find(call_of(request), machine);
    if (now && !now->remnants.empty()) {
        reason += fmt::format("; this may be left: {}", fmt::join(now->remnants, ", "));
    }
    co_return Error{ErrorCode::provider_failure, std::move(reason), {}, {}};
}

// What came of a creation that was waited for.
Task<Response> Ec2Face::answer_made(const Request& request, const Started& begun, const Operation& ended) const {
    const json::object about{{"ip", kNoAddress}, {"task_id", begun.task}};
    const ResourceId& id = begun.accepted.resource.id;
    if (const auto* failed = std::get_if<operation_state::Failed>(&ended.state)) {
        co_return fail_with(request, co_await failure_of(request, id, failed->reason), about);
    }
    if (const auto* revoked = std::get_if<operation_state::Cancelled>(&ended.state)) {
        json::object revoked_task = about;
        revoked_task["status"] = task_status(ended);
        co_return fail_with(request, Error{ErrorCode::cancelled, revoked->reason, {}, {}}, std::move(revoked_task));
    }
    const auto now = co_await broker().find(call_of(request), id);
    if (!now) co_return fail_with(request, now.error(), about);
    if (const auto* lost = std::get_if<resource_state::Failed>(&now->state)) {
        co_return fail_with(request, Error{ErrorCode::provider_failure, lost->reason, {}, {}}, about);
    }
    const bool leaving = std::holds_alternative<resource_state::Deprovisioning>(now->state) ||
                         std::holds_alternative<resource_state::Gone>(now->state);
    if (leaving) {
        const std::string why = begun.accepted.replayed
                                    ? "what this Idempotency-Key made was deleted since; use a new key"
                                    : "it was deleted as soon as it was made";
        co_return fail_with(request, Error{ErrorCode::conflict, why, {}, {}}, about);
    }
    co_return Response::json(200, task_json(ended, *now));
}

Response Ec2Face::not_waited_for(const std::expected<Started, Response>& begun, std::string_view what, int status) {
    return begun ? later(begun->task, what, status) : begun.error();
}

// Waits for the machine. What was accepted goes on whether anybody waits or not.
Task<Response> Ec2Face::create(Request& request) const {
    const auto begun = co_await begin_creation(request);
    if (!begun) co_return begun.error();
    const auto ended = co_await broker().wait(begun->operation, context_.options.wait_limit);
    if (!ended) co_return fail_with(request, ended.error());
    if (!is_terminal(ended->state)) co_return timed_out(*ended, begun->task, kNoAddress, kMade);
    co_return co_await answer_made(request, *begun, *ended);
}

Task<Response> Ec2Face::create_async(Request& request) const {
    const auto begun = co_await begin_creation(request);
    co_return not_waited_for(begun, kMade, 200);
}

Task<Response> Ec2Face::create_instance(Request& request) const {
    const auto begun = co_await begin_creation(request);
    co_return not_waited_for(begun, kMade, 202);
}

Task<Response> Ec2Face::remove(Request& request) const {
    const auto begun = co_await begin_removal(request);
    if (!begun) co_return begun.error();
    const auto ended = co_await broker().wait(begun->operation, context_.options.wait_limit);
    const json::object about{{"ip", begun->address}, {"task_id", begun->task}};
    if (!ended) co_return fail_with(request, ended.error(), about);
    if (!is_terminal(ended->state)) co_return timed_out(*ended, begun->task, begun->address, kRemoved);
    if (const auto* failed = std::get_if<operation_state::Failed>(&ended->state)) {
        const ResourceId& id = begun->accepted.resource.id;
        co_return fail_with(request, co_await failure_of(request, id, failed->reason), about);
    }
    co_return Response::json(200, json::object{{"ip", begun->address}, {"status", task_status(*ended)}});
}

Task<Response> Ec2Face::remove_async(Request& request) const {
    const auto begun = co_await begin_removal(request);
    co_return not_waited_for(begun, kRemoved, 200);
}

Task<Response> Ec2Face::remove_instance(Request& request) const {
    const auto begun = co_await begin_removal(request);
    co_return not_waited_for(begun, kRemoved, 202);
}

// Nothing is done at the machine: the answer is how it is from now on.
Task<Response> Ec2Face::change_instance(Request& request) const {
    const std::string address = address_in(request);
    const json::object about{{"ip", address.empty() ? std::string(kNoAddress) : address}};
    auto body = read_body(request.body);
    if (!body) co_return fail_with(request, body.error(), about);
    UpdateRequest wanted;
    wanted.expires_in = optional_lifetime(*body, kExpiresIn);
    if (!body->has(kExpiresIn)) body->problem(std::string(kExpiresIn), "is required");
    if (const Status good = body->finish(); !good) co_return fail_with(request, good.error(), about);
    const CallContext& call = call_of(request);
    const auto machine = co_await broker().find_machine(call, address);
    if (!machine) co_return fail_with(request, machine.error(), about);
    const auto changed = co_await broker().update(call, machine->id, std::move(wanted));
    if (!changed) co_return fail_with(request, changed.error(), about);
    co_return Response::json(200, machine_json(changed->resource));
}

Task<Response> Ec2Face::status(Request& request) const {
    const json::object unknown{{"ip", kNoAddress}, {"status", kUnknown}};
    const Error none{ErrorCode::not_found, "there is no such task", {}, {}};
    const auto id = operation_of(request.param("id"));
    if (!id) co_return fail_with(request, none, unknown);
    const auto found = co_await broker().find_operation(call_of(request), *id);
    if (!found && found.error().code != ErrorCode::not_found) co_return fail_with(request, found.error());
    // Operations on other things are no tasks of this API.
    if (!found || !found->resource || found->resource->kind != Kind::machine) {
        co_return fail_with(request, none, unknown);
    }
    co_return Response::json(200, task_json(found->operation, *found->resource));
}

Task<Response> Ec2Face::list(Request& request) const {
    QueryReader query(request);
    ResourceFilter filter;
    filter.kind = Kind::machine;
    filter.pooled = false;
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return fail_with(request, good.error());
    const auto found = co_await broker().list(call_of(request), std::move(filter), std::move(page));
    if (!found) co_return fail_with(request, found.error());
    json::array machines;
    for (const Resource& machine : found->items) machines.push_back(machine_json(machine));
    co_return Response::json(200, page_json("instances", std::move(machines), found->next));
}

// Whoever asks for the head of a GET means that nothing happens by it.
Task<Response> Ec2Face::not_by_head(Request& /*request*/) const {
    co_return Response::empty(kNotAllowed).with("Allow", "GET, OPTIONS");
}

}  // namespace

void add_ec2(http::Router& router, const FaceContext& context, Ec2Options options) {
    const auto face = std::make_shared<const Ec2Face>(context, std::move(options));
    const auto add = [&](Method method, std::string_view pattern, Ec2Face::Handler member) {
        router.add(method, pattern, [face, member](Request& request) { return ((*face).*member)(request); },
                   {.max_body = kMaxBody, .only_names_logged = true});
    };
    add(Method::post, "/create", &Ec2Face::create);
    add(Method::post, "/create-async", &Ec2Face::create_async);
    add(Method::get, "/status/:id", &Ec2Face::status);
    // As the original has them; what they should have been stands below.
    for (const auto& [pattern, member] :
         {std::pair("/delete/:ip", &Ec2Face::remove), std::pair("/delete-async/:ip", &Ec2Face::remove_async)}) {
        add(Method::get, pattern, member);
        add(Method::head, pattern, &Ec2Face::not_by_head);
    }
    add(Method::get, "/instances", &Ec2Face::list);
    add(Method::post, "/instances", &Ec2Face::create_instance);
    add(Method::delete_, "/instances/:ip", &Ec2Face::remove_instance);
    add(Method::patch, "/instances/:ip", &Ec2Face::change_instance);
    for (const std::string_view prefix :
         {"/create", "/create-async", "/status", "/delete", "/delete-async", "/instances"}) {
        router.group(prefix, {.renderer = render, .filter = authenticating(context, std::string(kFace), render)});
    }
}

}  // namespace slipway::faces
