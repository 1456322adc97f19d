#include "agent/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::agent {
namespace {

struct CodeName {
    FailureCode code;
    std::string_view name;
};
constexpr std::array<CodeName, 9> kCodes{{{FailureCode::invalid, "invalid"},
                                          {FailureCode::absent, "absent"},
                                          {FailureCode::foreign, "foreign"},
                                          {FailureCode::gone, "gone"},
                                          {FailureCode::busy, "busy"},
                                          {FailureCode::unsupported, "unsupported"},
                                          {FailureCode::io, "io"},
                                          {FailureCode::unavailable, "unavailable"},
                                          {FailureCode::unknown, "unknown"}}};

struct SignalName {
    Signal signal;
    std::string_view name;
};
constexpr std::array<SignalName, 3> kSignals{
    {{Signal::terminate, "terminate"}, {Signal::interrupt, "interrupt"}, {Signal::kill, "kill"}}};

struct TypedName {
    Typed typed;
    std::string_view name;
};
constexpr std::array<TypedName, 3> kTyped{
    {{Typed::taken, "taken"}, {Typed::off, "off"}, {Typed::unread, "unread"}}};

constexpr std::string_view kVerifierStart = "SCRAM-SHA-256$";

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

json::object process_json(const Process& process) {
    return {{"pid", process.pid}, {"start_time", process.start_time}};
}

std::optional<Process> process_from(const json::object& from) {
    const json::value* found = from.if_contains("process");
    return found != nullptr && found->is_object() ? process_of(found->as_object()) : std::nullopt;
}

// A number that does not fit is none: cut off it would be another one.
uid_t uid_from(const json::object& from, std::string_view key) {
    const std::int64_t number = json::get_int(from, key);
    return std::in_range<uid_t>(number) ? static_cast<uid_t>(number) : 0;
}

}  // namespace

std::optional<Process> process_of(const json::object& from) {
    const std::int64_t pid = json::get_int(from, "pid");
    const std::int64_t start_time = json::get_int(from, "start_time", -1);
    if (!std::in_range<pid_t>(pid) || pid < 1 || start_time < 0) return std::nullopt;
    return Process{static_cast<pid_t>(pid), static_cast<std::uint64_t>(start_time)};
}

std::string_view to_string(FailureCode code) {
    for (const CodeName& each : kCodes) {
        if (each.code == code) return each.name;
    }
    return "io";
}

std::optional<FailureCode> parse_failure_code(std::string_view text) {
    for (const CodeName& each : kCodes) {
        if (each.name == text) return each.code;
    }
    return std::nullopt;
}

std::string_view to_string(Typed typed) {
    for (const TypedName& each : kTyped) {
        if (each.typed == typed) return each.name;
    }
    return "off";
}

std::optional<Typed> parse_typed(std::string_view text) {
    for (const TypedName& each : kTyped) {
        if (each.name == text) return each.typed;
    }
    return std::nullopt;
}

std::string_view to_string(Signal signal) {
    for (const SignalName& each : kSignals) {
        if (each.signal == signal) return each.name;
    }
    return "terminate";
}

std::optional<Signal> parse_signal(std::string_view text) {
    for (const SignalName& each : kSignals) {
        if (each.name == text) return each.signal;
    }
    return std::nullopt;
}

std::string_view to_string(Init init) {
    switch (init) {
        case Init::busybox: return "busybox";
        case Init::systemd: return "systemd";
    }
    return "busybox";
}

std::optional<Init> parse_init(std::string_view text) {
    for (const Init each : {Init::busybox, Init::systemd}) {
        if (to_string(each) == text) return each;
    }
    return std::nullopt;
}

std::optional<Identity> identity_of(const json::object& meta) {
    Identity identity{json::get_string(meta, "installation"), json::get_string(meta, "resource"), 0};
    const std::int64_t generation = json::get_int(meta, "generation");
    if (identity.installation.empty() || identity.resource.empty() || generation < 1) return std::nullopt;
    identity.generation = static_cast<std::uint64_t>(generation);
    return identity;
}

json::object to_json(const Hello& hello) {
    json::object programs;
    for (const auto& [name, path] : hello.programs) programs[name] = path;
    return {{"version", hello.version},     {"isolation", hello.isolation}, {"uid", hello.uid},
            {"uid_first", hello.uid_first}, {"uid_last", hello.uid_last},   {"programs", programs},
            {"root", hello.root},           {"images", hello.images}};
}

