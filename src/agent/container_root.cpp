#include "agent/container_root.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent/files.h"
#include "agent/loop.h"
#include "base/fd.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMaxSeed = 64 * 1024;

bool mount_fresh(const char* type, const std::string& at, unsigned long flags, const char* options) {
    return ::mount(type, at.c_str(), type, flags, options) == 0;
}

bool make_places() {
    for (const char* each : {"lower", "disk", "root", "seed", "lxc", "place"}) {
        if (::mkdir(fmt::format("/mnt/{}", each).c_str(), 0755) != 0) return false;
    }
    return true;
}

// The image's files, seen with other ids. They are nobody's to change from here, and no devices.
bool show_lower(const ContainerRoot& root) {
    const UniqueFd tree(::open_tree(AT_FDCWD, root.lower.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY;
    attributes.userns_fd = static_cast<std::uint64_t>(root.ids);
    return tree && ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0 &&
           ::move_mount(tree.get(), "", AT_FDCWD, "/mnt/lower", MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

// What the container frees goes back to the host's disk.
bool mount_disk(const ContainerRoot& root) {
    const Loop loop = attach_loop(root.disk);
    return loop.device &&
           ::mount(loop.path.c_str(), "/mnt/disk", "ext4", MS_NODEV, "discard,errors=remount-ro") == 0;
}

bool make_layers(const ContainerRoot& root) {
    for (const char* each : {"/mnt/disk/upper", "/mnt/disk/work"}) {
        if (::mkdir(each, 0755) != 0 && errno != EEXIST) return false;
    }
    return ::chown("/mnt/disk/upper", root.first, root.first) == 0;
}

bool join_layers() {
    return ::mount("overlay", "/mnt/root", "overlay", MS_NODEV,
                   "lowerdir=/mnt/lower,upperdir=/mnt/disk/upper,workdir=/mnt/disk/work") == 0;
}

bool copy_seed(const ContainerRoot& root) {
    const Answer<UniqueFd> from = open_directory(AT_FDCWD, root.instance);
    const Answer<UniqueFd> to = open_directory(AT_FDCWD, std::string(kContainerSeed));
    if (!from || !to || ::fchown(to->get(), root.first, root.first) != 0) return false;
    for (const std::string& each : root.seed) {
        const Answer<std::string> text = read_file(from->get(), each, kMaxSeed);
        if (!text || !replace_file(to->get(), each, *text, {root.first, root.first, 0400}, Durability::none)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string_view enter_container_root(const ContainerRoot& root) {
    const UniqueFd space(::open(root.space.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space || ::setns(space.get(), CLONE_NEWNET) != 0) return "enter the machines' network";
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return "have mounts of its own";
    }
    ::umask(022);
    if (!mount_fresh("tmpfs", "/mnt", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")) return "mount /mnt";
    if (!make_places()) return "make its places";
    if (!show_lower(root)) return "show its image with its own ids (idmapped mounts)";
    if (!mount_disk(root)) return "mount its disk (loop devices)";
    if (!make_layers(root)) return "make its layers";
    if (!join_layers()) return "put its root together (overlay)";
    if (!copy_seed(root)) return "tell it who it is";
    if (!mount_fresh("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")) return "mount /run";
    errno = 0;
    return {};
}

}  // namespace slipway::agent
