#include "faces/ec2/shapes.h"

#include "domain/machine.h"
#include "domain/overloaded.h"
#include "faces/ec2/task_id.h"

namespace slipway::faces {
namespace {

constexpr std::string_view kPending = "PENDING";
constexpr std::string_view kStarted = "STARTED";
constexpr std::string_view kRetry = "RETRY";
constexpr std::string_view kSuccess = "SUCCESS";
constexpr std::string_view kRevoked = "REVOKED";

// The same of a machine, as what is asked for it stands.
std::string_view machine_status(const ResourceState& state) {
    using namespace resource_state;
    return std::visit(Overloaded{
                          [](const Requested&) { return kPending; },
                          [](const Provisioning&) { return kStarted; },
                          [](const Ready&) { return kSuccess; },
                          [](const Updating&) { return kSuccess; },
                          [](const Deprovisioning&) { return kStarted; },
                          [](const Gone&) { return kSuccess; },
                          [](const Failed&) { return kFailure; },
                      },
                      state);
}

std::string address_or_none(const std::string& address) {
    return address.empty() ? std::string(kNoAddress) : address;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

std::string_view task_status(const Operation& operation) {
    using namespace operation_state;
    // One that was begun and given back by a server that stopped does not seem to go backwards.
    const std::string_view queued = operation.leases > 0 ? kStarted : kPending;
    return std::visit(Overloaded{
                          [&](const Queued&) { return queued; },
                          [](const Running&) { return kStarted; },
                          [](const Waiting&) { return kStarted; },
                          [](const Retrying&) { return kRetry; },
                          [](const Succeeded&) { return kSuccess; },
                          [](const Failed&) { return kFailure; },
                          [](const Cancelled&) { return kRevoked; },
                      },
                      operation.state);
}

std::string task_address(const Operation& operation, const Resource& machine) {
    if (!is_terminal(operation.state)) return std::string(kNoAddress);
    const bool made = operation.kind != OperationKind::provision ||
                      std::holds_alternative<operation_state::Succeeded>(operation.state);
    return made ? address_or_none(machine.address) : std::string(kNoAddress);
}

std::string task_error(const Operation& operation) {
    if (const auto* failed = std::get_if<operation_state::Failed>(&operation.state)) return failed->reason;
    if (const auto* revoked = std::get_if<operation_state::Cancelled>(&operation.state)) return revoked->reason;
    return {};
}

json::object task_json(const Operation& operation, const Resource& machine) {
    json::object out{{"ip", task_address(operation, machine)}, {"status", task_status(operation)}};
    if (const std::string error = task_error(operation); !error.empty()) out["error"] = error;
    return out;
}

json::object machine_json(const Resource& machine) {
    const OperationId active = active_operation(machine.state);
    const auto end = ends_at(machine);
    json::object out{{"ip", address_or_none(machine.address)},
                     {"status", machine_status(machine.state)},
                     {"username", text_or_null(username_of(machine))},
                     {"name", machine.name},
                     {"plan", machine.plan},
                     {"state", state_name(machine.state)},
                     {"task_id", text_or_null(task_id_of(active))},
                     {"created_at", format_time(machine.created_at)},
                     {"expires_at", end ? json::value(format_time(*end)) : json::value(nullptr)}};
    if (const auto* failed = std::get_if<resource_state::Failed>(&machine.state)) out["error"] = failed->reason;
    return out;
}

}  // namespace slipway::faces
