// The verbs for machines.
#include "agent/client.h"
#include "agent/client_request.h"

namespace slipway::agent {

Task<Answer<void>> AgentClient::end_guest(std::string name, Identity identity, std::string network,
                                          Duration budget) {
    json::object request = request_for(name, identity);
    request["network"] = network;
    co_return nothing(co_await call("end_guest", std::move(request), budget));
}

Task<Answer<Started>> AgentClient::start_machines(std::string name, std::string network, bool kvm, std::string tag,
                                                  Duration budget) {
    const Answer<json::object> answer =
        co_await call("start_machines", {{"name", name}, {"network", network}, {"kvm", kvm}, {"tag", tag}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return started_from_json(*answer);
}

Task<Answer<bool>> AgentClient::add_volume(std::string name, Identity identity, Duration budget) {
    const Answer<json::object> answer = co_await call("add_volume", request_for(name, identity), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_bool(*answer, "volume");
}

Task<Answer<void>> AgentClient::drop_volume(std::string name, Identity identity, Duration budget) {
    co_return nothing(co_await call("drop_volume", request_for(name, identity), budget));
}

Task<Answer<void>> AgentClient::network_up(std::string network, std::string subnet, std::string bridge,
                                           Duration budget) {
    co_return nothing(
        co_await call("network_up", {{"network", network}, {"subnet", subnet}, {"bridge", bridge}}, budget));
}

Task<Answer<void>> AgentClient::network_down(std::string network, Duration budget) {
    co_return nothing(co_await call("network_down", {{"network", network}}, budget));
}

Task<Answer<void>> AgentClient::add_tap(TapRequest tap, Duration budget) {
    json::object request{
        {"network", tap.network}, {"address", tap.address}, {"mac", tap.mac}, {"uid", std::int64_t{tap.uid}}};
    co_return nothing(co_await call("add_tap", std::move(request), budget));
}

Task<Answer<void>> AgentClient::remove_tap(std::string network, std::string address, Duration budget) {
    co_return nothing(co_await call("remove_tap", {{"network", network}, {"address", address}}, budget));
}

Task<Answer<std::vector<std::string>>> AgentClient::taps(std::string network, Duration budget) {
    const Answer<json::object> answer = co_await call("taps", {{"network", network}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    std::vector<std::string> names;
    if (const json::value* list = answer->if_contains("taps"); list != nullptr && list->is_array()) {
        for (const json::value& each : list->as_array()) {
            if (each.is_string()) names.emplace_back(each.as_string());
        }
    }
    co_return names;
}

}  // namespace slipway::agent
