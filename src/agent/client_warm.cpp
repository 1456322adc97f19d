// The verbs for templates of virtual machines.
#include "agent/client.h"

namespace slipway::agent {

Task<Answer<TemplateLook>> AgentClient::look_at_template(std::string name, Duration budget) {
    const Answer<json::object> answer = co_await call("look_at_template", {{"name", name}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return TemplateLook{json::get_bool(*answer, "waits"), json::get_bool(*answer, "frozen")};
}

Task<Answer<void>> AgentClient::freeze_template(std::string name, Identity identity, Duration budget) {
    json::object request = to_json(identity);
    request["name"] = name;
    const Answer<json::object> answer = co_await call("freeze_template", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Answer<void>();
}

Task<Answer<Wake>> AgentClient::wake_machine(WakeRequest wanted, Duration budget) {
    json::object request = to_json(wanted.identity);
    request["name"] = wanted.name;
    request["template"] = wanted.from;
    request["description"] = wanted.description;
    const Answer<json::object> answer = co_await call("wake_machine", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Wake{json::get_bool(*answer, "ready"), json::get_bool(*answer, "first"),
                   json::get_string(*answer, "why")};
}

}  // namespace slipway::agent
