// The verbs for containers.
#include "agent/client.h"
#include "agent/client_request.h"

namespace slipway::agent {

Task<Answer<void>> AgentClient::check_containers(Duration budget) {
    co_return nothing(co_await call("check_containers", {}, budget));
}

Task<Answer<Started>> AgentClient::start_container(ContainerRequest request, Duration budget) {
    const Answer<json::object> answer = co_await call("start_container", to_json(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return started_from_json(*answer);
}

Task<Answer<bool>> AgentClient::halt_container(std::string name, Identity identity, Init init, Duration budget) {
    json::object request = request_for(name, identity);
    request["init"] = to_string(init);
    const Answer<json::object> answer = co_await call("halt_container", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_bool(*answer, "sent");
}

Task<Answer<void>> AgentClient::end_container(std::string name, Identity identity, std::string network,
                                              Duration budget) {
    json::object request = request_for(name, identity);
    request["network"] = network;
    co_return nothing(co_await call("end_container", std::move(request), budget));
}

}  // namespace slipway::agent
