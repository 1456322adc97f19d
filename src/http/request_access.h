// The server's way into the parts of a request that handlers cannot touch. Internal to this folder.
#pragma once

#include "http/message.h"
#include "http/router.h"

namespace slipway::http {

struct RequestAccess {
    static Target& target(Request& request) { return request.target_; }

    // Ready for the next request of the connection, with the storage kept.
    static void reset(Request& request);

    // Copies the head into the request, so that the field views last as long as it does.
    static std::string_view keep_head(Request& request, std::string_view head);
    static void add_field(Request& request, std::string_view name, std::string_view value) {
        request.headers.fields_.emplace_back(name, value);
    }
    // Takes the path parameters of the matched route from the target.
    static void bind(Request& request, const Route& route);
};

}  // namespace slipway::http
