// Credentials of a request, as Secrets. Nothing here logs or repeats what a header held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace slipway::http {

enum class CredentialForm : std::uint8_t {
    raw,           // Authorization: KEY
    bearer,        // Authorization: Bearer KEY
    basic,         // Authorization: Basic base64(user:password)
    token_header,  // X-Auth-Token: KEY
};

struct Credentials {
    CredentialForm form = CredentialForm::raw;
    std::string user;  // of Basic only; "" otherwise
    Secret secret;     // the key or the password; never empty, but for Basic
};

// nullopt: the request carries none. Authorization wins over X-Auth-Token. ErrorCode::unauthenticated when there
// are some that cannot be read: an empty key, Basic that is not base64 of user:password, another scheme,
// the same header twice.
Result<std::optional<Credentials>> credentials_of(const Request& request);

}  // namespace slipway::http
