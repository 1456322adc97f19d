// What the broker and its helper say to each other: one JSON object per SOCK_SEQPACKET message.
//
//   request  {"id": 7, "verb": "status", …}
//   answer   {"id": 7, …}  or  {"id": 7, "error": {"code": "gone", "message": "…"}}
//
// The protocol is narrow on purpose: the helper may be root while the broker is not, so it takes nothing on trust.
// It carries no secret but what is typed at a console: configurations and logins hold hashes and verifiers only.
//
//   create_instance  {"name", "meta", "files", "start_follows", "template"?, "logins"?}
//     With "template" ("postgres", "mariadb") an instance that is made now begins with a copy of that program's
//     data directory, which the helper itself made once. "logins" goes with "postgres": {"management": VERIFIER,
//     "user": NAME, "password": VERIFIER}. No SQL comes from outside: the helper writes the statements.
//     With "template": "machine" the data are a disk on an image: "disk": {"image": DIRECTORY, "bytes": N};
//     with "container" a disk of its own, over the image's files. With "from": TEMPLATE in "disk" it begins as that
//     of a frozen template of machines (warm.h), of the same image. "machines" is the daemon that runs them.
//   start_machines   {"name", "tag", "network": ID, "kvm"}: the daemon; its socket is <root>/<name>/socket
//   add_volume       {"name", INSTALLATION…}  ->  {"volume"}; drop_volume: the machine has read it
//   network_up       {"network": ID, "subnet": "10.213.0.0/24", "bridge"?}; network_down {"network": ID}
//     "bridge" is the one of the host's that the helper was told of at its start, and no other.
//   add_tap          {"network", "address", "mac", "uid"}; remove_tap {"network", "address"}; taps {"network"}
//   end_guest        {"name", INSTALLATION…, "network"}: kills the virtual machine, also one that hangs
//   look_at_template {"name"}  ->  {"waits", "frozen"}; freeze_template {"name", INSTALLATION…} (warm.h)
//   wake_machine     {"name", INSTALLATION…, "template": NAME, "description": XML}  ->  {"ready", "first", "why"}
//   check_containers {}: unsupported where this host cannot run any, with what is missing
//   start_container  {"name", INSTALLATION…, "tag", "network", "subnet", "gateway", "address", "mac", "cpus",
//     "memory", "init"}
//   halt_container   {"name", INSTALLATION…, "init"}: asks it to end
//   end_container    {"name", INSTALLATION…, "network"}: ends it at once, with whatever an earlier one left
//   read_console     {"name", INSTALLATION…, "after": PLACE or "tail": N}
//     ->  {"bytes": BASE64, "next": PLACE, "lost", "more"}
//   type_at_console  {"name", INSTALLATION…, "bytes": BASE64}
//     ->  {"typed": "taken", "off" or "unread"}
//   signal           {"name", "pid", "start_time", "signal": "terminate" | "interrupt" | "kill"}
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "agent/process.h"
#include "base/json.h"

