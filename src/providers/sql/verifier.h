// What servers keep of a password: made here, so that the password itself is in no statement.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace slipway::sql {

inline constexpr int kScramIterations = 4096;  // PostgreSQL's own
inline constexpr std::size_t kSaltBytes = 16;

// "SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>". Only for passwords of printable ASCII, which are the same
// after SASLprep; "" for any other.
std::string scram_verifier(const Secret& password, std::string_view salt, int iterations = kScramIterations);
// Whether the verifier is one of this password.
bool scram_matches(std::string_view verifier, const Secret& password);
// "*" and 40 hexadecimal digits: mysql_native_password.
std::string mysql_native_hash(const Secret& password);

}  // namespace slipway::sql