Hello hello_from_json(const json::object& from) {
    Hello hello;
    const std::int64_t version = json::get_int(from, "version");
    hello.version = std::in_range<int>(version) ? static_cast<int>(version) : 0;
    hello.isolation = json::get_bool(from, "isolation");
    hello.uid = uid_from(from, "uid");
    hello.uid_first = uid_from(from, "uid_first");
    hello.uid_last = uid_from(from, "uid_last");
    hello.root = json::get_string(from, "root");
    hello.images = json::get_string(from, "images");
    if (const json::value* programs = from.if_contains("programs"); programs != nullptr && programs->is_object()) {
        for (const auto& [name, path] : programs->as_object()) {
            if (path.is_string()) hello.programs[std::string(name)] = std::string(path.as_string());
        }
    }
    return hello;
}

json::object to_json(const InstanceStatus& status) {
    json::object object{{"name", status.name}, {"exists", status.exists}, {"held", status.held}};
    if (!status.damage.empty()) object["damage"] = status.damage;
    if (!status.meta.empty()) object["meta"] = status.meta;
    if (status.process) object["process"] = process_json(*status.process);
    if (!status.tag.empty()) object["tag"] = status.tag;
    if (status.full) object["full"] = true;
    return object;
}

InstanceStatus status_from_json(const json::object& from) {
    InstanceStatus status;
    status.name = json::get_string(from, "name");
    status.exists = json::get_bool(from, "exists");
    status.damage = json::get_string(from, "damage");
    if (const json::value* meta = from.if_contains("meta"); meta != nullptr && meta->is_object()) {
        status.meta = meta->as_object();
    }
    status.held = json::get_bool(from, "held");
    status.process = process_from(from);
    status.tag = json::get_string(from, "tag");
    status.full = json::get_bool(from, "full");
    return status;
}

json::object to_json(const Started& started) {
    return {{"process", process_json(started.process)}, {"tag", started.tag}, {"already", started.already}};
}

Started started_from_json(const json::object& from) {
    return {process_from(from).value_or(Process{}), json::get_string(from, "tag"), json::get_bool(from, "already")};
}

json::object to_json(const StartRequest& request) {
    json::array args;
    for (const std::string& each : request.args) args.emplace_back(each);
    return {{"name", request.name},           {"program", request.program}, {"args", args},
            {"stdin", request.stdin_file},    {"tag", request.tag},         {"open_files", request.open_files},
            {"file_size", request.file_size}, {"memory", request.memory}};
}

json::object to_json(const Identity& identity) {
    return {{"installation", identity.installation},
            {"resource", identity.resource},
            {"generation", identity.generation}};
}

json::object to_json(const ContainerRequest& request) {
    json::object object = to_json(request.identity);
    for (const auto& [key, value] : {std::pair{"name", request.name},
                                     {"tag", request.tag},
                                     {"network", request.network},
                                     {"subnet", request.subnet},
                                     {"gateway", request.gateway},
                                     {"address", request.address},
                                     {"mac", request.mac}}) {
        object[key] = value;
    }
    object["cpus"] = request.cpus;
    object["memory"] = request.memory;
    object["init"] = to_string(request.init);
    return object;
}

void add_seed(json::object& request, const Seed& seed) {
    if (seed.name.empty()) return;
    request["template"] = seed.name;
    if (!seed.image.empty()) {
        json::object disk{{"image", seed.image}, {"bytes", seed.disk_bytes}};
        if (!seed.from.empty()) disk["from"] = seed.from;
        request["disk"] = std::move(disk);
    }
    if (seed.user.empty()) return;
    request["logins"] = json::object{
        {"management", seed.management_verifier}, {"user", seed.user}, {"password", seed.user_verifier}};
}

namespace {

constexpr std::array<std::string_view, 5> kSeeds{"postgres", "mariadb", kMachineSeed, kDaemonSeed,
                                                 kContainerSeedName};

Answer<void> read_disk(const json::object& request, Seed& seed) {
    const json::value* disk = request.if_contains("disk");
    const bool takes_one = seed.name == kMachineSeed || seed.name == kContainerSeedName;
    if (takes_one != (disk != nullptr)) {
        return refuse(FailureCode::invalid,
                      "a disk goes with the templates machine and container, and with no other");
    }
    if (disk == nullptr) return {};
    if (!disk->is_object()) return refuse(FailureCode::invalid, "disk must be an object");
    seed.image = json::get_string(disk->as_object(), "image");
    const std::int64_t bytes = json::get_int(disk->as_object(), "bytes");
    if (!valid_image(seed.image)) return refuse(FailureCode::invalid, "this is no image's name");
    if (bytes < 1 || bytes > kMaxDisk) return refuse(FailureCode::invalid, "the disk's size is out of range");
    seed.disk_bytes = static_cast<std::uint64_t>(bytes);
    if (!disk->as_object().contains("from")) return {};
    seed.from = json::get_string(disk->as_object(), "from");
    if (!valid_name(seed.from) || seed.name != kMachineSeed) {
        return refuse(FailureCode::invalid, "from names a template of virtual machines");
    }
    return {};
}

}  // namespace

