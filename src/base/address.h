// Which addresses are of the public Internet.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace slipway {

// False for this machine, link-local, private, shared, multicast, documentation and reserved ranges (IANA's
// special-purpose address registries, RFC 6890), also where IPv6 wraps an IPv4 address (mapped, NAT64, 6to4). For
// requests whose target somebody else chose: they must not reach what only this network can.
bool is_public(const boost::asio::ip::address& address);

}  // namespace slipway
