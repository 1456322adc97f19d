// What engines' configurations share: reading the plan's parameters strictly, and what depends on the addresses.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "providers/provider.h"

namespace slipway::local {

// A permanent error with this public text.
std::unexpected<ProviderError> wrong(std::string message);

// The parameter, or the first of `allowed` where it is absent.
std::expected<std::string, ProviderError> one_of(const json::object& parameters, std::string_view key,
                                                 std::span<const std::string_view> allowed);
std::expected<std::int64_t, ProviderError> between(const json::object& parameters, std::string_view key,
                                                   std::int64_t otherwise, std::int64_t first, std::int64_t last);
std::expected<std::uint16_t, ProviderError> port_of(const Spec& spec);
// The login that people have in a database server: "user", "admin" where it is absent.
std::string tenant_of(const json::object& parameters);
// Differs between any two things; no secret.
std::string salt_of(const Target& target);
// What a database server needs: a right "user", and both passwords in printable ASCII.
std::expected<void, ProviderError> check_logins(const Spec& spec);
// The addresses, besides loopback, that a connection of our own comes from.
std::vector<std::string> own_addresses(const std::vector<std::string>& listened_on);

bool all_loopback(const std::vector<std::string>& addresses);

}  // namespace slipway::local
