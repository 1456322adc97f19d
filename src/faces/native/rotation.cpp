// New passwords beside the ones in use.
#include "faces/native/handlers.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

Task<Response> NativeFace::change_password(Request& request, Rotate verb) const {
    if (ports_.rotations == nullptr) co_return not_here("rotation of passwords");
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    const Duration wait = take_wait_seconds(*body, longest_wait());
    if (const Status good = finish_strictly(*body, {"wait_seconds"}); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    auto accepted = co_await (ports_.rotations->*verb)(call_of(request), found->id);
    if (!accepted) co_return error(request, accepted.error());
    co_return co_await answer_accepted(request, std::move(*accepted), wait, false);
}

Task<Response> NativeFace::rotate(Request& request) const {
    co_return co_await change_password(request, &Rotations::begin);
}

Task<Response> NativeFace::confirm_rotation(Request& request) const {
    co_return co_await change_password(request, &Rotations::confirm);
}

}  // namespace slipway::faces