Answer<Seed> seed_of(const json::object& request) {
    Seed seed;
    const json::value* logins = request.if_contains("logins");
    if (const json::value* name = request.if_contains("template"); name != nullptr) {
        if (name->is_string()) seed.name = std::string(name->as_string());
        if (std::ranges::find(kSeeds, seed.name) == kSeeds.end()) {
            return refuse(FailureCode::invalid, "there is no such template");
        }
    }
    if (const Answer<void> read = read_disk(request, seed); !read) return std::unexpected(read.error());
    if ((seed.name == "postgres") != (logins != nullptr)) {
        return refuse(FailureCode::invalid, "logins go with the template postgres, and with no other");
    }
    if (logins == nullptr) return seed;
    if (!logins->is_object()) return refuse(FailureCode::invalid, "logins must be an object");
    seed.management_verifier = json::get_string(logins->as_object(), "management");
    seed.user = json::get_string(logins->as_object(), "user");
    seed.user_verifier = json::get_string(logins->as_object(), "password");
    if (!valid_role(seed.user)) {
        return refuse(FailureCode::invalid, "a login's name must match [A-Za-z_][A-Za-z0-9_-]{0,31} and be free");
    }
    if (!valid_verifier(seed.management_verifier) || !valid_verifier(seed.user_verifier)) {
        return refuse(FailureCode::invalid, "a login needs a SCRAM-SHA-256 verifier");
    }
    return seed;
}

bool valid_name(std::string_view name) {
    if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
    return std::ranges::all_of(name, [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool valid_file(std::string_view file) {
    if (file.empty() || file.size() > 64 || !lower_or_digit(file.front())) return false;
    if (file == "meta.json" || file == "lock" || file == "data" || file.starts_with("log")) return false;
    return std::ranges::all_of(file, [](char c) { return lower_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

bool valid_tag(std::string_view tag) { return tag.size() <= kMaxTag && valid_argument(tag); }

bool valid_role(std::string_view role) {
    if (role.empty() || role.size() > kMaxRole) return false;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (!letter(role.front()) || role.starts_with("pg_")) return false;
    if (role == kManagementRole || role == "public" || role == "none") return false;
    return std::ranges::all_of(role, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

bool valid_image(std::string_view image) {
    if (image.empty() || image.size() > 128 || !lower_or_digit(image.front())) return false;
    return std::ranges::all_of(image,
                               [](char c) { return lower_or_digit(c) || std::string_view("-_.@").contains(c); });
}

bool valid_network(std::string_view id) {
    return id.size() == 8 &&
           std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool valid_device(std::string_view name) {
    constexpr std::size_t kMost = 15;  // IFNAMSIZ, without the end
    const auto good = [](char c) {
        return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
    };
    return !name.empty() && name.size() <= kMost && name.front() != '.' && name.front() != '-' &&
           std::ranges::all_of(name, good);
}

bool valid_mac(std::string_view mac) {
    if (mac.size() != 17) return false;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char c = mac[i];
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (i % 3 == 2 ? c != ':' : !digit) return false;
    }
    // The two lowest bits of the first byte: of one machine, and no manufacturer's.
    return std::string_view("26ae").contains(mac[1]);
}

bool valid_verifier(std::string_view verifier) {
    if (verifier.size() > kMaxVerifier || !verifier.starts_with(kVerifierStart)) return false;
    verifier.remove_prefix(kVerifierStart.size());
    if (verifier.empty()) return false;
    return std::ranges::all_of(verifier, [](char c) {
        return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || std::string_view("+/=$:").contains(c);
    });
}

bool valid_argument(std::string_view argument) {
    if (argument.size() > kMaxArgument) return false;
    return std::ranges::all_of(argument, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace slipway::agent
