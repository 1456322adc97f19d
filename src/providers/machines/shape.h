// A virtual machine as this provider means it: everything that follows from its target, its specification and its
// image. Pure data.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "agent/protocol.h"
#include "base/random.h"
#include "providers/machines/net.h"
#include "providers/provider.h"

namespace slipway::machines {

// What a machine is made of an image (src/images).
struct Image {
    std::string directory;     // its name in the directory of images
    std::string architecture;  // "x86_64"
    std::string kernel;        // files in there; both or neither: without them it boots by its own loader
    std::string initrd;
    std::string cmdline;
    std::uint64_t virtual_bytes = 0;  // of its disk: a machine has at least as much
    bool cloud_init = false;          // and systemd; else it is one of ours, with busybox
    bool rootfs = false;              // it has its files in a tar as well, for containers
    std::string warm_cmdline = {};    // with which it waits to be told who it is; empty: it cannot
};
// By its name, or by the directory of one that a machine was made of before. Errors: not_found, with how it is
// made.
using FindImage = std::function<Result<Image>(const std::string& name)>;

// So that no image goes while a machine's disk rests on it: told before the disk is made, and after it is gone.
struct ImageKeeper {
    std::function<Status(const std::string& image, const std::string& machine)> hold;
    std::function<Status(const std::string& machine)> release;
};

struct Shape {
    std::string name;  // its host name too: the helper takes no longer ones
    std::string uuid;
    std::int64_t cpus = 1;
    std::uint64_t memory = 0;  // bytes
    std::uint64_t disk = 0;    // bytes
    std::string image;
    std::string login;
    boost::asio::ip::address_v4 address;
    Net net;
    std::string mac;
    bool warm = false;  // it is to be restored from a saved state, where that is possible
};

// Errors are permanent and name the parameter.
std::expected<Shape, ProviderError> shape_of(const Target& target, const Spec& spec, const Net& net);

// 52:54:00 and three bytes that follow from resource and generation: who is made anew is another machine to its
// network.
std::string mac_of(const Target& target);
// Likewise; RFC 9562, version 8.
std::string uuid_of(const Target& target);

// The NoCloud files, and "machine" for images of ours. `hash` is that of the login's password (password_hash.h).
std::vector<agent::FileContent> seed_files(const Shape& shape, const std::string& hash);

}  // namespace slipway::machines
