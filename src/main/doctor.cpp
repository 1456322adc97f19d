// The doctor: looks at what a server needs from its machine, and says what to do where that is not there.
#include <boost/asio/experimental/awaitable_operators.hpp>
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

#include "main/admin_ports.h"
#include "main/certificate.h"
#include "main/database_tls.h"
#include "main/units.h"

namespace slipway {
namespace {

using faces::Finding;
using faces::Severity;

constexpr std::uint64_t kLittleSpace = 512ULL << 20;
constexpr std::uint64_t kNoSpace = 64ULL << 20;
constexpr std::uint64_t kSpareFiles = 512;
constexpr auto kLookup = std::chrono::seconds(3);

void check_parts(const AdminParts& parts, std::vector<Finding>& out) {
    for (const StatusBoard::Part& part : parts.board.parts()) {
        if (part.state) continue;  // readiness says so already
        const bool store = part.name == "store";
        out.push_back({part.name, part.needed ? Severity::problem : Severity::warning, part.state.error().message,
                       store ? "look at the log and at the disk below the state directory"
                             : "install what is missing (scripts/setup does), then restart the server"});
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

// Clients get host names below this domain; glibc alone does not know *.localhost.
Task<void> check_names(const AdminParts& parts, std::vector<Finding>& out) {
    namespace asio = boost::asio;
    using asio::experimental::awaitable_operators::operator||;
    const std::string name = "slipway-doctor." + parts.config.local.domain;
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::resolver resolver(executor);
    asio::steady_timer limit(executor, kLookup);
    boost::system::error_code error;
    boost::system::error_code ignored;
    const auto done =
        co_await (resolver.async_resolve(name, "", asio::redirect_error(asio::use_awaitable, error)) ||
                  limit.async_wait(asio::redirect_error(asio::use_awaitable, ignored)));
    if (done.index() == 0 && !error) {
        out.push_back({"names", Severity::ok, name + " can be looked up", ""});
        co_return;
    }
    out.push_back(
        {"names", Severity::warning,
         fmt::format("{} cannot be looked up here: {}", name, done.index() == 0 ? error.message() : "no answer"),
         parts.config.local.domain == "localhost"
             ? "install libnss-myhostname (scripts/setup does), so that programs resolve *.localhost"
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
    check_limits(parts, findings);
    check_certificate(parts, findings);
    check_database_certificate(parts, findings);
    check_doors(parts, findings);
    co_await check_names(parts, findings);
    co_return findings;
}

}  // namespace slipway
