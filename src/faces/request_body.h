// Request bodies as the faces take them: one JSON object, each name once.
#pragma once

#include <string_view>

#include "http/body.h"

namespace slipway::faces {

// As BodyReader::parse, but refuses an object that names one field twice: the two halves of a system that read such
// a body differently would disagree about what was asked for. ErrorCode::invalid_argument then.
Result<http::BodyReader> read_body(std::string_view body, http::EmptyBody empty = http::EmptyBody::refused);

}  // namespace slipway::faces
