#include "agent/containers.h"

#include <array>
#include <chrono>
#include <limits>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/container_root.h"
#include "agent/container_run.h"
#include "agent/loop.h"
#include "agent/machines.h"
#include "agent/user_space.h"

namespace slipway::agent {
namespace {

constexpr int kDiskLimit = 20'000;     // milliseconds
constexpr int kUnpackLimit = 120'000;  // milliseconds
constexpr int kEndLimit = 5000;        // milliseconds for what was killed
constexpr uid_t kLastId = std::numeric_limits<uid_t>::max() - kIdCount;
const std::string kMaking = ".making";

Answer<UniqueFd> in_memory(const std::string& text) {
    UniqueFd file(::memfd_create("container", MFD_CLOEXEC));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::lseek(file.get(), 0, SEEK_SET) != 0) {
        return std::unexpected(os_failure("describe a container"));
    }
    return file;
}

std::string_view enter_space(int space) {
    return ::setns(space, CLONE_NEWUSER) == 0 ? std::string_view() : "enter a user namespace";
}

Answer<void> own(int directory, const std::string& name, uid_t uid, mode_t mode) {
    if (::fchownat(directory, name.c_str(), uid, uid, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(directory, name.c_str(), mode, 0) != 0) {
        return std::unexpected(os_failure("give a file to its uid"));
    }
    return {};
}

void forget_work_files(int directory) {
    for (const char* each : {"log", "lock"}) ::unlinkat(directory, each, 0);
}

Answer<std::set<std::string>> images_of(const Instances& instances) {
    std::set<std::string> used;
    std::string after;
    do {
        const Answer<ListPage> page = instances.list(after);
        if (!page) return std::unexpected(page.error());
        for (const InstanceStatus& each : page->instances) used.insert(json::get_string(each.meta, "image"));
        after = page->next;
    } while (!after.empty());
    return used;
}

}  // namespace

std::string Containers::program(const std::string& name) const {
    const auto found = programs_.find(name);
    return found == programs_.end() ? "" : found->second;
}

Answer<void> Containers::check() const {
    if (!rights_.isolation || places_.first == 0) {
        return refuse(FailureCode::unsupported, "containers take a helper that is root and has uids for them");
    }
    for (const auto& [needed, package] : {std::pair{"mke2fs", "e2fsprogs"}, std::pair{"tar", "tar"}}) {
        if (!program(needed).empty()) continue;
        return refuse(FailureCode::unsupported,
                      fmt::format("{} is not installed (apt-get install {})", needed, package));
    }
    if (::access(std::string(kSeccompProfile).c_str(), R_OK) != 0) {
        return refuse(FailureCode::unsupported,
                      fmt::format("{} is not there (apt-get install liblxc-common)", kSeccompProfile));
    }
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) {
        return refuse(FailureCode::unsupported, "this host has no loop devices (modprobe loop)");
    }
    return cgroups_.check();
}

Launch Containers::launch_of(const std::string& name, int directory) const {
    Launch plan;
    plan.directory = directory;
    plan.path = program(name);
    plan.program = name;
    plan.tag = name;
    plan.stage = name;
    plan.change_uid = true;
    return plan;
}

Answer<uid_t> Containers::first_id(const boost::asio::ip::address_v4& address,
                                   const boost::asio::ip::network_v4& subnet) const {
    if (address <= subnet.network() || address >= subnet.broadcast()) {
        return refuse(FailureCode::invalid, "the address is not in the subnet");
    }
    const std::uint64_t number = address.to_uint() - subnet.network().to_uint();
    const std::uint64_t first = places_.first + number * kIdCount;
    if (first > kLastId) {
        return refuse(FailureCode::invalid,
                      fmt::format("there are no uids for a container of the address {}", address.to_string()));
    }
    return static_cast<uid_t>(first);
}

Answer<SeedData> Containers::seed(const Seed& seed) const {
    if (const Answer<void> able = check(); !able) return std::unexpected(able.error());
    return [this, seed](int directory, uid_t uid) -> Answer<void> {
        if (const Answer<void> there = unpack(seed.image); !there) return there;
        return make_disk(seed, directory, uid);
    };
}

