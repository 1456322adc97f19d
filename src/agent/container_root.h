// What a container's monitor sees of this host, in mounts of its own, which go with it:
//
//   /mnt/lower   the image's files, with the ids of this container
//   /mnt/disk    the container's own disk, of its plan's size: what it changed
//   /mnt/root    the one over the other: its root
//   /mnt/seed    what tells a new one who it is, in memory only; readable by its root
//   /mnt/lxc     where liblxc puts the root
//   /mnt/place   empty: liblxc looks for configurations there
//   /run         empty: liblxc keeps its locks there
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace slipway::agent {

inline constexpr std::string_view kContainerRoot = "/mnt/root";
inline constexpr std::string_view kContainerSeed = "/mnt/seed";
inline constexpr std::string_view kContainerMount = "/mnt/lxc";
inline constexpr std::string_view kContainerPlace = "/mnt/place";

struct ContainerRoot {
    std::string space;     // path of the network namespace
    std::string lower;     // absolute paths on the host: the directory of the image's files,
    std::string disk;      // the file of the disk,
    std::string instance;  // and the directory with the files of the seed
    std::vector<std::string> seed;
    uid_t first = 0;  // the container's root on the host
    int ids = -1;     // the user namespace that maps the image's ids to the container's
};

// For a child that is still root. Answers the step that failed, with errno set; empty: all is done.
std::string_view enter_container_root(const ContainerRoot& root);

}  // namespace slipway::agent
