#include "providers/machines/password_hash.h"

#include <memory>

#include <crypt.h>
#include <sodium.h>

#include "providers/provider_error.h"

namespace slipway::machines {

std::expected<std::string, ProviderError> password_hash(const Secret& password, Random& random) {
    constexpr std::size_t salt_length = 16;  // the most that it takes
    const std::string setting = "$6$" + random.alphanumeric(salt_length);
    // Large, and it holds the password afterwards.
    const auto work = std::make_unique<crypt_data>();
    const char* hash = ::crypt_r(password.reveal().c_str(), setting.c_str(), work.get());
    std::string answer = hash == nullptr ? "" : hash;
    ::sodium_memzero(work.get(), sizeof *work);
    // A failure is told by a text that begins with an asterisk.
    if (!answer.starts_with("$6$")) return refuse(ErrorClass::permanent, "the password cannot be hashed");
    return answer;
}

}  // namespace slipway::machines
