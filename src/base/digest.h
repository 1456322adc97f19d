// Digests of texts.
#pragma once

#include <string>
#include <string_view>

#include <sodium.h>

namespace slipway {

// Of what comes in pieces.
class Sha256 {
  public:
    Sha256() { crypto_hash_sha256_init(&state_); }
    void add(std::string_view piece);
    // Hexadecimal, 64 characters. Once, at the end.
    std::string hex();

  private:
    crypto_hash_sha256_state state_{};
};

// The same of one text. It may be a secret: no copy of it is left in memory.
std::string sha256(std::string_view text);

}  // namespace slipway