namespace slipway::agent {

inline constexpr int kProtocolVersion = 5;
inline constexpr std::size_t kMaxMessage = 64 * 1024;  // bytes, either way
inline constexpr std::size_t kMaxFile = 32 * 1024;     // bytes of one written file
inline constexpr std::size_t kMaxMeta = 4 * 1024;      // bytes of meta.json
inline constexpr std::size_t kMaxArguments = 32;
inline constexpr std::size_t kMaxArgument = 256;  // bytes
inline constexpr std::size_t kMaxTag = 128;       // bytes
inline constexpr std::size_t kMaxLogTail = 4 * 1024;
inline constexpr std::size_t kMaxConsolePart = 32 * 1024;        // bytes of a console in one answer
inline constexpr std::size_t kMaxTyped = 4 * 1024;               // bytes that are typed at once
inline constexpr std::size_t kMaxVerifier = 200;                 // bytes
inline constexpr std::int64_t kMaxDisk = std::int64_t{1} << 46;  // bytes of a machine's disk
inline constexpr std::size_t kMaxDescription = 32 * 1024;        // bytes of a machine's, in libvirt's XML
inline constexpr std::size_t kMaxRole = 32;  // bytes of a login's name: MySQL has no longer ones

// Where a program that asks for paths finds its data directory and the directory that holds it: by descriptors that
// stay open in it, because its uid may have no way through the directories above the root.
inline constexpr std::string_view kDataPath = "/proc/self/fd/5";
inline constexpr std::string_view kInstancePath = "/proc/self/fd/6";
// The administrator that a database server's template comes with, and whose name nobody else gets.
inline constexpr std::string_view kManagementRole = "slipway";

enum class FailureCode : std::uint8_t {
    invalid,      // the request broke a rule: nothing happened
    absent,       // no such instance
    foreign,      // the name belongs to something else: nothing happened
    gone,         // this name and generation was removed before: nothing happened
    busy,         // refused because a process of the instance lives: nothing happened
    unsupported,  // a program or right that is needed is not there: nothing happened
    io,           // the operating system refused; a part may have been done, doing it again is safe
    unavailable,  // the helper could not be reached: nothing happened
    unknown,      // the answer was lost or late: it may have happened
};
std::string_view to_string(FailureCode code);
std::optional<FailureCode> parse_failure_code(std::string_view text);

struct Failure {
    FailureCode code = FailureCode::io;
    std::string message;  // public: names no path but those beneath the root
};
template <class T>
using Answer = std::expected<T, Failure>;

inline std::unexpected<Failure> refuse(FailureCode code, std::string message) {
    return std::unexpected(Failure{code, std::move(message)});
}

// The uids at the end of the range that no instance of an engine gets: the last makes templates, machines run as
// the one that lies kMachinesUid before it, and nobody runs as the one that the directories of containers belong
// to.
inline constexpr uid_t kMachinesUid = 1;
inline constexpr uid_t kContainersUid = 2;
inline constexpr uid_t kReservedUids = 3;

// Where nobody says otherwise: a multiple of what each container gets, above what systems give to people and
// services, and below what is taken for negative somewhere for as many containers as a subnet of /18 has.
inline constexpr uid_t kContainerUids = 0x4000'0000;

struct Hello {
    int version = 0;
    bool isolation = false;  // every instance gets a uid of its own
    uid_t uid = 0;           // the helper's own
    uid_t uid_first = 0;     // with isolation: the uids that may be given
    uid_t uid_last = 0;
    std::map<std::string, std::string> programs;  // name -> path, or "" where it is not installed
    std::string root;                             // of the instances, absolute
    std::string images;                           // of machines, absolute; empty: it was told of none
};

// Whose instance it is; part of meta.json. All three must match before anything is changed.
struct Identity {
    std::string installation;
    std::string resource;
    std::uint64_t generation = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
};
// Empty where `meta` lacks a part of it.
std::optional<Identity> identity_of(const json::object& meta);

struct FileContent {
    std::string file;
    std::string content;
};

// Seeds of machines (machines.h).
inline constexpr std::string_view kMachineSeed = "machine";
inline constexpr std::string_view kDaemonSeed = "machines";
inline constexpr std::string_view kContainerSeedName = "container";

// What an instance's data directory begins with.
struct Seed {
    // Of the template: "postgres", "mariadb", kMachineSeed, kDaemonSeed, kContainerSeedName; empty: an empty
    // directory.
    std::string name;
    std::string management_verifier;  // of kManagementRole; "postgres" only, like the others
    std::string user;                 // a login that may make databases and roles, but is no superuser
    std::string user_verifier;
    std::string image = {};        // of machines: the directory of the image
    std::uint64_t disk_bytes = 0;  // and the size of its disk
    std::string from = {};         // of virtual ones: the template that it is taken from, or ""
};

// Templates of virtual machines (warm.h): of their meta.json's "kind"; and in the data directory, where the daemon
// saves one, and what it restores a machine from.
inline constexpr std::string_view kTemplateKind = "machine-template";
inline constexpr std::string_view kSavedState = "saved.state";
inline constexpr std::string_view kWakeState = "wake.state";

struct TemplateLook {
    bool waits = false;   // it runs, and may be frozen
    bool frozen = false;  // it is whole, and machines can be made of it
};

struct WakeRequest {
    std::string name;
    Identity identity;
    std::string from;         // the template that its disk was taken from
    std::string description;  // libvirt's XML
};

struct Wake {
    bool ready = false;  // there is a kWakeState; else it has to be started
    bool first = false;  // it was never started before; where it is not ready all the same, `why`
    std::string why;
};

struct StartRequest {
    std::string name;
    std::string program;
    std::vector<std::string> args;
    std::string stdin_file;        // a file of the instance, or "" for none
    std::string tag;               // kept with the process, to tell later what it was started with
    std::uint64_t open_files = 0;  // RLIMIT_NOFILE; 0: as it is
    std::uint64_t file_size = 0;   // RLIMIT_FSIZE in bytes; 0: as it is. Beyond it a write fails; nothing is killed
    std::uint64_t memory = 0;      // RLIMIT_DATA in bytes; 0: as it is
};

// The connection of one machine to its network.
struct TapRequest {
    std::string network;
    std::string address;
    std::string mac;
    uid_t uid = 0;  // who may open it
};

struct Started {
    Process process;
    std::string tag;       // of the process, which may have been running before
    bool already = false;  // it was running before
};

// What a container's first process is, and so how it is told to end.
enum class Init : std::uint8_t { busybox, systemd };
std::string_view to_string(Init init);
std::optional<Init> parse_init(std::string_view text);

struct ContainerRequest {
    std::string name;
    Identity identity;
    std::string tag;
    std::string network;
    std::string subnet;
    std::string gateway;
    std::string address;
    std::string mac;
    std::int64_t cpus = 1;
    std::int64_t memory = 0;  // bytes
    Init init = Init::busybox;
};

// A place in what a console printed: in which file, and the offset there.
struct ConsolePlace {
    std::string mark;  // 16 hexadecimal digits; kNoMark: before anything was printed
    std::uint64_t offset = 0;
};
inline constexpr std::string_view kNoMark = "0000000000000000";

struct ConsoleWish {
    std::string after = {};  // a place that was answered before ("MARK-OFFSET"); empty: the end
    std::uint64_t tail = 0;  // bytes of that end
};

struct ConsolePart {
    std::string bytes;  // as they were printed: anything
    std::string next;   // the place after them
    bool lost = false;  // something between the place that was asked for and these is kept no longer
    bool more = false;  // there is more after them
};

// What became of what was typed.
enum class Typed : std::uint8_t {
    taken,   // the console has it
    off,     // the machine does not run: nothing was typed
    unread,  // the machine, or whoever else is attached, does not read what was typed before: nothing was typed
};
std::string_view to_string(Typed typed);
std::optional<Typed> parse_typed(std::string_view text);

// Bytes: with less an engine cannot be relied on to write anything.
inline constexpr std::uint64_t kNoRoom = 1024UL * 1024;

struct InstanceStatus {
    std::string name;
    bool exists = false;
    std::string damage;  // why it cannot be said whose it is; empty: `meta` is whole
    json::object meta;
    bool held = false;               // a process of it lives (its lock is held)
    std::optional<Process> process;  // the main one, where it could be told
    std::string tag;                 // what that was started with
    bool full = false;               // its file system has next to no room (kNoRoom)
};

struct ListPage {
    std::vector<InstanceStatus> instances;
    std::string next;  // pass as `after`; empty: no more
};

enum class Signal : std::uint8_t { terminate, interrupt, kill };
std::string_view to_string(Signal signal);
std::optional<Signal> parse_signal(std::string_view text);

json::object to_json(const Hello& hello);
Hello hello_from_json(const json::object& from);
json::object to_json(const InstanceStatus& status);
InstanceStatus status_from_json(const json::object& from);
json::object to_json(const Started& started);
Started started_from_json(const json::object& from);
json::object to_json(const StartRequest& request);
json::object to_json(const Identity& identity);
json::object to_json(const ContainerRequest& request);
// Adds "template" and "logins" to a request.
void add_seed(json::object& request, const Seed& seed);
Answer<Seed> seed_of(const json::object& request);
// {"pid", "start_time"}; nothing where that names no process.
std::optional<Process> process_of(const json::object& from);

// The rules for what a request may name.
bool valid_name(std::string_view name);  // [a-z0-9]([a-z0-9-]{0,62}), not ending in '-'
bool valid_file(std::string_view file);  // [a-z0-9][a-z0-9._-]{0,63}, none of the helper's own
bool valid_argument(std::string_view argument);
bool valid_tag(std::string_view tag);    // an argument of at most kMaxTag bytes
bool valid_role(std::string_view role);  // [A-Za-z_][A-Za-z0-9_-]{0,31}, not "slipway", "public", "none" or "pg_…"
bool valid_image(std::string_view image);        // [a-z0-9][a-z0-9._@-]{0,127}
bool valid_network(std::string_view id);         // [0-9a-f]{8}
bool valid_device(std::string_view name);        // of the network: [A-Za-z0-9_.-]{1,15}, not beginning with . or -
bool valid_mac(std::string_view mac);            // xx:xx:xx:xx:xx:xx, of one machine and locally administered
bool valid_verifier(std::string_view verifier);  // SCRAM-SHA-256$[A-Za-z0-9+/=$:]{1,186}

}  // namespace slipway::agent
