// Passwords as the guest keeps them.
#pragma once

#include <expected>
#include <string>

#include "base/random.h"
#include "base/secret.h"
#include "providers/provider.h"

namespace slipway::machines {

// SHA-512 crypt ("$6$…", crypt(5)) with a salt of its own. The error is permanent: crypt takes no such password.
std::expected<std::string, ProviderError> password_hash(const Secret& password, Random& random);

}  // namespace slipway::machines