// By whoever is root in a user namespace, of ids that mean nothing to the host: whatever stands in that file, its
// links and modes included, nothing else can come to harm.
Answer<void> Containers::fill(int directory, const std::string& image) const {
    const std::string path = fmt::format("{}/{}/rootfs.tar", places_.images, image);
    const UniqueFd tar(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!tar) {
        return refuse(FailureCode::absent, fmt::format("the image {} has no rootfs.tar for containers", image));
    }
    const Answer<UniqueFd> space = make_user_space(0, places_.first);
    if (!space) return std::unexpected(space.error());
    const Answer<UniqueFd> data = make_directory(directory, "data", 0755);
    if (!data) return std::unexpected(data.error());
    if (const Answer<void> owned = own(directory, "data", places_.first, 0755); !owned) return owned;
    Launch plan = launch_of("tar", directory);
    plan.args = {"--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--no-overwrite-dir"};
    plan.input = tar.get();
    plan.enter = [ids = space->get()] { return enter_space(ids); };
    const Answer<void> done = run_to_end(plan, kUnpackLimit, checkpoint_);
    if (!done) {
        const std::string log = read_tail(directory, "log", 200);
        return refuse(done.error().code, fmt::format("the image {} could not be unpacked: {} {}", image,
                                                     done.error().message, log.substr(0, log.find('\n'))));
    }
    forget_work_files(directory);
    return {};
}

Answer<void> Containers::unpack(const std::string& image) const {
    if (open_directory(roots_, image)) return {};
    if (const Answer<void> cleared = remove_tree(roots_, kMaking); !cleared) return cleared;
    const Answer<UniqueFd> making = make_directory(roots_, kMaking, 0700);
    if (!making) return std::unexpected(making.error());
    checkpoint_("unpack:made");
    if (const Answer<void> filled = fill(making->get(), image); !filled) {
        const Answer<void> cleared = remove_tree(roots_, kMaking);
        return cleared ? filled : cleared;
    }
    if (::syncfs(making->get()) != 0) return std::unexpected(os_failure("sync an image's files"));
    checkpoint_("unpack:filled");
    if (::renameat(roots_, kMaking.c_str(), roots_, image.c_str()) != 0) {
        return std::unexpected(os_failure("put an image's files in their place"));
    }
    return sync(roots_, "the images' files");
}

