// What callers of this API say of their bodies and of the answers that they take: the contract asks for both.
#pragma once

#include <string_view>

#include "http/message.h"

namespace slipway::faces {

// Whether the request has a body, going by its head.
bool announces_body(const http::Headers& headers);

// Content-Type is application/json, with or without parameters.
bool is_json(std::string_view content_type);

// Accept has application/json, application/* or */* with a weight above 0; the most specific one decides (RFC 9110,
// 12.5.1). Several fields are one list.
bool accepts_json(const http::Headers& headers);

}  // namespace slipway::faces
