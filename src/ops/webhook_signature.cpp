#include "ops/webhook_signature.h"

#include <array>

#include <fmt/format.h>
#include <sodium.h>

#include "base/base64.h"

namespace slipway {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kKeyBytes = 32;

template <std::size_t Bytes>
std::string_view view_of(const std::array<unsigned char, Bytes>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Secret make_webhook_secret(Random& random) {
    std::array<unsigned char, kKeyBytes> key{};
    random.fill(std::as_writable_bytes(std::span(key)));
    std::string text = to_base64(view_of(key));
    Secret secret(std::string(kPrefix) + text);
    sodium_memzero(key.data(), key.size());
    sodium_memzero(text.data(), text.size());
    return secret;
}

Result<std::string> sign_webhook(const Secret& secret, std::string_view id, std::string_view timestamp,
                                 std::string_view body) {
    std::string_view text = secret.reveal();
    const bool prefixed = text.starts_with(kPrefix);
    if (prefixed) text.remove_prefix(kPrefix.size());
    auto key = prefixed ? from_base64(text) : std::nullopt;
    if (!key || key->size() > kKeyBytes) {
        return fail(ErrorCode::internal, "a webhook's secret has an unknown form");
    }
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key->data()), key->size());
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
    sodium_memzero(key->data(), key->size());
    sodium_memzero(&state, sizeof state);
    return "v1," + to_base64(view_of(mac));
}

std::string webhook_timestamp(TimePoint now) { return fmt::format("{}", to_micros(now) / 1'000'000); }

}  // namespace slipway
