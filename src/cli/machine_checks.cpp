// Engines, ports and the clock of this machine.
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/machine.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "cli/program_version.h"

namespace slipway::cli {
namespace {

constexpr PortRange kEnginePorts{20'000, 29'999};  // without configuration
constexpr Duration kSlightSkew = std::chrono::seconds(5);
constexpr Duration kVersionLimit = std::chrono::seconds(5);

// Where Debian puts programs, for those whose PATH is short.
std::string find_engine(const std::string& name, const std::string& search_path) {
    return find_program(name, search_path + ":/usr/bin:/usr/local/bin");
}

// Where servers are that are not for everybody to start; the newest PostgreSQL first.
std::string server_directories() {
    namespace fs = std::filesystem;
    std::vector<std::pair<int, std::string>> found;
    std::error_code error;
    for (const fs::directory_entry& each : fs::directory_iterator("/usr/lib/postgresql", error)) {
        const std::string name = each.path().filename();
        int version = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), version).ec == std::errc()) {
            found.emplace_back(-version, each.path() / "bin");
        }
    }
    std::ranges::sort(found);
    std::string path = "/usr/sbin";
    for (const auto& [version, directory] : found) path += ":" + directory;
    return path;
}

// The first word of digits and dots: "15.18" of "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
std::string first_number(std::string_view line) {
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        const std::string_view word = line.substr(at, end - at);
        if (!word.empty() && word.front() >= '0' && word.front() <= '9') {
            return std::string(word.substr(0, word.find_first_not_of("0123456789.")));
        }
        at = end + 1;
    }
    return {};
}

// "Sun, 22 Nov 2026 22:16:55 GMT"
std::optional<TimePoint> parse_date(std::string_view text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
    const std::size_t month = kMonths.find(text.substr(8, 3));
    if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
    return parse_time(
        fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1, text.substr(5, 2), text.substr(17, 8)));
}

}  // namespace

Finding check_redis(const std::string& search_path) {
    const std::string check = "redis-server";
    const std::string fix = "apt-get install redis-server, where caches of it are wanted";
    const std::string program = find_engine("redis-server", search_path);
    if (program.empty()) return {check, Severity::warning, "is not installed", fix};
    const auto line = version_line(program, kVersionLimit);
    if (!line) return {check, Severity::warning, program + " does not tell its version", fix};
    const std::size_t at = line->find("v=");
    const std::string version =
        at == std::string::npos ? *line : line->substr(at + 2, line->find(' ', at) - at - 2);
    const bool old = version.find('.') == 1 && version[0] >= '0' && version[0] < '6';
    if (old) {
        return {check, Severity::warning, fmt::format("{} is version {}", program, printable(version)),
                "install version 6 or newer: it is the first with users of their own"};
    }
    return {check, Severity::ok, fmt::format("{} {}", program, printable(version)), ""};
}

// A machine without one of them makes everything else.
Finding check_optional_engine(const OptionalEngine& engine, const std::string& search_path) {
    const std::string check(engine.program);
    const std::string fix = fmt::format("apt-get install {}, where {} wanted", engine.package, engine.what);
    const std::string program = find_engine(check, search_path + ":" + server_directories());
    if (program.empty()) return {check, Severity::warning, "is not installed", fix};
    const auto line = version_line(program, kVersionLimit);
    const std::string version = line ? first_number(*line) : "";
    if (version.empty()) return {check, Severity::warning, program + " does not tell its version", fix};
    return {check, Severity::ok, fmt::format("{} {}", program, version), ""};
}

Finding check_engine_ports(const std::string& range_file) {
    const std::string check = "ports";
    const auto outgoing = outgoing_ports(range_file);
    const std::string engines = fmt::format("{} to {}", kEnginePorts.first, kEnginePorts.last);
    if (!outgoing) {
        return {check, Severity::warning, range_file + " cannot be read",
                "see that outgoing connections get no port from " + engines};
    }
    const std::string theirs = fmt::format("{} to {}", outgoing->first, outgoing->last);
    if (!outgoing->overlaps(kEnginePorts)) {
        return {check, Severity::ok,
                fmt::format("outgoing connections get {}, engines of a server without configuration {}", theirs,
                            engines),
                ""};
    }
    return {check, Severity::warning,
            fmt::format("outgoing connections get ports from {}, and may take those of engines ({} without "
                        "configuration)",
                        theirs, engines),
            "sysctl net.ipv4.ip_local_port_range='32768 60999', or set local.port_first and local.port_last"};
}

Finding check_listen_port(std::uint16_t port) {
    const std::string check = "ports";
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Taken or not shows at listen() where somebody else is bound with SO_REUSEADDR too.
    const bool free = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                      ::listen(fd, 1) == 0;
    if (fd >= 0) ::close(fd);
    if (free) return {check, Severity::ok, fmt::format("a server can listen on 127.0.0.1:{}", port), ""};
    return {check, Severity::warning, fmt::format("127.0.0.1:{} is taken", port),
            fmt::format("see by what (ss -ltnp 'sport = {}'), or start the server with other --listen", port)};
}

Finding check_clock() {
    const std::string check = "clock";
    switch (clock_care()) {
        case ClockCare::kept: return {check, Severity::ok, "is kept right by NTP", ""};
        case ClockCare::nothing:
        case ClockCare::unknown: break;
    }
    return {check, Severity::warning, "nothing is known to keep it right; AWS refuses requests of a wrong clock",
            "timedatectl set-ntp true, or apt-get install chrony; in a container: on its host"};
}

Finding check_skew(const std::string& date, TimePoint now) {
    const std::string check = "clock";
    const auto theirs = parse_date(date);
    if (!theirs)
        return {check, Severity::warning, "the server does not tell its time", "look at the server's clock"};
    const Duration skew = now > *theirs ? now - *theirs : *theirs - now;
    if (skew <= kSlightSkew) return {check, Severity::ok, "agrees with the server's", ""};
    return {check, Severity::warning,
            fmt::format("is {} {} the server's", spell(skew), now > *theirs ? "ahead of" : "behind"),
            "have NTP keep both right (timedatectl set-ntp true); until then ages and waits are shown wrong"};
}

}  // namespace slipway::cli