// Sparse: what it does not hold takes no room.
Answer<void> Containers::make_disk(const Seed& seed, int directory, uid_t uid) const {
    const Answer<UniqueFd> data = make_directory(directory, "data", 0700);
    if (!data) return std::unexpected(data.error());
    if (const Answer<void> owned = own(directory, "data", uid, 0700); !owned) return owned;
    const UniqueFd disk(::openat(data->get(), "disk", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!disk || ::ftruncate(disk.get(), static_cast<off_t>(seed.disk_bytes)) != 0) {
        return std::unexpected(os_failure("make a container's disk"));
    }
    if (const Answer<void> owned = own(data->get(), "disk", uid, 0600); !owned) return owned;
    Launch plan = launch_of("mke2fs", directory);
    plan.uid = uid;
    plan.gid = uid;
    plan.args = {"-q", "-F", "-t", "ext4", "-m", "0", "-E", "nodiscard,root_owner=0:0", "disk"};
    const Answer<void> done = run_to_end(plan, kDiskLimit, checkpoint_);
    if (!done) return refuse(done.error().code, "the container's disk could not be made: " + done.error().message);
    forget_work_files(directory);
    // From here on only the kernel writes it.
    if (const Answer<void> owned = own(data->get(), "disk", rights_.uid, 0600); !owned) return owned;
    if (::syncfs(directory) != 0) return std::unexpected(os_failure("sync a container's disk"));
    return {};
}

std::string Containers::group_of(const Network& network, const std::string& name) {
    return fmt::format("{}/{}", network.space(), name);
}

std::string Containers::disk_of(const std::string& name) const {
    return fmt::format("{}/{}/data/disk", places_.root, name);
}

// A file system that is mounted twice is lost: an earlier one has to be gone.
Answer<void> Containers::await_disk(const std::string& name) const {
    for (int waited = 0; has_loop(disk_of(name)); ++waited) {
        if (waited > kEndLimit) return refuse(FailureCode::busy, "the container's disk is still in use");
        ::poll(nullptr, 0, 1);
    }
    return {};
}

Answer<void> Containers::end(const std::string& name, const Network& network, int directory) const {
    // What lives in there first: its monitor then ends by itself, and takes the control groups with it.
    const std::string group = group_of(network, name);
    for (const std::string& each : {group, group + ".monitor"}) {
        if (const Answer<void> cleared = cgroups_.clear(each, kEndLimit); !cleared) return cleared;
    }
    checkpoint_("container:cleared");
    if (const Answer<void> alone = end_holders(directory); !alone) return alone;
    // A monitor that was only beginning may have made them since.
    for (const std::string& each : {group, group + ".monitor"}) {
        if (const Answer<void> cleared = cgroups_.clear(each, kEndLimit); !cleared) return cleared;
    }
    cgroups_.drop(network.space());  // that of all containers
    return await_disk(name);
}

Answer<Process> Containers::start(const ContainerPlan& wanted, const std::string& image, const Tap& tap,
                                  const Network& network, const std::string& tag, int directory) const {
    if (const Answer<void> able = check(); !able) return std::unexpected(able.error());
    if (!valid_image(image)) return refuse(FailureCode::invalid, "this is no image's name");
    if (const Answer<void> there = unpack(image); !there) return std::unexpected(there.error());
    if (const Answer<void> ended = end(wanted.name, network, directory); !ended) {
        return std::unexpected(ended.error());
    }
    if (const Answer<void> connected = network.add_pair(tap); !connected) return std::unexpected(connected.error());
    checkpoint_("container:connected");
    const Answer<UniqueFd> ids = make_user_space(places_.first, wanted.first);
    if (!ids) return std::unexpected(ids.error());
    ContainerPlan plan = wanted;
    plan.group = group_of(network, wanted.name);
    plan.device = card_name(tap.address);
    plan.console = fmt::format("{}/{}/data/console.log", places_.root, wanted.name);
    ContainerRoot root;
    root.space = network.space_path();
    root.lower = fmt::format("{}/.roots/{}/data", places_.root, image);
    root.disk = disk_of(wanted.name);
    root.instance = fmt::format("{}/{}", places_.root, wanted.name);
    root.seed = Machines::seed_of(directory);
    root.first = wanted.first;
    root.ids = ids->get();
    plan.seeded = !root.seed.empty();
    const ContainerLimits limits{cgroups_.unified(), cgroups_.counts_swap()};
    const Answer<UniqueFd> input = in_memory(json::dump(monitor_input(wanted.name, container_items(plan, limits))));
    if (!input) return std::unexpected(input.error());
    Launch launched = launch_of("container", directory);
    launched.path = "/proc/self/exe";
    launched.program = "slipway";
    launched.args = {"agent", "--container", wanted.name};
    launched.tag = tag;
    launched.change_uid = false;
    launched.whole = true;
    launched.input = input->get();
    launched.enter = [root] { return enter_container_root(root); };
    return launch(launched, checkpoint_);
}

Answer<void> Containers::prune(const Instances& instances) const {
    std::vector<std::string> gone;
    for (const std::string& each : list_names(roots_)) {
        const std::string image = fmt::format("{}/{}", places_.images, each);
        if (valid_image(each) && ::access(image.c_str(), F_OK) != 0) gone.push_back(each);
    }
    if (gone.empty()) return {};
    const Answer<std::set<std::string>> used = images_of(instances);
    if (!used) return std::unexpected(used.error());
    for (const std::string& each : gone) {
        if (used->contains(each)) continue;
        if (const Answer<void> removed = remove_tree(roots_, each); !removed) return removed;
    }
    return {};
}

}  // namespace slipway::agent
