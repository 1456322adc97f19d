#include "machine.h"

#include <csignal>
#include <fstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fd.h"
#include "base/spawn_parts.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;

const std::string kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// One that nobody listens on just now.
std::uint16_t free_port() {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
    return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace

Said run_to_end(std::vector<std::string> words, std::vector<std::string> environment, std::chrono::seconds limit) {
    environment.push_back(kPath);
    Said said;
    Streams streams;
    streams.take = [&](std::string_view piece) {
        said.out += piece;
        return true;
    };
    const StopSign stop;
    words.insert(words.begin(), "/usr/bin/env");
    Ended ended = run_program({std::move(words), std::move(environment), "", Secret()}, streams, stop,
                              std::chrono::steady_clock::now() + limit);
    said.status = ended.how == Ended::How::exited ? ended.status : -1;
    said.err = std::move(ended.complaints);
    return said;
}

bool eventually(const std::function<bool()>& so, std::chrono::seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!so()) {
        if (std::chrono::steady_clock::now() > end) return false;
        ::poll(nullptr, 0, 50);
    }
    return true;
}

Machine::Machine(images::Image image, fs::path place) : image_(std::move(image)), place_(std::move(place)) {
    fs::create_directories(place_);
    const Said made = run_to_end({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                                  image_.path_of(image_.disk), place_ / "disk.qcow2", "256M"});
    if (made.status != 0) throw std::runtime_error("no disk: " + made.err);
    const fs::path askpass = place_ / "askpass";
    std::ofstream(askpass) << "#!/bin/sh\nprintf '%s\\n' \"$PASSWORD\"\n";
    fs::permissions(askpass, fs::perms::owner_all);
}

Machine::~Machine() { kill(); }

void Machine::start(const std::vector<std::pair<std::string, std::string>>& volume) {
    port_ = free_port();
    fs::remove(place_ / "console");
    std::vector<std::string> words{"qemu-system-x86_64",
                                   "-accel",
                                   "tcg",
                                   "-machine",
                                   "q35",
                                   "-m",
                                   "128",
                                   "-nodefaults",
                                   "-no-user-config",
                                   "-display",
                                   "none",
                                   "-kernel",
                                   image_.path_of(image_.boot->kernel),
                                   "-initrd",
                                   image_.path_of(image_.boot->initrd),
                                   "-append",
                                   image_.cmdline,
                                   "-drive",
                                   fmt::format("file={},if=virtio,format=qcow2", (place_ / "disk.qcow2").string()),
                                   "-netdev",
                                   fmt::format("user,id=net,hostfwd=tcp:127.0.0.1:{}-:22", port_),
                                   "-device",
                                   "virtio-net-pci,netdev=net,mac=52:54:00:00:00:0a",
                                   "-device",
                                   "virtio-rng-pci",
                                   "-serial",
                                   "file:" + (place_ / "console").string(),
                                   "-qmp",
                                   fmt::format("unix:{},server,nowait", (place_ / "qmp").string())};
    if (!volume.empty()) {
        fs::remove_all(place_ / "volume");
        fs::create_directory(place_ / "volume");
        for (const auto& [name, content] : volume) std::ofstream(place_ / "volume" / name) << content;
        const Said made = run_to_end(
            {"genisoimage", "-quiet", "-V", "cidata", "-J", "-R", "-o", place_ / "volume.iso", place_ / "volume"});
        if (made.status != 0) throw std::runtime_error("no volume: " + made.err);
        words.insert(words.end(), {"-drive", fmt::format("file={},if=virtio,format=raw,readonly=on",
                                                         (place_ / "volume.iso").string())});
    }
    SpawnParts with;
    const std::string log = place_ / "qemu.log";
    ::posix_spawn_file_actions_addopen(&with.actions_, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&with.actions_, STDOUT_FILENO, STDERR_FILENO);
    std::vector<std::string> variables{kPath};
    if (::posix_spawnp(&pid_, words[0].c_str(), &with.actions_, &with.attributes_, pointers(words).data(),
                       pointers(variables).data()) != 0) {
        throw std::runtime_error("qemu-system-x86_64 cannot be started");
    }
}

bool Machine::ended() {
    if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
}

void Machine::kill() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

bool Machine::press_power_button() {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (place_ / "qmp").string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
    const std::string commands = "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"system_powerdown\"}\n";
    if (::write(socket.get(), commands.data(), commands.size()) != static_cast<ssize_t>(commands.size()))
        return false;
    return eventually([&] { return ended(); }, std::chrono::seconds(30));
}

std::string Machine::console() const { return text_of(place_ / "console"); }
std::string Machine::known_hosts() const { return text_of(place_ / "known_hosts"); }

bool Machine::console_says(const std::string& text) const {
    return eventually([&] { return console().contains(text); });
}

Said Machine::ssh(const std::string& login, const std::string& password, const std::string& command) const {
    Said said;
    // The server begins to listen when everything else is done. Until then QEMU takes connections and closes them.
    eventually([&] {
        fs::remove(place_ / "known_hosts");
        said = run_to_end(
            {"ssh",
             "-F",
             "none",
             "-p",
             std::to_string(port_),
             "-o",
             "StrictHostKeyChecking=no",
             "-o",
             "UserKnownHostsFile=" + (place_ / "known_hosts").string(),
             "-o",
             "HashKnownHosts=no",
             "-o",
             "LogLevel=ERROR",
             "-o",
             "NumberOfPasswordPrompts=1",
             "-o",
             "PubkeyAuthentication=no",
             "-o",
             "ConnectTimeout=20",
             login + "@127.0.0.1",
             command},
            {"SSH_ASKPASS=" + (place_ / "askpass").string(), "SSH_ASKPASS_REQUIRE=force", "PASSWORD=" + password});
        return !said.err.contains("reset by peer") && !said.err.contains("timed out") &&
               !said.err.contains("kex_exchange_identification");
    });
    return said;
}

}  // namespace slipway::testing
