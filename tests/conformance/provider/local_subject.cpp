#include "local_subject.h"

#include <random>

#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace slipway::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Below those that the system gives to connections (net.ipv4.ip_local_port_range begins at 32768) and servers to
// their engines (from 20000): one of another
// test could have it a moment later.
std::uint16_t free_port() {
    static std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<int> any(10'000, 19'999);
    boost::asio::io_context io;
    for (;;) {
        const auto port = static_cast<std::uint16_t>(any(random));
        boost::asio::ip::tcp::acceptor acceptor(io, boost::asio::ip::tcp::v4());
        boost::system::error_code taken;
        acceptor.bind({boost::asio::ip::make_address("127.0.0.1"), port}, taken);
        if (!taken) return port;
    }
}

std::set<std::int64_t> listening_ports() {
    std::set<std::int64_t> ports;
    for (const std::string file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::istringstream lines(file_text(file));
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        std::string line;
        while (std::getline(lines, line)) {
            std::istringstream words(line);
            words >> number >> local >> remote >> state;
            const std::size_t colon = local.find(':');
            if (state != "0A" || colon == std::string::npos) continue;
            ports.insert(std::stoll(local.substr(colon + 1), nullptr, 16));
        }
    }
    return ports;
}

// Those that none of the others started: the helper starts an engine, an engine its children.
static std::vector<agent::Process> without_children(const std::vector<agent::Process>& all) {
    std::vector<agent::Process> found;
    for (const agent::Process& each : all) {
        const std::string stat = file_text(fmt::format("/proc/{}/stat", each.pid));
        std::istringstream words(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
        char state = '?';
        pid_t parent = 0;
        words >> state >> parent;
        const auto is_parent = [parent](const agent::Process& other) { return other.pid == parent; };
        const bool gone = parent == 0 || state == 'Z' || state == 'X';
        if (!gone && std::ranges::none_of(all, is_parent)) found.push_back(each);
    }
    return found;
}

LocalSubject::LocalSubject(std::string engine) : engine_(std::move(engine)) { open({}, true); }

LocalSubject::~LocalSubject() {
    provider_.reset();
    client_.reset();
}

void LocalSubject::open(std::vector<std::string> extra, bool start) {
    provider_.reset();
    client_.reset();
    agent::SpawnOptions spawn;
    spawn.root = temp_.root();
    spawn.extra = std::move(extra);
    client_ = std::make_unique<agent::AgentClient>(io_.get_executor(), spawn);
    local::LocalOptions options;
    options.installation = InstallationId("ins_conformance");
    options.tls = tls_;
    provider_ = std::make_unique<local::LocalProvider>(options, *client_, io_.get_executor());
    if (!start) return;
    const Status started = run(provider_->start(10s));
    EXPECT_TRUE(started) << started.error().message << ": " << started.error().detail;
}

void LocalSubject::use(sql::SharedTls tls) {
    tls_ = std::move(tls);
    open({}, true);
}

void LocalSubject::crash() { open({}, true); }

void LocalSubject::crash_with_helper_that_dies_at(const std::string& checkpoint) {
    open({"--die-at", checkpoint}, true);
}

// Of this process alone, as far as that goes: what is left under a uid is looked for on the whole machine, and
// other tests make engines at the same time. Of the range that the helper may give.
std::int64_t LocalSubject::first_uid() { return 250'000 + ::getpid() % 400 * 100; }

Spec LocalSubject::spec() {
    Spec spec;
    spec.kind = is_database() ? Kind::database_server : Kind::cache;
    spec.engine = engine_;
    spec.plan = "small";
    std::int64_t port = free_port();
    while (!ports_.insert(port).second) port = free_port();
    spec.allocations = {{"port", port}, {"uid", first_uid() + ++uids_}};
    spec.secrets = {{"password", Secret(kTenantCanary)}, {"management_password", Secret(kManagementCanary)}};
    return spec;
}

std::string LocalSubject::picture() {
    std::vector<std::string> lines;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(temp_.root())) {
        struct stat seen{};
        if (is_database() && entry.path().string().contains("/data/")) continue;
        if (::lstat(entry.path().c_str(), &seen) != 0) continue;
        lines.push_back(fmt::format("{} {} {:o} {} {}.{}", entry.path().string(), seen.st_size, seen.st_mode,
                                    seen.st_uid, seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec));
    }
    const std::vector<agent::Process> processes = processes_below(temp_.root());
    for (const agent::Process& each : is_database() ? without_children(processes) : processes) {
        lines.push_back(fmt::format("process {} {}", each.pid, each.start_time));
    }
    std::ranges::sort(lines);
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::optional<agent::Process> LocalSubject::process(const std::string& name) const {
    const std::vector<agent::Process> found = without_children(processes_below(directory(name)));
    EXPECT_LE(found.size(), 1U) << "more than one process of " << name;
    if (found.empty()) return std::nullopt;
    return found.front();
}

std::string LocalSubject::identity(const std::string& name) {
    const std::optional<agent::Process> found = process(name);
    return found ? fmt::format("{} {}", found->pid, found->start_time) : "";
}

void LocalSubject::plant_foreign(const std::string& name) {
    fs::create_directories(directory(name) + "/data");
    std::ofstream(directory(name) + "/meta.json")
        << R"({"installation":"ins_other","resource":"res_other","generation":1,"uid":210000,"port":1})";
    std::ofstream(directory(name) + "/data/precious") << "not ours";
}

void LocalSubject::unplant_foreign(const std::string& name) { fs::remove_all(directory(name)); }

void LocalSubject::make_stop(const std::string& name) {
    const std::optional<agent::Process> found = process(name);
    if (found) kill_process(*found);
    // Its children end by themselves, a moment later; the last that can be seen of them is the lock.
    EXPECT_TRUE(eventually([&] {
        const UniqueFd lock(::open((directory(name) + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
        return !lock || !agent::lock_is_held(lock.get());
    }));
}

std::vector<std::string> LocalSubject::leftovers() {
    std::vector<std::string> left;
    for (const agent::Process& each : processes_below(temp_.root())) {
        if (each.pid != client_->helper_pid()) left.push_back(fmt::format("process {}", each.pid));
    }
    for (const std::string place : {"", "/.new", "/.trash"}) {
        for (const fs::directory_entry& entry : fs::directory_iterator(temp_.root() + place)) {
            const std::string name = entry.path().filename();
            if (name.front() != '.') left.push_back(entry.path());
        }
    }
    for (int i = 1; i <= uids_; ++i) {
        const std::string uid = fmt::format(" {} ", first_uid() + i);
        if (file_text("/proc/sysvipc/shm").contains(uid)) left.push_back("shared memory of" + uid);
    }
    const std::set<std::int64_t> listening = listening_ports();
    for (const std::int64_t port : ports_) {
        if (listening.contains(port)) left.push_back(fmt::format("port {}", port));
    }
    return left;
}

std::unique_ptr<Subject> make_local_redis() { return std::make_unique<LocalSubject>("redis"); }
std::unique_ptr<Subject> make_local_memcached() { return std::make_unique<LocalSubject>("memcached"); }
std::unique_ptr<Subject> make_local_postgres() { return std::make_unique<LocalSubject>("postgres"); }
std::unique_ptr<Subject> make_local_mariadb() { return std::make_unique<LocalSubject>("mysql"); }

}  // namespace slipway::testing
