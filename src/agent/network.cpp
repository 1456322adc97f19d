#include "agent/network.h"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/space_members.h"
#include "agent/tool.h"
#include "base/json.h"

namespace slipway::agent {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::network_v4;

constexpr int kLimit = 5000;  // milliseconds for one step
const std::string kBridge = "machines";
const std::string kUplink = "uplink";

// Steps one after the other; the first that fails is the answer.
class Steps {
  public:
    template <class Step>
    Steps& then(Step&& step) {
        if (!failure_) {
            if (const auto done = std::forward<Step>(step)(); !done) failure_ = done.error();
        }
        return *this;
    }
    [[nodiscard]] Answer<void> answer() const {
        if (failure_) return std::unexpected(*failure_);
        return {};
    }

  private:
    std::optional<Failure> failure_;
};

Answer<void> write_setting(const std::string& path, std::string_view text) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return std::unexpected(os_failure("set " + path));
    }
    return {};
}

// What `ip -json` printed: nothing is an empty list.
json::array parse_list(std::string_view text) {
    Result<json::value> parsed = json::parse(text.empty() ? "[]" : text);
    return parsed && parsed->is_array() ? std::move(parsed->as_array()) : json::array();
}

bool overlap(const network_v4& one, const network_v4& other) {
    const auto bits = std::min(one.prefix_length(), other.prefix_length());
    return network_v4(one.address(), bits).canonical() == network_v4(other.address(), bits).canonical();
}

network_v4 network_of(const std::string& text) {
    boost::system::error_code error;
    if (text.contains('/')) return boost::asio::ip::make_network_v4(text, error);
    return {boost::asio::ip::make_address_v4(text, error), 32};
}

std::vector<std::string> names_of(std::string_view text) {
    std::vector<std::string> names;
    for (const json::value& each : parse_list(text)) {
        if (each.is_object()) names.push_back(json::get_string(each.as_object(), "ifname"));
    }
    return names;
}

}  // namespace

std::string tap_name(const address_v4& address) { return fmt::format("m{:08x}", address.to_uint()); }
std::string card_name(const address_v4& address) { return fmt::format("c{:08x}", address.to_uint()); }

Answer<std::string> Network::ip(std::vector<std::string> words) const {
    return run_tool(programs_.ip, std::move(words), kLimit);
}

Answer<std::string> Network::inside(std::vector<std::string> words) const {
    words.insert(words.begin(), {"-netns", space()});
    return ip(std::move(words));
}

bool Network::has(const std::string& device) const { return ip({"link", "show", "dev", device}).has_value(); }
bool Network::has_inside(const std::string& device) const {
    return inside({"link", "show", "dev", device}).has_value();
}

// Addresses that this host reaches elsewhere would be lost to it.
Answer<void> Network::check_free(const network_v4& subnet) const {
    const Answer<std::string> routes = ip({"-json", "-4", "route", "show", "table", "main"});
    if (!routes) return std::unexpected(routes.error());
    for (const json::value& each : parse_list(*routes)) {
        if (!each.is_object()) continue;
        const json::object& route = each.as_object();
        const std::string to = json::get_string(route, "dst");
        const std::string by = json::get_string(route, "dev");
        if (to == "default" || by == device() || !overlap(network_of(to), subnet)) continue;
        return refuse(FailureCode::invalid,
                      fmt::format("the machines' subnet {} is in use on this host: {} by {}; choose another one",
                                  subnet.to_string(), to, by));
    }
    return {};
}

// A bridge of the host's has whatever addresses its administrator gave it.
Answer<void> Network::check_place(const network_v4& subnet) const {
    if (bridge_.empty()) return check_free(subnet);
    if (::access(fmt::format("/sys/class/net/{}/bridge", bridge_).c_str(), F_OK) == 0) return {};
    return refuse(FailureCode::invalid,
                  fmt::format("this host has no bridge {0} (ip link add {0} type bridge)", bridge_));
}

// What was configured otherwise before is undone.
Answer<void> Network::settle_end(const network_v4& subnet) const {
    if (!bridge_.empty()) {
        return Steps()
            .then([&] { return ip({"address", "flush", "dev", device()}); })
            .then([&] { return ip({"link", "set", "dev", device(), "master", bridge_}); })
            .answer();
    }
    const address_v4 gateway = *subnet.hosts().begin();
    return Steps()
        .then([&] { return ip({"link", "set", "dev", device(), "nomaster"}); })
        .then([&] {
            return ip({"address", "replace", fmt::format("{}/{}", gateway.to_string(), subnet.prefix_length()),
                       "dev", device()});
        })
        .answer();
}

