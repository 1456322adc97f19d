// W3C trace context: which trace of the caller's a request belongs to.
#pragma once

#include <string>

#include "http/message.h"

namespace slipway::faces {

// Whether it is a traceparent: 00-TRACE-PARENT-FLAGS, or a later version that begins like one.
bool valid_traceparent(std::string_view text);

// The request's traceparent; of a later version the part that version 00 has. "" where there is none, several, or
// one that is none: then the trace is not ours to guess, as the specification has it.
std::string trace_of(const http::Request& request);

}  // namespace slipway::faces
