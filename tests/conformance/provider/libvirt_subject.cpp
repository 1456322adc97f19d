#include "libvirt_subject.h"

#include <regex>

#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

namespace slipway::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

ino_t space_of(const std::string& path) {
    struct stat seen{};
    return ::stat(path.c_str(), &seen) == 0 ? seen.st_ino : 0;
}

}  // namespace

// One of its own for each process: tests run at the same time.
std::string LibvirtSubject::network() const { return fmt::format("{:08x}", 0x7e570000U + ::getpid() % 0xffff); }

LibvirtSubject::LibvirtSubject(std::vector<json::object> warm) : warm_(std::move(warm)) { open(); }

LibvirtSubject::~LibvirtSubject() {
    for (const auto& each : guests()) kill_process(each.second);
    const Result<bool> down = run([this]() -> Task<Result<bool>> {
        const agent::Answer<agent::InstanceStatus> status = co_await client_->status(daemon(), 5s);
        if (status && status->process) {
            static_cast<void>(co_await client_->signal(daemon(), *status->process, agent::Signal::kill, 5s));
        }
        static_cast<void>(co_await client_->network_down(network(), 5s));
        co_return true;
    }());
    EXPECT_TRUE(down);
    provider_.reset();
    client_.reset();
}

void LibvirtSubject::crash(const std::function<void()>& meanwhile) {
    provider_.reset();
    client_.reset();
    meanwhile();
    open();
}

void LibvirtSubject::open() {
    provider_.reset();
    client_.reset();
    agent::SpawnOptions spawn;
    spawn.root = temp_.root();
    spawn.images = test_images();
    client_ = std::make_unique<agent::AgentClient>(io_.get_executor(), spawn);
    libvirt::LibvirtOptions options;
    options.installation = InstallationId("ins_conformance");
    // 198.18.0.0/15 is for tests of networks (RFC 2544).
    options.net =
        machines::own_net(boost::asio::ip::make_network_v4(fmt::format("198.18.{}.0/24", ::getpid() % 256)));
    options.network = network();
    options.boots = 8;  // the suite does not wait for turns
    options.acceleration = libvirt::Acceleration::emulation;
    options.find_image = [this](const std::string& name) { return find_image_(name); };
    options.warm = warm_;
    options.shut_down = shut_down_;
    options.keeper.hold = [this](const std::string& image, const std::string& machine) {
        held_[machine] = image;
        return Status();
    };
    options.keeper.release = [this](const std::string& machine) {
        held_.erase(machine);
        return Status();
    };
    provider_ = std::make_unique<libvirt::LibvirtProvider>(std::move(options), *client_, clock_, random_);
    const Status started = run(provider_->start(20s));
    EXPECT_TRUE(started) << started.error().message << ": " << started.error().detail
                         << file_text(directory(daemon()) + "/log");
}

bool LibvirtSubject::at_daemon(const std::string& machine, const std::function<int(virDomainPtr)>& what) const {
    const std::string uri = fmt::format("qemu+unix:///session?socket={}/socket", directory(daemon()));
    const std::unique_ptr<virConnect, int (*)(virConnectPtr)> connection(::virConnectOpen(uri.c_str()),
                                                                         ::virConnectClose);
    if (!connection) return false;
    const std::unique_ptr<virDomain, int (*)(virDomainPtr)> domain(
        ::virDomainLookupByName(connection.get(), machine.c_str()), ::virDomainFree);
    return domain && what(domain.get()) == 0;
}

Spec LibvirtSubject::spec() {
    Spec spec;
    spec.kind = Kind::machine;
    spec.engine = "vm";
    spec.plan = "tiny";
    spec.parameters = {{"image", "tiny"}, {"cpus", 1}, {"memory", 96 << 20}, {"username", "alice"}};
    const auto ranges = provider_->ranges(spec.kind, spec.engine);
    spec.allocations = {{"address", ranges.at(0).first + addresses_++ % 200}};
    spec.secrets = {{"password", Secret(kTenantCanary)}};
    return spec;
}

std::string LibvirtSubject::address(const Spec& spec) const {
    return boost::asio::ip::make_address_v4(static_cast<std::uint32_t>(spec.allocations.at("address"))).to_string();
}

