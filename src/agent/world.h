// What the daemon of the machines, and so every machine, sees of this host: a network namespace with nothing in it
// but the machines' bridge, and mounts of its own.
//
//   /mnt/instances   the directories of instances
//   /mnt/images      the images, read only
//   /etc/passwd      the host's, and a line for its uid: libvirt looks its user up by name
//   /dev/net/tun     open to it, and /dev/kvm where that is to be used
//
// Programs in there resolve paths, so that descriptors alone (launch.h) do not do.
#pragma once

#include <string>

#include <sys/types.h>

namespace slipway::agent {

inline constexpr std::string_view kWorldInstances = "/mnt/instances";
inline constexpr std::string_view kWorldImages = "/mnt/images";

struct World {
    std::string space;      // path of the network namespace; empty: the host's
    std::string instances;  // absolute paths on the host
    std::string images;
    uid_t uid = 0;
    bool kvm = false;
};

// For a child before it gives up its rights. Answers the step that failed, with errno set; empty: all is done.
std::string_view enter_world(const World& world);

}  // namespace slipway::agent
