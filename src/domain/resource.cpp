#include "domain/resource.h"

#include "domain/overloaded.h"

namespace slipway {

using namespace resource_state;

std::string_view state_name(const ResourceState& state) {
    return std::visit(Overloaded{
                          [](const Requested&) { return "requested"; },
                          [](const Provisioning&) { return "provisioning"; },
                          [](const Ready&) { return "ready"; },
                          [](const Updating&) { return "updating"; },
                          [](const Deprovisioning&) { return "deprovisioning"; },
                          [](const Gone&) { return "gone"; },
                          [](const Failed&) { return "failed"; },
                      },
                      state);
}

json::object overlaid(json::object parameters, const json::object& own) {
    for (const auto& member : own) parameters[member.key()] = member.value();
    return parameters;
}

bool holds_place(const Resource& resource) {
    if (resource.placed_on.empty()) return false;
    return std::visit(Overloaded{
                          [](const Requested&) { return true; },
                          [](const Provisioning&) { return true; },
                          [](const Ready&) { return true; },
                          [](const Updating&) { return true; },
                          [](const Deprovisioning& in) { return !in.after_failure; },
                          [](const Gone&) { return false; },
                          [](const Failed&) { return false; },
                      },
                      resource.state);
}

OperationId active_operation(const ResourceState& state) {
    return std::visit(Overloaded{
                          [](const Requested& in) { return in.operation; },
                          [](const Provisioning& in) { return in.operation; },
                          [](const Ready& in) { return in.maintenance; },
                          [](const Updating& in) { return in.operation; },
                          [](const Deprovisioning& in) { return in.operation; },
                          [](const Gone&) { return OperationId(); },
                          [](const Failed&) { return OperationId(); },
                      },
                      state);
}

const Endpoint* endpoint_of(const ResourceState& state) {
    const Endpoint* endpoint = nullptr;
    if (const auto* ready = std::get_if<Ready>(&state)) endpoint = &ready->endpoint;
    if (const auto* updating = std::get_if<Updating>(&state)) endpoint = &updating->endpoint;
    // What is being taken over has not been reached yet, and a backup never is.
    return endpoint != nullptr && !endpoint->host.empty() ? endpoint : nullptr;
}

std::string secret_context(const ResourceId& id, std::string_view secret_name) {
    return "resource/" + id.str() + "/" + std::string(secret_name);
}

}  // namespace slipway
