// The doctor: looks at what a server needs from its machine, and says what to do where that is not there.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/machine.h"
#include "domain/machine.h"
#include "main/admin_ports.h"
#include "main/certificate.h"
#include "main/database_tls.h"
#include "main/units.h"
#include "providers/playbooks/playbook.h"

namespace slipway {
namespace {

using faces::Finding;
using faces::Severity;

constexpr std::uint64_t kLittleSpace = 512ULL << 20;
constexpr std::uint64_t kNoSpace = 64ULL << 20;
constexpr std::uint64_t kSpareFiles = 512;
constexpr auto kLookup = std::chrono::seconds(3);
constexpr auto kSyncLimit = std::chrono::seconds(3);

void check_parts(const AdminParts& parts, std::vector<Finding>& out) {
    for (const StatusBoard::Part& part : parts.board.parts()) {
        if (part.state) continue;  // readiness says so already
        out.push_back({part.name, part.needed ? Severity::problem : Severity::warning, part.state.error().message,
                       part.fix()});
    }
}

void check_isolation(const AdminParts& parts, std::vector<Finding>& out) {
    const bool root = ::geteuid() == 0 || !parts.config.local.helper_socket.empty();
    if (root) {
        out.push_back({"isolation", Severity::ok, "every engine runs under a uid of its own", ""});
        return;
    }
    out.push_back(
        {"isolation", Severity::warning,
         fmt::format("engines run as uid {}, like the server: they are not kept apart by the system", ::geteuid()),
         "run the server as root, or a helper as root (local.helper_socket)"});
}

void check_modes(const AdminParts& parts, std::vector<Finding>& out) {
    for (const auto& file : {parts.state_dir.master_key(), parts.state_dir.admin_key()}) {
        struct stat facts{};
        if (::lstat(file.c_str(), &facts) != 0) {
            out.push_back({"keys", Severity::problem, file.string() + " is not there",
                           file == parts.state_dir.master_key()
                               ? "put it back from the backup: without it no secret can be opened after a restart"
                               : "restart the server: it makes a new one and revokes the former"});
        } else if ((facts.st_mode & 077U) != 0) {
            out.push_back({"keys", Severity::problem,
                           fmt::format("{} has mode {:04o}", file.string(), facts.st_mode & 07777U),
                           "make it 0600"});
        } else {
            out.push_back(
                {"keys", Severity::ok, fmt::format("{} is readable by its owner only", file.string()), ""});
        }
    }
}

void check_disk(const AdminParts& parts, std::vector<Finding>& out) {
    struct statvfs disk{};
    if (::statvfs(parts.state_dir.path.c_str(), &disk) != 0) return;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const std::string message = fmt::format("{} MiB free below {}", free >> 20, parts.state_dir.path.string());
    if (free < kLittleSpace) {
        out.push_back({"disk", free < kNoSpace ? Severity::problem : Severity::warning, message,
                       "make room: without space no request can be accepted, and engines stop writing"});
    } else {
        out.push_back({"disk", Severity::ok, message, ""});
    }
}

// Every accepted request waits for one. A disk that does not answer is told, not waited for.
Task<void> check_sync(const AdminParts& parts, std::vector<Finding>& out) {
    constexpr const char* kName = "fsync";
    const std::string where = parts.state_dir.path.string();
    const auto time = co_await parts.disk.measure(where, kSyncLimit);
    if (!time) {
        out.push_back({kName, Severity::problem,
                       fmt::format("no answer of the disk below {} within {} s", where, kSyncLimit.count()),
                       "look at the disk and its mount"});
    } else if (!*time) {
        const bool failed = time->error().code == ErrorCode::storage;
        out.push_back(
            {kName, failed ? Severity::problem : Severity::warning,
             fmt::format("{} below {}: {}", failed ? "failed" : "could not be tried", where, time->error().message),
             failed ? "look at the disk and its mount" : "make room, or mount it for writing"});
    } else {
        const bool slow = **time > kSlowSync;
        out.push_back(
            {kName, slow ? Severity::warning : Severity::ok,
             fmt::format("{:.2f} ms below {}", std::chrono::duration<double, std::milli>(**time).count(), where),
             slow ? "keep the state on a faster disk: every accepted request waits for one" : ""});
    }
}

// An engine that comes back needs its port again, and an outgoing connection could sit on it.
void check_ports(const AdminParts& parts, std::vector<Finding>& out) {
    const PortRange engines{parts.config.local.port_first, parts.config.local.port_last};
    const auto outgoing = outgoing_ports();
    const std::string ours = fmt::format("engines get ports {} to {}", engines.first, engines.last);
    if (!outgoing) {
        out.push_back({"ports", Severity::warning,
                       fmt::format("{}; those of outgoing connections cannot be read", ours),
                       fmt::format("see that {} gives none of these", kOutgoingPorts)});
        return;
    }
    const std::string both =
        fmt::format("{}, outgoing connections {} to {}", ours, outgoing->first, outgoing->last);
    if (outgoing->overlaps(engines)) {
        out.push_back({"ports", Severity::warning, both + ", and may take those of engines",
                       "set local.port_first and local.port_last so that the two do not meet, or "
                       "net.ipv4.ip_local_port_range (sysctl)"});
    } else {
        out.push_back({"ports", Severity::ok, both, ""});
    }
}

void check_clock(std::vector<Finding>& out) {
    constexpr const char* kName = "clock";
    switch (clock_care()) {
        case ClockCare::kept: out.push_back({kName, Severity::ok, "is kept right by NTP", ""}); return;
        case ClockCare::nothing:
            out.push_back({kName, Severity::warning,
                           "nothing is known to keep it right; AWS refuses requests of a wrong clock",
                           "timedatectl set-ntp true, or apt-get install chrony; in a container: on its host"});
            return;
        // The package's unit takes away the right to ask (ProtectClock=).
        case ClockCare::unknown:
            out.push_back({kName, Severity::ok,
                           "this process may not ask whether NTP keeps it right; timedatectl tells", ""});
            return;
    }
}

void check_limits(const AdminParts& parts, std::vector<Finding>& out) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    const std::uint64_t wanted = parts.config.server.max_connections + kSpareFiles;
    const std::string message = fmt::format("{} open files allowed", files.rlim_cur);
    if (files.rlim_cur < wanted) {
        out.push_back({"open files", Severity::warning, message,
                       fmt::format("raise the limit (ulimit -n) to {}, or lower server.max_connections", wanted)});
    } else {
        out.push_back({"open files", Severity::ok, message, ""});
    }
}

void check_certificate(const AdminParts& parts, std::vector<Finding>& out) {
    const std::string& file = parts.config.server.tls_cert;
    if (file.empty()) return;
    const auto certificate = http::read_certificate(file);
    if (certificate) {
        out.push_back(judge_certificate(*certificate, file, SystemClock().now()));
    } else {
        out.push_back(
            {"certificate", Severity::problem, certificate.error().message,
             "put it back before the server is started again: what it has read already it goes on using"});
    }
}

// Those who log in to database servers compare it, and so do we.
void check_database_certificate(const AdminParts& parts, std::vector<Finding>& out) {
    const DatabasesConfig& databases = parts.config.databases;
    if (databases.tls == sql::TlsMode::off) return;
    constexpr const char* kName = "database certificate";
    const auto certificate = http::read_certificate(databases.tls_certificate);
    if (const auto usable = load_database_tls(databases); !usable) {
        out.push_back(
            {kName, Severity::problem, usable.error().message,
             "put it right before the server is started again or told by SIGHUP: what it has read already "
             "it goes on using"});
    } else if (certificate) {
        Finding finding = judge_certificate(*certificate, databases.tls_certificate, SystemClock().now());
        finding.check = kName;
        out.push_back(std::move(finding));
    }
}

void check_doors(const AdminParts& parts, std::vector<Finding>& out) {
    for (const std::string& each : parts.config.server.listen) {
        const auto at = parse_host_port(each);
        if (at && is_loopback(at->host)) continue;
        if (parts.config.server.tls_cert.empty()) {
            out.push_back(
                {"network", Severity::warning,
                 fmt::format("{} can be reached from other machines, without encryption: keys and passwords "
                             "travel as they are",
                             each),
                 "give it a certificate (--tls-cert, --tls-key), or listen on a loopback address"});
        }
        if (parts.config.server.allow_anonymous.empty()) continue;
        out.push_back(
            {"anonymous access", Severity::warning,
             fmt::format("{}: no key is needed for {}", each, fmt::join(parts.config.server.allow_anonymous, ", ")),
             "start without --allow-anonymous and give out keys"});
    }
}

// nullopt: no answer in time. The look-up may go on then; the system's ends when it does.
Task<std::optional<boost::system::error_code>> look_up(std::string name) {
    namespace asio = boost::asio;
    struct Look {
        explicit Look(const asio::any_io_executor& executor) : resolver(executor), limit(executor, kLookup) {}
        asio::ip::tcp::resolver resolver;
        asio::steady_timer limit;
        std::optional<boost::system::error_code> answer;
    };
    const auto look = std::make_shared<Look>(co_await asio::this_coro::executor);
    look->resolver.async_resolve(name, "", [look](const boost::system::error_code& error, const auto&) {
        look->answer = error;
        look->limit.cancel();
    });
    boost::system::error_code ignored;
    co_await look->limit.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return look->answer;
}

// Clients get host names below this domain; glibc alone does not know *.localhost.
Task<void> check_names(const AdminParts& parts, std::vector<Finding>& out) {
    const std::string name = "slipway-doctor." + parts.config.local.domain;
    const auto answer = co_await look_up(name);
    if (answer && !*answer) {
        out.push_back({"names", Severity::ok, name + " can be looked up", ""});
        co_return;
    }
    out.push_back({"names", Severity::warning,
                   fmt::format("{} cannot be looked up here: {}", name, answer ? answer->message() : "no answer"),
                   parts.config.local.domain == "localhost"
                       ? "apt-get install libnss-myhostname, so that programs resolve *.localhost"
                       : fmt::format("point *.{} at this machine in DNS", parts.config.local.domain)});
}

Task<Status> check_store(const AdminParts& parts, std::vector<Finding>& out) {
    const auto orphans = co_await parts.store.orphans();
    if (!orphans) co_return fail(orphans.error());
    const auto left = std::ranges::count_if(*orphans, [](const Orphan& each) { return !each.removed_at; });
    if (left == 0) {
        out.push_back({"sweep", Severity::ok, "nothing was found that nobody accounts for", ""});
    } else {
        out.push_back({"sweep", Severity::warning,
                       fmt::format("{} things were found that nobody accounts for", left),
                       "look at them (slipway sweep), then remove them (slipway sweep --remove)"});
    }
    const auto levels = co_await parts.store.pool_levels();
    if (!levels) co_return fail(levels.error());
    for (const Plan& plan : parts.catalog.plans()) {
        const auto level = std::ranges::find_if(*levels, [&](const PoolLevel& each) {
            return each.kind == plan.kind && each.engine == plan.engine && each.plan == plan.name;
        });
        const std::uint32_t ready = level == levels->end() ? 0 : level->ready;
        if (plan.pool == 0) continue;
        out.push_back({"pool", ready < plan.pool ? Severity::warning : Severity::ok,
                       fmt::format("{} {}: {} of {} ready", plan.engine, plan.name, ready, plan.pool),
                       ready < plan.pool ? "wait; where it stays so, the log says why" : ""});
    }
    co_return Status{};
}

Task<void> check_machines(const AdminParts& parts, std::vector<Finding>& out) {
    const std::string how = co_await boost::asio::co_spawn(
        parts.ops, [ask = parts.acceleration]() -> Task<std::string> { co_return ask(); },
        boost::asio::use_awaitable);
    if (how.empty()) co_return;
    const bool emulated = how.starts_with("emulation") && parts.config.machines.acceleration == "auto";
    out.push_back({"machines", emulated ? Severity::warning : Severity::ok, "are run by " + how,
                   emulated
                       ? "switch virtualization on in this host's firmware (or nested virtualization in its host): "
                         "emulation is some ten times slower. machines.acceleration = \"emulation\" accepts it"
                       : ""});
}

// What a plan's playbook takes, before somebody asks for a machine of it.
void check_playbooks(const AdminParts& parts, std::vector<Finding>& out) {
    constexpr const char* kName = "playbooks";
    std::set<std::string> files;
    for (const Plan& plan : parts.catalog.plans()) files.insert(json::get_string(plan.parameters, kPlaybook));
    files.erase("");
    if (files.empty()) return;
    if (const auto lacking = playbooks::missing(playbooks::find_programs())) {
        out.push_back({kName, Severity::problem, "plans name playbooks, and " + lacking->what, lacking->fix});
        return;
    }
    bool all = true;
    for (const std::string& file : files) {
        if (::access(file.c_str(), R_OK) == 0) continue;
        all = false;
        out.push_back({kName, Severity::problem, file + " cannot be read",
                       "put it back, and let the user of the server read it: no machine of its plan can be made"});
    }
    if (all) out.push_back({kName, Severity::ok, fmt::format("{} can be run", files.size()), ""});
}

}  // namespace

Task<Result<std::vector<Finding>>> examine(AdminParts parts) {
    std::vector<Finding> findings;
    check_parts(parts, findings);
    if (const Status looked = co_await check_store(parts, findings); !looked) {
        findings.push_back({"store", Severity::problem, looked.error().message, "look at the log"});
    }
    check_isolation(parts, findings);
    check_modes(parts, findings);
    check_disk(parts, findings);
    co_await check_sync(parts, findings);
    check_ports(parts, findings);
    check_clock(findings);
    check_limits(parts, findings);
    check_certificate(parts, findings);
    check_database_certificate(parts, findings);
    check_doors(parts, findings);
    co_await check_names(parts, findings);
    co_await check_machines(parts, findings);
    check_playbooks(parts, findings);
    co_return findings;
}

}  // namespace slipway
