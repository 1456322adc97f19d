// IP addresses: which are of the public Internet, and how one that is kept as a number is written.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/ip/address.hpp>

namespace slipway {

// False for this machine, link-local, private, shared, multicast, documentation and reserved ranges (IANA's
// special-purpose address registries, RFC 6890), also where IPv6 wraps an IPv4 address (mapped, NAT64, 6to4). For
// requests whose target somebody else chose: they must not reach what only this network can.
bool is_public(const boost::asio::ip::address& address);

// An IPv4 address that is kept as a number in the host's order, as allocations are: "10.77.0.2".
std::string ipv4_text(std::int64_t number);

}  // namespace slipway
