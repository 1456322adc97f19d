// How liblxc is told of a container (lxc.container.conf(5)).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/network_v4.hpp>
#include <sys/types.h>

#include "agent/protocol.h"

namespace slipway::agent {

struct ContainerLimits {
    bool unified = true;       // version 2 of control groups
    bool counts_swap = false;  // and swap is counted
};

struct ContainerPlan {
    std::string name;   // its host name too
    std::string group;  // its control group; that of its monitor is this and ".monitor"
    boost::asio::ip::address_v4 address;
    boost::asio::ip::network_v4 subnet;
    boost::asio::ip::address_v4 gateway;
    std::string device;   // the end of its veth pair that becomes its network card
    std::string console;  // absolute path of the file that keeps what it prints
    uid_t first = 0;      // its root on the host
    std::int64_t cpus = 1;
    std::uint64_t memory = 0;  // bytes
    Init init = Init::busybox;
    bool seeded = false;  // /mnt/seed tells it who it is
};

// That of Debian's package liblxc-common.
inline constexpr std::string_view kSeccompProfile = "/usr/share/lxc/config/common.seccomp";

using ContainerItems = std::vector<std::pair<std::string, std::string>>;
ContainerItems container_items(const ContainerPlan& plan, const ContainerLimits& limits);

// What makes a container of this kind end by itself.
int halt_signal(Init init);

}  // namespace slipway::agent
