// Prices and addresses as people write them in configurations; durations and sizes are quantity.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/quantity.h"
#include "domain/catalog.h"

namespace slipway {

// An amount with at most six decimals, below a million, and a currency of three capital letters: "0.012 EUR".
std::optional<Price> parse_price(std::string_view text);

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};
// "127.0.0.1:3000", "[::1]:3000". Only numeric addresses.
std::optional<HostPort> parse_host_port(std::string_view text);
std::string format_host_port(const HostPort& at);
bool is_address(std::string_view text);
bool is_loopback(std::string_view address);

}  // namespace slipway