// The host's end takes no part in IPv6, and what comes in by it goes no further.
Answer<void> Network::join(const network_v4& subnet) const {
    const std::string conf = fmt::format("/proc/sys/net/ipv4/conf/{}/forwarding", device());
    const std::string no_v6 = fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", device());
    return Steps()
        .then([&] {
            return has(device())
                       ? Answer<std::string>()
                       : ip({"link", "add", device(), "type", "veth", "peer", "name", kUplink, "netns", space()});
        })
        .then([&] { return write_setting(conf, "0"); })
        .then([&] { return ::access(no_v6.c_str(), F_OK) == 0 ? write_setting(no_v6, "1") : Answer<void>(); })
        .then([&] { return settle_end(subnet); })
        .then([&] { return ip({"link", "set", "dev", device(), "up"}); })
        .then([&] { return inside({"link", "set", "dev", kUplink, "master", kBridge, "up"}); })
        .answer();
}

Answer<void> Network::up(const network_v4& subnet) const {
    if (programs_.ip.empty() || programs_.bridge.empty()) {
        return refuse(FailureCode::unsupported, "ip and bridge are not installed (apt-get install iproute2)");
    }
    return Steps()
        .then([&] { return check_place(subnet); })
        .then([&] {
            return ::access(space_path().c_str(), F_OK) == 0 ? Answer<std::string>()
                                                             : ip({"netns", "add", space()});
        })
        .then([&] {
            return has_inside(kBridge) ? Answer<std::string>() : inside({"link", "add", kBridge, "type", "bridge"});
        })
        .then([&] { return inside({"link", "set", "dev", "lo", "up"}); })
        .then([&] { return inside({"link", "set", "dev", kBridge, "up"}); })
        .then([&] { return join(subnet); })
        .answer();
}

Answer<void> Network::connect(const Tap& tap) const {
    const std::string name = tap_name(tap.address);
    const auto bridge = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"-netns", space()});
        return run_tool(programs_.bridge, std::move(words), kLimit);
    };
    return Steps()
        .then([&] { return inside({"link", "set", "dev", name, "master", kBridge}); })
        .then([&] { return bridge({"link", "set", "dev", name, "isolated", "on", "learning", "off"}); })
        .then([&] { return inside({"link", "set", "dev", name, "up"}); })
        .then([&] { return bridge({"fdb", "replace", tap.mac, "dev", name, "master", "static"}); })
        .then([&] {
            if (!bridge_.empty()) return Answer<std::string>();  // the host asks by that one
            return ip({"neigh", "replace", tap.address.to_string(), "lladdr", tap.mac, "dev", device(), "nud",
                       "permanent"});
        })
        .answer();
}

Answer<void> Network::add(const Tap& tap) const {
    const std::string name = tap_name(tap.address);
    return Steps()
        .then([&] {
            return has_inside(name)
                       ? Answer<std::string>()
                       : inside({"tuntap", "add", "dev", name, "mode", "tap", "user", std::to_string(tap.owner)});
        })
        .then([&] { return connect(tap); })
        .answer();
}

// One that is there has its other end in what is left of a container, and goes with that at any moment.
Answer<void> Network::add_pair(const Tap& tap) const {
    const std::string name = tap_name(tap.address);
    return Steps()
        .then([&] { return remove(tap.address); })
        .then([&] {
            return inside(
                {"link", "add", name, "type", "veth", "peer", "name", card_name(tap.address), "address", tap.mac});
        })
        .then([&] { return connect(tap); })
        .answer();
}

Answer<void> Network::remove(const address_v4& address) const {
    // A namespace that is not there has no tap either.
    if (::access(space_path().c_str(), F_OK) != 0) return {};
    const std::string name = tap_name(address);
    if (has_inside(name)) {
        if (const auto gone = inside({"link", "delete", "dev", name}); !gone && has_inside(name)) {
            return std::unexpected(gone.error());
        }
    }
    // Where there is none, it fails: what matters is that there is none.
    static_cast<void>(ip({"neigh", "delete", address.to_string(), "dev", device()}));
    return {};
}

Answer<std::vector<std::string>> Network::taps() const {
    if (::access(space_path().c_str(), F_OK) != 0) return std::vector<std::string>();
    const Answer<std::string> links = inside({"-json", "link", "show", "master", kBridge});
    if (!links) return std::unexpected(links.error());
    std::vector<std::string> names = names_of(*links);
    std::erase_if(names, [](const std::string& name) { return name == kUplink || name.empty(); });
    return names;
}

Answer<void> Network::down() const {
    if (has(device())) {
        if (const auto gone = ip({"link", "delete", "dev", device()}); !gone) return std::unexpected(gone.error());
    }
    if (::access(space_path().c_str(), F_OK) != 0) return {};
    end_members(space_path(), [](std::string_view) { return true; });
    if (const auto gone = ip({"netns", "delete", space()}); !gone) return std::unexpected(gone.error());
    return {};
}

}  // namespace slipway::agent
