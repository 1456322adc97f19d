// The text of a response head. Internal to this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace slipway::http {

enum class BodyFraming : std::uint8_t { none, length, chunked, until_close };

struct HeadFacts {
    std::string_view date;
    std::string_view request_id;
    BodyFraming framing = BodyFraming::length;
    std::size_t length = 0;
    bool close = false;
    bool announce_keep_alive = false;  // an HTTP/1.0 client asked for it
};

// False where a header field of the response would break the head apart: such a response must not be sent.
bool sendable(const Response& response);
void append_head(std::string& out, const Response& response, const HeadFacts& facts);

// 1xx, 204 and 304 have no body and no Content-Length (RFC 9110 8.6).
inline bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace slipway::http
