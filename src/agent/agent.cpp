#include "agent/agent.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/container_run.h"
#include "agent/server.h"
#include "base/log.h"

namespace slipway::agent {
namespace {

constexpr int kExclusiveWait = 5000;  // milliseconds for the helper before this one to end

struct Options {
    std::string root;
    std::string images;
    std::string bridge;
    Door door;
    uid_t uid_first = 0;
    uid_t uid_last = 0;
    uid_t container_uids = kContainerUids;
};

constexpr std::string_view kHelp =
    "Usage: slipway agent --root DIR (--fd N | --socket PATH (--allow-uid UID | --allow-user NAME))\n"
    "                     [--images DIR] [--bridge NAME] [--uid-first N --uid-last N] [--container-uids N]\n\n"
    "The helper that starts engines for a server, which starts one by itself. As root and a service of its own\n"
    "(local.helper_socket) it gives every engine a uid, and the server needs no rights.\n\n"
    "Options:\n"
    "  --root DIR                where instances are kept; the directory above it must exist\n"
    "  --images DIR              where the images of machines are; they get their network and their own daemon "
    "then\n"
    "  --bridge NAME             the one bridge of this host that machines may be joined to\n"
    "  --fd N                    serve the connection that is open as this number\n"
    "  --socket PATH             listen there\n"
    "  --allow-uid UID           whom to serve there; nobody else\n"
    "  --allow-user NAME         the same by name\n"
    "  --uid-first N, --uid-last N\n"
    "                            uids that engines get (as root)\n"
    "  --container-uids N        the first of the uids that containers' own stand for: 65536 for each address\n"
    "  -h, --help                print this help\n";

bool asks_for_help(std::span<char*> words) {
    return std::ranges::any_of(words.subspan(std::min<std::size_t>(words.size(), 2)),
                               [](std::string_view word) { return word == "--help" || word == "-h"; });
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (value > static_cast<std::uint32_t>(std::numeric_limits<int>::max())) return std::nullopt;
    return value;
}

bool set_option(Options& options, std::string_view name, std::string_view text) {
    if (name == "--root") {
        options.root = text;
        return !text.empty();
    }
    if (name == "--images") {
        options.images = text;
        return text.starts_with('/');
    }
    if (name == "--bridge") {
        options.bridge = text;
        return valid_device(text);
    }
    if (name == "--socket") {
        options.door.listen = text;
        return !text.empty();
    }
    if (name == "--allow-user") {
        // By name, because a package cannot know the number that a machine gives.
        const passwd* user = ::getpwnam(std::string(text).c_str());
        if (user != nullptr) options.door.allowed_uid = user->pw_uid;
        return user != nullptr;
    }
    const std::optional<std::uint32_t> value = number(text);
    if (!value) return false;
    if (name == "--fd")
        options.door.connection = static_cast<int>(*value);
    else if (name == "--allow-uid")
        options.door.allowed_uid = *value;
    else if (name == "--uid-first")
        options.uid_first = *value;
    else if (name == "--uid-last")
        options.uid_last = *value;
    else if (name == "--container-uids")
        options.container_uids = *value;
    else
        return false;
    return true;
}

std::optional<Options> parse(std::span<char*> words) {
    Options options;
    for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
        if (!set_option(options, words[i], words[i + 1])) return std::nullopt;
    }
    const bool one_door = (options.door.connection >= 0) != !options.door.listen.empty();
    if (words.size() % 2 != 0 || options.root.empty() || !one_door) return std::nullopt;
    return options;
}

// Resolved once, from fixed places: whoever asks later cannot choose.
std::string find_program(const std::string& name) {
    for (const std::string_view place :
         {"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"}) {
        const std::string path = fmt::format("{}/{}", place, name);
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

// Debian keeps each version of PostgreSQL in a directory of its own: the newest.
std::string find_postgres() {
    const Answer<UniqueFd> versions = open_directory(AT_FDCWD, "/usr/lib/postgresql");
    std::uint32_t newest = 0;
    std::string found = find_program("postgres");
    if (!versions) return found;
    for (const std::string& each : list_names(versions->get())) {
        const std::string path = fmt::format("/usr/lib/postgresql/{}/bin/postgres", each);
        const std::uint32_t version = number(each).value_or(0);
        if (version <= newest || ::access(path.c_str(), X_OK) != 0) continue;
        newest = version;
        found = path;
    }
    return found;
}

}  // namespace

int run(int argc, char** argv) {
    return run(argc, argv, [](std::string_view) {});
}

int run(int argc, char** argv, const Checkpoint& checkpoint) {
    const std::span words(argv, static_cast<std::size_t>(argc));
    if (words.size() > 2 && std::string_view(words[2]) == "--container") return run_container();
    if (asks_for_help(words)) {
        std::fwrite(kHelp.data(), 1, kHelp.size(), stdout);
        return 0;
    }
    const std::optional<Options> options = parse(words);
    if (!options) {
        log::error("agent",
                   "usage: agent --root DIR (--fd N | --socket PATH (--allow-uid UID | --allow-user NAME)) "
                   "[--images DIR] [--bridge NAME] [--uid-first N --uid-last N] [--container-uids N]");
        return 2;
    }
    ::signal(SIGCHLD, SIG_IGN);  // children are reaped by the kernel
    ::signal(SIGPIPE, SIG_IGN);
    ::umask(077);
    if (options->door.connection >= 0) {
        ::fcntl(options->door.connection, F_SETFD, FD_CLOEXEC);
        // Nothing that the broker left open may live on in here.
        if (options->door.connection == 3) ::close_range(4, ~0U, 0);
    }
    Rights rights;
    rights.uid = ::geteuid();
    rights.isolation = rights.uid == 0 && options->uid_first > 0 && options->uid_first <= options->uid_last;
    rights.uid_first = options->uid_first;
    rights.uid_last = options->uid_last;
    Answer<Instances> instances = Instances::open(options->root, rights, kExclusiveWait, checkpoint);
    if (!instances) {
        log::error("agent", "cannot use the root", {{"root", options->root}, {"why", instances.error().message}});
        return 1;
    }
    std::map<std::string, std::string> programs;
    for (const std::string name : {"redis-server", "memcached", "mariadbd", "libvirtd", "qemu-system-x86_64",
                                   "qemu-img", "genisoimage", "ip", "bridge", "mke2fs", "tar"}) {
        programs[name] = find_program(name);
    }
    programs["postgres"] = find_postgres();
    std::error_code ignored;
    const std::filesystem::path root = std::filesystem::canonical(options->root, ignored);
    const uid_t broker = options->door.connection >= 0 ? rights.uid : options->door.allowed_uid;
    Handler handler(std::move(*instances), std::move(programs),
                    {root.string(), options->images, broker, options->container_uids, options->bridge}, checkpoint);
    return serve(handler, options->door);
}

}  // namespace slipway::agent
