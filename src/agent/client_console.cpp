// The verbs for the consoles of machines.
#include "agent/client.h"
#include "agent/client_request.h"
#include "base/base64.h"

namespace slipway::agent {

Task<Answer<ConsolePart>> AgentClient::read_console(std::string name, Identity identity, ConsoleWish wish,
                                                    Duration budget) {
    json::object request = request_for(name, identity);
    if (wish.after.empty()) {
        request["tail"] = wish.tail;
    } else {
        request["after"] = wish.after;
    }
    const Answer<json::object> answer = co_await call("read_console", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    std::optional<std::string> bytes = from_base64(json::get_string(*answer, "bytes"));
    ConsolePart part{std::move(bytes).value_or(""), json::get_string(*answer, "next"),
                     json::get_bool(*answer, "lost"), json::get_bool(*answer, "more")};
    if (part.next.empty()) co_return refuse(FailureCode::unknown, "the helper's answer is damaged");
    co_return part;
}

Task<Answer<Typed>> AgentClient::type_at_console(std::string name, Identity identity, Secret input,
                                                 Duration budget) {
    json::object request = request_for(name, identity);
    request["bytes"] = to_base64(input.reveal());
    const Answer<json::object> answer = co_await call("type_at_console", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    const std::optional<Typed> typed = parse_typed(json::get_string(*answer, "typed"));
    if (!typed) co_return refuse(FailureCode::unknown, "the helper's answer is damaged");
    co_return *typed;
}

}  // namespace slipway::agent
