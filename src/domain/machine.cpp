#include "domain/machine.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxUsername = 32;  // of Linux: what useradd and utmp take
constexpr std::string_view kServices = "systemd-";

// What images have already, as a user or as a group (a new user gets a group of its own name): to make it again
// fails, and to give it a password opens what the system keeps for itself. Debian's base-passwd, the same of the
// family of Red Hat, and what their SSH, time, mail and message services add. In the order of the alphabet.
constexpr std::array<std::string_view, 90> kTaken{
    "_apt",     "_chrony", "_dhcpcd",  "_rpc",     "_ssh",      "adm",        "audio",     "backup",   "bin",
    "cdrom",    "chrony",  "crontab",  "daemon",   "dbus",      "dhcpcd",     "dialout",   "dip",      "disk",
    "dnsmasq",  "fax",     "floppy",   "ftp",      "games",     "gnats",      "haldaemon", "halt",     "input",
    "irc",      "klog",    "kmem",     "kvm",      "landscape", "libuuid",    "list",      "lock",     "lp",
    "lxd",      "mail",    "mailnull", "man",      "mem",       "messagebus", "netdev",    "news",     "nfsnobody",
    "nobody",   "nogroup", "ntp",      "operator", "plugdev",   "polkitd",    "pollinate", "postdrop", "postfix",
    "proxy",    "render",  "root",     "rpc",      "rpcuser",   "sasl",       "saslauth",  "sgx",      "shadow",
    "shutdown", "smmsp",   "src",      "ssh",      "ssh_keys",  "sshd",       "sssd",      "staff",    "sudo",
    "sync",     "sys",     "syslog",   "tape",     "tcpdump",   "tss",        "tty",       "unbound",  "users",
    "utempter", "utmp",    "uucp",     "uuidd",    "vcsa",      "video",      "voice",     "wheel",    "www-data"};

bool lower(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool lower_or_digit(char c) { return lower(c) || (c >= '0' && c <= '9'); }

bool is_taken(std::string_view name) {
    return name.starts_with(kServices) || std::ranges::find(kTaken, name) != kTaken.end();
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Whether its creation has not come to an end.
bool is_being_made(const ResourceState& state) {
    return std::holds_alternative<resource_state::Requested>(state) ||
           std::holds_alternative<resource_state::Provisioning>(state);
}

}  // namespace

std::optional<std::string> fault_of_username(std::string_view name) {
    const bool formed = !name.empty() && name.size() <= kMaxUsername && lower(name.front()) &&
                        std::ranges::all_of(name, [](char c) { return lower_or_digit(c) || c == '-'; });
    if (!formed) {
        return fmt::format("must be 1 to {} of a-z 0-9 _ -, and begin with a letter or _", kMaxUsername);
    }
    if (is_taken(name)) return "is a name that the system of the machine keeps for itself";
    return std::nullopt;
}

// No prompt takes a control character, a file of passwords ends a line at one, and C ends a string at NUL: the
// machine would have another password than was asked for.
std::optional<std::string> fault_of_machine_password(const Secret& password) {
    const std::string& text = password.reveal();
    if (text.empty() || text.size() > kMaxMachinePassword) {
        return fmt::format("must be 1 to {} bytes", kMaxMachinePassword);
    }
    if (std::ranges::any_of(text, is_control)) return "must not hold control characters";
    if (!valid_utf8(text)) return "must be UTF-8";
    return std::nullopt;
}

std::string username_of(const Resource& machine) { return json::get_string(machine.parameters, kUsername); }

void settle_machine(Resource& resource) {
    if (resource.kind != Kind::machine) return;
    if (!is_being_made(resource.state)) resource.secrets.erase(std::string(kMachinePassword));
    if (const Endpoint* endpoint = endpoint_of(resource.state)) resource.address = endpoint->host;
}

}  // namespace slipway
