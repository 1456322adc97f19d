// The network of one installation's machines: a bridge in a network namespace of its own, joined to the host by one
// veth pair. Nothing else of the host's network is touched, and nothing leaves the host, unless the helper was told
// of a bridge of the host's: then the pair's end is a port of that one, and machines are in its network.
//
//   host: slw<id>, the subnet's first address ──veth── uplink ─┐
//                                                               ├─ bridge "machines", in the namespace slipway-<id>
//                           taps and veth pairs of the machines ─┘
//
// The host and a machine reach each other. Machines do not reach each other (isolated ports of the bridge), nor
// anything beyond the host, which does not forward what comes from there. Who has an address is fixed: the host's
// neighbour table and the bridge's forwarding table have entries that no machine can change, so that one which
// claims the address of another gets nothing that is meant for that one. On a bridge of the host's, who is reached
// by an address is settled as it is there: machines still do not reach each other, and each has its own MAC.
//
// Every call may be made again: it does what is missing. Needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN) and iproute2.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/network_v4.hpp>
#include <sys/types.h>

#include "agent/protocol.h"

namespace slipway::agent {

// Paths; "" where it is not installed.
struct NetworkPrograms {
    std::string ip;
    std::string bridge;
};

struct Tap {
    boost::asio::ip::address_v4 address;
    std::string mac;  // "52:54:00:…"
    uid_t owner = 0;  // who may open it; of no meaning for a pair
};

// Of the machine with this address: m and 8 hexadecimal digits.
std::string tap_name(const boost::asio::ip::address_v4& address);
// The other end of a pair, which becomes the network card of a container: c and 8 hexadecimal digits.
std::string card_name(const boost::asio::ip::address_v4& address);

class Network {
  public:
    // `id` tells installations of one host apart: 8 hexadecimal digits. `bridge`: a device of the host's; empty:
    // none.
    Network(NetworkPrograms programs, std::string id, std::string bridge = {})
        : programs_(std::move(programs)), id_(std::move(id)), bridge_(std::move(bridge)) {}

    // Errors: invalid (the subnet is used on this host already: the message says by what; or the host has no such
    // bridge), unsupported, io.
    [[nodiscard]] Answer<void> up(const boost::asio::ip::network_v4& subnet) const;
    [[nodiscard]] Answer<void> add(const Tap& tap) const;
    // For a container that does not run: a new veth pair, with one end in the bridge where a tap would be, and
    // named and treated like one.
    [[nodiscard]] Answer<void> add_pair(const Tap& tap) const;
    [[nodiscard]] Answer<void> remove(const boost::asio::ip::address_v4& address) const;
    // The names of all taps, and of what is treated like one.
    [[nodiscard]] Answer<std::vector<std::string>> taps() const;
    // Takes everything away again, and ends who is still in the namespace; taps with what is connected to them too.
    [[nodiscard]] Answer<void> down() const;

    [[nodiscard]] std::string space() const { return "slipway-" + id_; }
    // Where the namespace can be opened.
    [[nodiscard]] std::string space_path() const { return "/run/netns/" + space(); }
    [[nodiscard]] std::string device() const { return "slw" + id_; }

  private:
    [[nodiscard]] Answer<std::string> ip(std::vector<std::string> words) const;
    [[nodiscard]] Answer<std::string> inside(std::vector<std::string> words) const;  // the namespace
    [[nodiscard]] Answer<void> check_place(const boost::asio::ip::network_v4& subnet) const;
    [[nodiscard]] Answer<void> check_free(const boost::asio::ip::network_v4& subnet) const;
    [[nodiscard]] Answer<void> settle_end(const boost::asio::ip::network_v4& subnet) const;
    [[nodiscard]] Answer<void> connect(const Tap& tap) const;
    [[nodiscard]] Answer<void> join(const boost::asio::ip::network_v4& subnet) const;
    [[nodiscard]] bool has(const std::string& device) const;
    [[nodiscard]] bool has_inside(const std::string& device) const;

    NetworkPrograms programs_;
    std::string id_;
    std::string bridge_;
};

}  // namespace slipway::agent
