// Request bodies as the faces take them: one JSON object, each name once.
#pragma once

#include <initializer_list>
#include <string_view>

#include "domain/expiry.h"
#include "http/body.h"

namespace slipway::faces {

// As BodyReader::parse, but refuses an object that names one field twice: the two halves of a system that read such
// a body differently would disagree about what was asked for. ErrorCode::invalid_argument then, which names the
// field.
Result<http::BodyReader> read_body(std::string_view body, http::EmptyBody empty = http::EmptyBody::refused);

// For faces that know every field: no object of the body, however deep, names a field twice.
Result<http::BodyReader> read_strict_body(std::string_view body, http::EmptyBody empty = http::EmptyBody::refused);
// BodyReader::finish() that finds fault with every field that is none of `known`, too.
Status finish_strictly(http::BodyReader& body, std::initializer_list<std::string_view> known);

// A lifetime: a number of seconds, or a text (parse_lifetime). Anything else is a problem of the body.
LifetimeWish optional_lifetime(http::BodyReader& body, std::string_view field);

}  // namespace slipway::faces
