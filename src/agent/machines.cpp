#include "agent/machines.h"

#include <array>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/space_members.h"
#include "agent/warm.h"
#include "agent/world.h"

namespace slipway::agent {
namespace {

constexpr int kToolLimit = 20'000;  // milliseconds
constexpr int kFirstFreeFd = 10;    // launch.cpp moves what is below
const std::string kVolume = "seed.iso";
const std::string kNewVolume = "seed.new.iso";
const std::string kSeeded = "seeded";
// Of every volume, so that one is as good as another to a machine that saw only the first. The files of a machine,
// 32 KiB each at most, and what surrounds them on a volume always fit.
constexpr std::size_t kVolumeBytes = 1024UL * 1024;
const std::array<std::string, 4> kSeedFiles{"user-data", "meta-data", "network-config", "machine"};

// Guests' consoles and logs go to files by the daemon itself: another daemon for that would be one more to keep.
constexpr std::string_view kQemuConfig =
    "stdio_handler = \"file\"\n"
    "remember_owner = 0\n"
    "security_driver = \"none\"\n"
    "dump_guest_core = 0\n"
    "max_core = 0\n";
constexpr std::string_view kDaemonConfig =
    "log_level = 3\n"
    "log_outputs = \"3:stderr\"\n"
    "max_clients = 64\n"
    "admin_max_clients = 1\n";

// A guest that shows whether an accelerator works. mov al, 0xfe; out 0x64, al; hlt: it asks the keyboard controller
// for a reset at once.
std::string boot_sector() {
    std::string sector(512, '\0');
    sector.replace(0, 5, "\xb0\xfe\xe6\x64\xf4", 5);
    sector[510] = '\x55';
    sector[511] = '\xaa';
    return sector;
}

bool is_there(int directory, const std::string& path) {
    struct stat seen{};
    return ::fstatat(directory, path.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
}

void forget_work_files(int directory) {
    for (const char* each : {"log", "lock"}) ::unlinkat(directory, each, 0);
}

Answer<void> fill_up(int directory) {
    const UniqueFd file(
        ::openat(directory, ("data/" + kNewVolume).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!file || ::fstat(file.get(), &seen) != 0) return std::unexpected(os_failure("open a volume"));
    if (!S_ISREG(seen.st_mode) || seen.st_size > static_cast<off_t>(kVolumeBytes)) {
        return refuse(FailureCode::io, "a volume is larger than any can be");
    }
    if (::ftruncate(file.get(), kVolumeBytes) != 0) return std::unexpected(os_failure("fill a volume up"));
    return {};
}

Answer<void> make_owned(int directory, const std::string& name, uid_t uid, mode_t mode) {
    const Answer<UniqueFd> made = make_directory(directory, name, mode);
    if (!made) return std::unexpected(made.error());
    if (::fchown(made->get(), uid, uid) != 0) return std::unexpected(os_failure("give a directory to its uid"));
    return {};
}

}  // namespace

std::string Machines::program(const std::string& name) const {
    const auto found = programs_.find(name);
    return found == programs_.end() ? "" : found->second;
}

Launch Machines::launch_of(const std::string& name, int directory, uid_t uid) const {
    Launch plan;
    plan.directory = directory;
    plan.path = program(name);
    plan.program = name;
    plan.tag = name;
    plan.stage = name;
    plan.change_uid = true;
    plan.uid = uid;
    plan.gid = uid;
    return plan;
}

Network Machines::network(const std::string& id) const {
    return {{program("ip"), program("bridge")}, id, places_.bridge};
}

Answer<SeedData> Machines::seed(const Seed& seed) const {
    if (!rights_.isolation) {
        return refuse(FailureCode::unsupported, "machines take a helper that is root and has a range of uids");
    }
    if (seed.name == kDaemonSeed) {
        return [this](int directory, uid_t uid) { return make_home(directory, uid); };
    }
    if (program("qemu-img").empty()) {
        return refuse(FailureCode::unsupported, "qemu-img is not installed (apt-get install qemu-utils)");
    }
    return [this, seed](int directory, uid_t uid) { return make_disk(seed, directory, uid); };
}

// Its image is not opened for that: the size is the caller's word.
Answer<void> Machines::make_disk(const Seed& seed, int directory, uid_t uid) const {
    if (const Answer<void> made = make_owned(directory, "data", uid, 0700); !made) return made;
    Launch plan = launch_of("qemu-img", directory, uid);
    plan.args = {"create",
                 "-q",
                 "-f",
                 "qcow2",
                 "-u",
                 "-F",
                 "qcow2",
                 "-b",
                 fmt::format("{}/{}/disk.qcow2", kWorldImages, seed.image),
                 "disk.qcow2",
                 std::to_string(seed.disk_bytes)};
    const Answer<void> done = run_to_end(plan, kToolLimit, checkpoint_);
    if (!done) return refuse(done.error().code, "the machine's disk could not be made: " + done.error().message);
    forget_work_files(directory);
    if (::syncfs(directory) != 0) return std::unexpected(os_failure("sync a machine's disk"));
    return {};
}

Answer<void> Machines::make_home(int directory, uid_t uid) const {
    if (const Answer<void> made = make_owned(directory, "data", uid, 0700); !made) return made;
    for (const char* each : {"data/run", "data/share", "data/config", "data/config/libvirt", "data/cache",
                             "data/cache/libvirt", "data/cache/libvirt/qemu", "data/cache/libvirt/qemu/log"}) {
        if (const Answer<void> made = make_owned(directory, each, uid, 0700); !made) return made;
    }
    struct File {
        std::string directory;
        std::string name;
        std::string content;
    };
    for (const File& each : {File{"data/config/libvirt", "qemu.conf", std::string(kQemuConfig)},
                             File{"data/config/libvirt", "libvirtd.conf", std::string(kDaemonConfig)},
                             File{"data", "probe.img", boot_sector()}}) {
        const Answer<UniqueFd> place = open_directory(directory, each.directory);
        if (!place) return std::unexpected(place.error());
        const Answer<bool> written =
            replace_file(place->get(), each.name, each.content, {uid, uid, 0600}, Durability::content);
        if (!written) return std::unexpected(written.error());
    }
    return {};
}

std::vector<std::string> Machines::seed_of(int directory) {
    std::vector<std::string> files;
    if (is_there(directory, kSeeded)) return files;
    for (const std::string& each : kSeedFiles) {
        if (is_there(directory, each)) files.push_back(each);
    }
    return files;
}

Answer<bool> Machines::add_volume(int directory, uid_t uid) const {
    if (is_there(directory, "data/" + kVolume)) return true;
    if (is_there(directory, kSeeded)) return false;
    if (seed_of(directory).empty()) return add_blank_volume(directory, uid);
    if (program("genisoimage").empty()) {
        return refuse(FailureCode::unsupported, "genisoimage is not installed (apt-get install genisoimage)");
    }
    Launch plan = launch_of("genisoimage", directory, uid);
    plan.args = {"-quiet", "-V", "cidata", "-r", "-J", "-o", kNewVolume, "-graft-points"};
    for (const std::string& each : seed_of(directory)) plan.args.push_back(fmt::format("{0}=../{0}", each));
    const Answer<void> done = run_to_end(plan, kToolLimit, checkpoint_);
    if (!done) return refuse(done.error().code, "the machine's volume could not be made: " + done.error().message);
    if (const Answer<void> sized = fill_up(directory); !sized) return std::unexpected(sized.error());
    if (::renameat(directory, ("data/" + kNewVolume).c_str(), directory, ("data/" + kVolume).c_str()) != 0) {
        return std::unexpected(os_failure("put a volume in its place"));
    }
    checkpoint_("volume:made");
    return true;
}

// In its place a machine that begins with its state finds its own.
Answer<bool> Machines::add_blank_volume(int directory, uid_t uid) const {
    const Answer<UniqueFd> data = open_directory(directory, "data");
    if (!data) return std::unexpected(data.error());
    const Answer<bool> made =
        replace_file(data->get(), kVolume, std::string(kVolumeBytes, '\0'), {uid, uid, 0600}, Durability::none);
    if (!made) return std::unexpected(made.error());
    return true;
}

// What a machine that runs has open it keeps until it ends.
Answer<void> Machines::drop_volume(int directory) const {
    const Answer<bool> marked = replace_file(directory, kSeeded, "", {rights_.uid, ::getegid(), 0600});
    if (!marked) return std::unexpected(marked.error());
    checkpoint_("volume:marked");
    drop_wake_state(directory);
    for (const std::string& each : {"data/" + kVolume, "data/" + kNewVolume}) {
        ::unlinkat(directory, each.c_str(), 0);
    }
    for (const std::string& each : kSeedFiles) ::unlinkat(directory, each.c_str(), 0);
    return sync(directory, "a machine");
}

// They run no machine and listen to that daemon.
void Machines::end_probes(const std::string& name, const std::string& network) const {
    const std::string none = std::string("-machine") + '\0' + "none";
    const std::string monitor = std::string("-qmp") + '\0' + fmt::format("unix:{}/{}/", kWorldInstances, name);
    end_members(this->network(network).space_path(), [&](std::string_view line) {
        return line.find(none) != std::string_view::npos && line.find(monitor) != std::string_view::npos;
    });
}

void Machines::end_guest(const std::string& name, const std::string& network) const {
    const std::string named = std::string("-name") + '\0' + fmt::format("guest={},", name);
    end_members(this->network(network).space_path(),
                [&](std::string_view line) { return line.find(named) != std::string_view::npos; });
}

Answer<UniqueFd> Machines::listen(const std::string& name, int directory) const {
    const std::string path = fmt::format("{}/{}/socket", places_.root, name);
    ::unlinkat(directory, "socket", 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return refuse(FailureCode::invalid, "the path of the daemon's socket is too long");
    }
    path.copy(address.sun_path, path.size());
    const UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made || ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::fchmodat(directory, "socket", 0600, 0) != 0 ||
        ::fchownat(directory, "socket", places_.broker, static_cast<gid_t>(-1), 0) != 0 ||
        ::listen(made.get(), 16) != 0) {
        return std::unexpected(os_failure("listen for the daemon"));
    }
    UniqueFd moved(::fcntl(made.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
    if (!moved) return std::unexpected(os_failure("keep the daemon's socket"));
    return moved;
}

Answer<Launch> Machines::daemon(const std::string& name, int directory, uid_t uid, const std::string& network,
                                bool kvm) const {
    for (const auto& [needed, package] :
         {std::pair{"libvirtd", "libvirt-daemon"}, std::pair{"qemu-system-x86_64", "qemu-system-x86"}}) {
        if (program(needed).empty()) {
            return refuse(FailureCode::unsupported,
                          fmt::format("{} is not installed (apt-get install {})", needed, package));
        }
    }
    Launch plan = launch_of("libvirtd", directory, uid);
    const std::string home = fmt::format("{}/{}/data", kWorldInstances, name);
    plan.args = {"-f", home + "/config/libvirt/libvirtd.conf"};
    plan.variables = {"HOME=" + home, "XDG_RUNTIME_DIR=" + home + "/run", "XDG_CONFIG_HOME=" + home + "/config",
                      "XDG_CACHE_HOME=" + home + "/cache", "XDG_DATA_HOME=" + home + "/share"};
    const World world{this->network(network).space_path(), places_.root, places_.images, uid, kvm};
    plan.enter = [world] { return enter_world(world); };
    plan.listener_name = "libvirtd.socket";
    return plan;
}

}  // namespace slipway::agent
