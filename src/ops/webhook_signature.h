// How a delivery is signed: the Standard Webhooks scheme, symmetric ("v1").
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace slipway {

// "whsec_" and base64 of 32 random bytes: what a receiver is given once and verifies with.
Secret make_webhook_secret(Random& random);

// The value of the header webhook-signature: "v1," and base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY", keyed with
// the secret's bytes. ErrorCode::internal where the secret has another form.
Result<std::string> sign_webhook(const Secret& secret, std::string_view id, std::string_view timestamp,
                                 std::string_view body);

// The value of the header webhook-timestamp: seconds since 1970.
std::string webhook_timestamp(TimePoint now);

}  // namespace slipway
