#include "base/digest.h"

#include <array>

#include <fmt/format.h>

namespace slipway {
namespace {

using Digest = std::array<unsigned char, crypto_hash_sha256_BYTES>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string hex_of(const Digest& digest) {
    std::string hex;
    for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
    return hex;
}

}  // namespace

void Sha256::add(std::string_view piece) { crypto_hash_sha256_update(&state_, bytes_of(piece), piece.size()); }

std::string Sha256::hex() {
    Digest digest{};
    crypto_hash_sha256_final(&state_, digest.data());
    return hex_of(digest);
}

std::string sha256(std::string_view text) {
    Digest digest{};
    crypto_hash_sha256(digest.data(), bytes_of(text), text.size());
    return hex_of(digest);
}

}  // namespace slipway
