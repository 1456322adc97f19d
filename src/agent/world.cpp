#include "agent/world.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"

namespace slipway::agent {
namespace {

constexpr const char* kPlace = "/mnt";

bool show(const std::string& from, const std::string& to, unsigned long more = 0) {
    if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    return more == 0 || ::mount(nullptr, to.c_str(), nullptr, MS_BIND | MS_REMOUNT | more, nullptr) == 0;
}

bool show_directory(const std::string& from, std::string_view to, unsigned long more = 0) {
    return ::mkdir(std::string(to).c_str(), 0755) == 0 && show(from, std::string(to), more);
}

// The host's file and one more line.
bool extend(const std::string& path, const std::string& line) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    const std::string ours = fmt::format("{}/{}", kPlace, path.substr(path.rfind('/') + 1));
    std::ofstream out(ours);
    out << text.str() << line << '\n';
    out.close();
    return out && ::chmod(ours.c_str(), 0644) == 0 && show(ours, path);
}

// The same device, open to everybody in here: whoever set the host's mode did not do it for them.
bool open_device(const std::string& path) {
    struct stat seen{};
    if (::stat(path.c_str(), &seen) != 0 || !S_ISCHR(seen.st_mode)) return false;
    const std::string ours = fmt::format("{}/device-{}", kPlace, minor(seen.st_rdev));
    return ::mknod(ours.c_str(), S_IFCHR | 0666, seen.st_rdev) == 0 && ::chmod(ours.c_str(), 0666) == 0 &&
           show(ours, path);
}

}  // namespace

std::string_view enter_world(const World& world) {
    if (!world.space.empty()) {
        const UniqueFd space(::open(world.space.c_str(), O_RDONLY | O_CLOEXEC));
        if (!space || ::setns(space.get(), CLONE_NEWNET) != 0) return "enter the machines' network";
    }
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return "have mounts of its own";
    }
    ::umask(022);
    // What is beneath /sys depends on the network that it was mounted in.
    if (::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return "mount /sys";
    if (::mount("tmpfs", kPlace, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=4m") != 0) return "mount /mnt";
    if (!show_directory(world.instances, kWorldInstances, MS_NOSUID | MS_NODEV)) return "show the instances";
    if (!show_directory(world.images, kWorldImages, MS_RDONLY | MS_NOSUID | MS_NODEV)) return "show the images";
    if (!extend("/etc/passwd",
                fmt::format("slipway-machines:x:{0}:{0}::/nonexistent:/usr/sbin/nologin", world.uid)) ||
        !extend("/etc/group", fmt::format("slipway-machines:x:{}:", world.uid))) {
        return "name its user";
    }
    if (!open_device("/dev/net/tun")) return "open /dev/net/tun (modprobe tun)";
    if (world.kvm && !open_device("/dev/kvm")) return "open /dev/kvm";
    errno = 0;
    return {};
}

}  // namespace slipway::agent
