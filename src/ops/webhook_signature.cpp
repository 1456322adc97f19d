#include "ops/webhook_signature.h"

#include <array>

#include <fmt/format.h>
#include <sodium.h>

namespace slipway {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kKeyBytes = 32;

template <std::size_t Bytes>
std::string base64(const std::array<unsigned char, Bytes>& bytes) {
    std::array<char, sodium_base64_ENCODED_LEN(Bytes, sodium_base64_VARIANT_ORIGINAL)> text{};
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    std::string encoded(text.data());
    sodium_memzero(text.data(), text.size());
    return encoded;
}

}  // namespace

Secret make_webhook_secret(Random& random) {
    std::array<unsigned char, kKeyBytes> key{};
    random.fill(std::as_writable_bytes(std::span(key)));
    Secret secret(std::string(kPrefix) + base64(key));
    sodium_memzero(key.data(), key.size());
    return secret;
}

Result<std::string> sign_webhook(const Secret& secret, std::string_view id, std::string_view timestamp,
                                 std::string_view body) {
    std::string_view text = secret.reveal();
    std::array<unsigned char, kKeyBytes> key{};
    std::size_t size = 0;
    const bool prefixed = text.starts_with(kPrefix);
    if (prefixed) text.remove_prefix(kPrefix.size());
    if (!prefixed || sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &size, nullptr,
                                       sodium_base64_VARIANT_ORIGINAL) != 0) {
        return fail(ErrorCode::internal, "a webhook's secret has an unknown form");
    }
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.data(), size);
    const auto add = [&](std::string_view part) {
        crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    };
    add(id);
    add(".");
    add(timestamp);
    add(".");
    add(body);
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
    crypto_auth_hmacsha256_final(&state, mac.data());
    sodium_memzero(key.data(), key.size());
    sodium_memzero(&state, sizeof state);
    return "v1," + base64(mac);
}

std::string webhook_timestamp(TimePoint now) { return fmt::format("{}", to_micros(now) / 1'000'000); }

}  // namespace slipway
