#include "http/request_access.h"

namespace slipway::http {

void RequestAccess::reset(Request& request) {
    request.headers.fields_.clear();
    request.headers.added_.clear();
    request.params_.clear();
    request.rest_.clear();
    request.attached_.reset();
    request.body.clear();
    request.request_id.clear();
    // One large upload must not hold its memory for as long as the connection idles.
    constexpr std::size_t kKeep = 64UL * 1024;
    if (request.body.capacity() > kKeep) std::string().swap(request.body);
}

std::string_view RequestAccess::keep_head(Request& request, std::string_view head) {
    auto& block = request.headers.block_;
    block.assign(head.begin(), head.end());
    return {block.data(), block.size()};
}

void RequestAccess::bind(Request& request, const Route& route) {
    const auto& path = request.target_.segments();
    for (std::size_t i = 0; i < route.pieces.size(); ++i) {
        const Route::Piece& piece = route.pieces[i];
        switch (piece.kind) {
            case Route::Piece::Kind::literal: break;
            case Route::Piece::Kind::parameter: request.params_.emplace_back(piece.text, path[i]); break;
            case Route::Piece::Kind::rest:
                for (std::size_t k = i; k < path.size(); ++k) {
                    if (k > i) request.rest_ += '/';
                    request.rest_ += path[k];
                }
                request.params_.emplace_back(piece.text, request.rest_);
                break;
        }
    }
}

Result<Request> make_request(Method method, std::string_view target, std::string body) {
    Request request;
    request.method = method;
    if (const Status parsed = RequestAccess::target(request).parse(target); !parsed) return fail(parsed.error());
    request.body = std::move(body);
    return request;
}

}  // namespace slipway::http