std::vector<std::string> LibvirtSubject::templates() const {
    std::vector<std::string> found;
    for (const fs::directory_entry& each : fs::directory_iterator(temp_.root())) {
        const std::string name = each.path().filename();
        if (name.starts_with("warm-")) found.push_back(name);
    }
    return found;
}

std::map<std::string, agent::Process> LibvirtSubject::guests() const {
    static const std::regex name("guest=([a-z0-9-]+)");
    const ino_t ours = space_of("/run/netns/slipway-" + network());
    std::map<std::string, agent::Process> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
        const std::string number = entry.path().filename();
        if (number.find_first_not_of("0123456789") != std::string::npos) continue;
        std::string line = file_text(entry.path() / "cmdline");
        std::smatch match;
        if (!line.contains("qemu-system") || !std::regex_search(line, match, name)) continue;
        if (ours == 0 || space_of(entry.path() / "ns/net") != ours) continue;
        const pid_t pid = std::stoi(number);
        const std::optional<agent::ProcessStat> stat = agent::read_stat(pid);
        if (stat && stat->state != 'Z') found[match[1]] = {pid, stat->start_time};
    }
    return found;
}

// What a guest writes by itself is not counted.
std::string LibvirtSubject::picture() {
    std::vector<std::string> lines;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(temp_.root())) {
        struct stat seen{};
        const std::string path = entry.path();
        if (path.contains("/data/") && !path.ends_with(".iso")) continue;
        if (path.contains(daemon()) || ::lstat(path.c_str(), &seen) != 0) continue;
        lines.push_back(fmt::format("{} {} {:o} {} {}.{}", path, seen.st_size, seen.st_mode, seen.st_uid,
                                    seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec));
    }
    for (const auto& [name, process] : guests()) {
        lines.push_back(fmt::format("{} {} {}", name, process.pid, process.start_time));
    }
    std::ranges::sort(lines);
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string LibvirtSubject::identity(const std::string& name) {
    const auto all = guests();
    const auto found = all.find(name);
    return found == all.end() ? "" : fmt::format("{} {}", found->second.pid, found->second.start_time);
}

void LibvirtSubject::plant_foreign(const std::string& name) {
    fs::create_directories(directory(name) + "/data");
    std::ofstream(directory(name) + "/meta.json")
        << R"({"installation":"ins_other","resource":"res_other","generation":1,"uid":210000,"kind":"machine",)"
        << R"("provider":"libvirt","address":"198.18.0.9"})";
    std::ofstream(directory(name) + "/data/precious") << "not ours";
}

void LibvirtSubject::unplant_foreign(const std::string& name) { fs::remove_all(directory(name)); }

void LibvirtSubject::make_stop(const std::string& name) {
    const auto all = guests();
    const auto found = all.find(name);
    ASSERT_NE(found, all.end()) << name << " does not run";
    kill_process(found->second);
    // The daemon hears of it a moment later.
    EXPECT_TRUE(eventually([&] {
        const ProviderAnswer seen = run(provider_->observe(target_of(name), {}, 5s));
        return seen && seen->presence != Presence::running && seen->presence != Presence::pending;
    }));
}

std::vector<std::string> LibvirtSubject::leftovers() {
    std::vector<std::string> left;
    for (const auto& [name, process] : guests()) left.push_back(fmt::format("guest {} {}", name, process.pid));
    for (const std::string place : {"", "/.new", "/.trash"}) {
        for (const fs::directory_entry& entry : fs::directory_iterator(temp_.root() + place)) {
            const std::string name = entry.path().filename();
            if (name.front() != '.' && name != daemon()) left.push_back(entry.path());
        }
    }
    const agent::Answer<std::vector<std::string>> taps = run(client_->taps(network(), 5s));
    EXPECT_TRUE(taps) << taps.error().message;
    for (const auto& [machine, image] : held_)
        left.push_back(fmt::format("the image {} held by {}", image, machine));
    if (taps) left.insert(left.end(), taps->begin(), taps->end());
    return left;
}

std::unique_ptr<Subject> make_libvirt() { return std::make_unique<LibvirtSubject>(); }

}  // namespace slipway::testing
