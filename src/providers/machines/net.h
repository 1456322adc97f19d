// Where the machines of an installation are in a network.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/network_v4.hpp>

namespace slipway::machines {

struct Net {
    boost::asio::ip::network_v4 subnet;
    boost::asio::ip::address_v4 gateway;  // by which they reach what is beyond the subnet
    boost::asio::ip::address_v4 first;    // of those that may be given out
    boost::asio::ip::address_v4 last;
    std::string bridge = {};  // of the host's, that they are joined to; empty: they have one of their own
    std::vector<boost::asio::ip::address_v4> nameservers = {};
};

// On a bridge of their own the host has the first address, and is the gateway; all others are given out.
Net own_net(const boost::asio::ip::network_v4& subnet);

}  // namespace slipway::machines
