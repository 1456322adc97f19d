#include "agent/container_run.h"

#include <array>
#include <cstdio>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <lxc/lxccontainer.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/container_root.h"

namespace slipway::agent {
namespace {

constexpr int kLock = 3;
constexpr std::size_t kMaxInput = 64 * 1024;

struct Release {
    void operator()(lxc_container* container) const { ::lxc_container_put(container); }
};
using Container = std::unique_ptr<lxc_container, Release>;

// Its output is the instance's log.
int give_up(const std::string& why) {
    const std::string line = why + "\n";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
    return 1;
}

std::string read_input() {
    std::string text(kMaxInput, '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = ::read(STDIN_FILENO, text.data() + have, text.size() - have);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

// Where newuidmap is found, liblxc insists on entries for root in /etc/subuid, which are the host's matter. Root
// can write the maps itself.
void hide_newuidmap() { ::setenv("PATH", "/usr/sbin:/sbin", 1); }

// Nothing of ours is open in the container.
void close_at_exec() {
    ::fcntl(kLock, F_SETFD, FD_CLOEXEC);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
}

void log_errors(const std::string& name, const std::string& place) {
    const std::string level = "ERROR";
    const std::string prefix = "lxc";
    const std::string file = "/proc/self/fd/2";
    lxc_log log{};
    log.name = name.c_str();
    log.lxcpath = place.c_str();
    log.file = file.c_str();
    log.level = level.c_str();
    log.prefix = prefix.c_str();
    log.quiet = true;
    static_cast<void>(::lxc_log_init(&log));
}

std::string configure(lxc_container& container, const json::object& input) {
    const json::value* items = input.if_contains("items");
    if (items == nullptr || !items->is_array()) return "its description has no items";
    for (const json::value& each : items->as_array()) {
        if (!each.is_array() || each.as_array().size() != 2) return "its description is damaged";
        const std::string key(each.at(0).as_string());
        const std::string value(each.at(1).as_string());
        if (!container.set_config_item(&container, key.c_str(), value.c_str())) {
            return fmt::format("liblxc refuses {} = {}", key, value);
        }
    }
    return {};
}

}  // namespace

json::object monitor_input(const std::string& name, const ContainerItems& items) {
    json::array list;
    for (const auto& [key, value] : items) list.emplace_back(json::array{key, value});
    return {{"name", name}, {"items", std::move(list)}};
}

int run_container() {
    const Result<json::value> parsed = json::parse(read_input());
    if (!parsed || !parsed->is_object()) return give_up("the container's description is not JSON");
    const json::object& input = parsed->as_object();
    const std::string name = json::get_string(input, "name");
    const std::string place(kContainerPlace);
    close_at_exec();
    hide_newuidmap();
    log_errors(name, place);
    const Container container(::lxc_container_new(name.c_str(), place.c_str()));
    if (!container) return give_up("liblxc makes no container");
    if (const std::string wrong = configure(*container, input); !wrong.empty()) return give_up(wrong);
    ::umask(022);
    container->want_daemonize(container.get(), false);
    if (!container->start(container.get(), 0, nullptr)) return give_up("the container did not start");
    return 0;
}

}  // namespace slipway::agent
