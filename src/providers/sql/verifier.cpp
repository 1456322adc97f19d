#include "providers/sql/verifier.h"

#include <array>
#include <charconv>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "base/base64.h"

namespace slipway::sql {
namespace {

constexpr std::size_t kDigest = 32;
using Digest = std::array<unsigned char, kDigest>;
constexpr int kMostIterations = 1'000'000;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
std::string base64(const Digest& digest) {
    return to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool printable_ascii(std::string_view text) {
    for (const char each : text) {
        if (each < ' ' || each > '~') return false;
    }
    return true;
}

bool keyed(const Digest& key, std::string_view text, Digest& out) {
    unsigned length = 0;
    return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out.data(),
                &length) != nullptr;
}

}  // namespace

std::string scram_verifier(const Secret& password, std::string_view salt, int iterations) {
    const std::string& text = password.reveal();
    if (text.empty() || !printable_ascii(text) || iterations < 1) return {};
    Digest salted{};
    Digest client{};
    Digest stored{};
    Digest server{};
    const bool made =
        PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), bytes_of(salt), static_cast<int>(salt.size()),
                          iterations, EVP_sha256(), static_cast<int>(salted.size()), salted.data()) == 1 &&
        keyed(salted, "Client Key", client) && keyed(salted, "Server Key", server) &&
        crypto_hash_sha256(stored.data(), client.data(), client.size()) == 0;
    sodium_memzero(salted.data(), salted.size());
    sodium_memzero(client.data(), client.size());
    if (!made) return {};
    return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations, to_base64(salt), base64(stored), base64(server));
}

bool scram_matches(std::string_view verifier, const Secret& password) {
    constexpr std::string_view kStart = "SCRAM-SHA-256$";
    if (!verifier.starts_with(kStart)) return false;
    const std::string_view rest = verifier.substr(kStart.size());
    const std::size_t colon = rest.find(':');
    const std::size_t dollar = rest.find('$');
    if (colon == std::string_view::npos || dollar == std::string_view::npos || dollar < colon) return false;
    int iterations = 0;
    std::from_chars(rest.data(), rest.data() + colon, iterations);
    if (iterations < 1 || iterations > kMostIterations) return false;
    const std::optional<std::string> salt = from_base64(rest.substr(colon + 1, dollar - colon - 1));
    if (!salt) return false;
    const std::string made = scram_verifier(password, *salt, iterations);
    return made.size() == verifier.size() && sodium_memcmp(made.data(), verifier.data(), made.size()) == 0;
}

std::string mysql_native_hash(const Secret& password) {
    constexpr std::size_t kSha1 = 20;
    std::array<unsigned char, kSha1> once{};
    std::array<unsigned char, kSha1> twice{};
    const std::string& text = password.reveal();
    const bool made = EVP_Digest(text.data(), text.size(), once.data(), nullptr, EVP_sha1(), nullptr) == 1 &&
                      EVP_Digest(once.data(), once.size(), twice.data(), nullptr, EVP_sha1(), nullptr) == 1;
    sodium_memzero(once.data(), once.size());
    if (!made) return {};
    std::string hash = "*";
    for (const unsigned char byte : twice) hash += fmt::format("{:02X}", byte);
    return hash;
}

}  // namespace slipway::sql
