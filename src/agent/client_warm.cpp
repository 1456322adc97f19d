// The verbs for templates of virtual machines.
#include "agent/client.h"
#include "agent/client_request.h"

namespace slipway::agent {

Task<Answer<TemplateLook>> AgentClient::look_at_template(std::string name, Duration budget) {
    const Answer<json::object> answer = co_await call("look_at_template", {{"name", name}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return TemplateLook{json::get_bool(*answer, "waits"), json::get_bool(*answer, "frozen")};
}

Task<Answer<void>> AgentClient::freeze_template(std::string name, Identity identity, Duration budget) {
    co_return nothing(co_await call("freeze_template", request_for(name, identity), budget));
}

Task<Answer<Wake>> AgentClient::wake_machine(WakeRequest wanted, Duration budget) {
    json::object request = request_for(wanted.name, wanted.identity);
    request["template"] = wanted.from;
    request["description"] = wanted.description;
    const Answer<json::object> answer = co_await call("wake_machine", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Wake{json::get_bool(*answer, "ready"), json::get_bool(*answer, "first"),
                   json::get_string(*answer, "why")};
}

}  // namespace slipway::agent
