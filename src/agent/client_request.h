// What the client's verbs share.
#pragma once

#include <string>

#include "agent/protocol.h"

namespace slipway::agent {

// About an instance of that name, which has to be that one.
inline json::object request_for(const std::string& name, const Identity& identity) {
    json::object request = to_json(identity);
    request["name"] = name;
    return request;
}

// Of an answer that says nothing but that it is done.
inline Answer<void> nothing(const Answer<json::object>& answer) {
    if (!answer) return std::unexpected(answer.error());
    return {};
}

}  // namespace slipway::agent
