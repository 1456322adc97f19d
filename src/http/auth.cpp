#include "http/auth.h"

#include <sodium.h>

#include "base/base64.h"
#include "base/text.h"

namespace slipway::http {
namespace {

std::unexpected<Error> unreadable(std::string why) {
    return fail(ErrorCode::unauthenticated, "the credentials cannot be read: " + std::move(why));
}

Result<std::optional<Credentials>> parse_basic(std::string_view encoded) {
    auto read = from_base64(encoded);
    if (!read) return unreadable("Basic takes base64");
    std::string& decoded = *read;
    const std::size_t colon = decoded.find(':');
    if (colon == std::string::npos) return unreadable("Basic takes base64 of user:password");
    std::string user = decoded.substr(0, colon);
    Secret password(decoded.substr(colon + 1));
    sodium_memzero(decoded.data(), decoded.size());
    return Credentials{CredentialForm::basic, std::move(user), std::move(password)};
}

Result<std::optional<Credentials>> parse_authorization(std::string_view value) {
    value = trimmed(value);
    if (value.empty()) return unreadable("Authorization is empty");
    const std::size_t space = value.find_first_of(" \t");
    const std::string_view scheme = value.substr(0, space);
    const std::string_view rest = space == std::string_view::npos ? "" : trimmed(value.substr(space));
    if (equal_ignoring_case(scheme, "bearer")) {
        if (rest.empty()) return unreadable("Bearer takes a key");
        return Credentials{CredentialForm::bearer, {}, Secret(std::string(rest))};
    }
    if (equal_ignoring_case(scheme, "basic")) return parse_basic(rest);
    if (space != std::string_view::npos) return unreadable("use a key, Bearer or Basic");
    return Credentials{CredentialForm::raw, {}, Secret(std::string(value))};
}

}  // namespace

Result<std::optional<Credentials>> credentials_of(const Request& request) {
    const auto authorization = request.headers.all("authorization");
    if (authorization.size() > 1) return unreadable("Authorization came more than once");
    if (!authorization.empty()) return parse_authorization(authorization.front());
    const auto token = request.headers.all("x-auth-token");
    if (token.size() > 1) return unreadable("X-Auth-Token came more than once");
    if (token.empty()) return std::optional<Credentials>();
    const std::string_view key = trimmed(token.front());
    if (key.empty()) return unreadable("X-Auth-Token is empty");
    return Credentials{CredentialForm::token_header, {}, Secret(std::string(key))};
}

}  // namespace slipway::http
