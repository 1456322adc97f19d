#include "lxc_subject.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/tool.h"

namespace slipway::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// One of its own for each process: tests run at the same time.
std::string LxcSubject::network() const { return fmt::format("{:08x}", 0x7e590000U + ::getpid() % 0xffff); }

LxcSubject::LxcSubject() { open(); }

LxcSubject::~LxcSubject() {
    for (const auto& each : monitors()) kill_process(each.second);
    const agent::Answer<void> down = run(client_->network_down(network(), 5s));
    EXPECT_TRUE(down);
    provider_.reset();
    client_.reset();
}

void LxcSubject::open(const std::string& die_at) {
    provider_.reset();
    client_.reset();
    agent::SpawnOptions spawn;
    spawn.root = root_;
    spawn.images = test_images();
    if (!die_at.empty()) spawn.extra = {"--die-at", die_at};
    client_ = std::make_unique<agent::AgentClient>(io_.get_executor(), spawn);
    lxc::LxcOptions options;
    options.installation = InstallationId("ins_conformance");
    // 198.18.0.0/15 is for tests of networks (RFC 2544).
    options.net =
        machines::own_net(boost::asio::ip::make_network_v4(fmt::format("198.19.{}.0/24", ::getpid() % 256)));
    options.network = network();
    options.boots = 8;  // the suite does not wait for turns
    options.find_image = find_test_image;
    options.keeper.hold = [this](const std::string& image, const std::string& machine) {
        held_[machine] = image;
        return Status();
    };
    options.keeper.release = [this](const std::string& machine) {
        held_.erase(machine);
        return Status();
    };
    provider_ = std::make_unique<lxc::LxcProvider>(std::move(options), *client_, clock_, random_);
    const Status started = run(provider_->start(20s));
    EXPECT_TRUE(started) << started.error().message << ": " << started.error().detail;
}

std::string LxcSubject::address(const Spec& spec) const {
    return boost::asio::ip::address_v4(static_cast<std::uint32_t>(spec.allocations.at("address"))).to_string();
}

std::string LxcSubject::inside(const std::string& name, const std::string& script) const {
    std::string join;
    for (const std::string& each : groups()) {
        if (each.ends_with("/" + name)) join += fmt::format("echo $$ >{}/cgroup.procs && ", each);
    }
    const agent::Answer<std::string> said =
        agent::run_tool("/bin/sh",
                        {"-c", join + "exec nsenter --target \"$1\" --all -- /bin/sh -c \"$2\"", "inside",
                         std::to_string(init_of(name)), script},
                        20'000);
    return said ? *said : "failed: " + said.error().message;
}

Spec LxcSubject::spec() {
    Spec spec;
    spec.kind = Kind::machine;
    spec.engine = "container";
    spec.plan = "tiny";
    spec.parameters = {{"image", "tiny"}, {"cpus", 1}, {"memory", 64 << 20}, {"username", "alice"}};
    const auto ranges = provider_->ranges(spec.kind, spec.engine);
    spec.allocations = {{"address", ranges.at(0).first + addresses_++ % 200}};
    spec.secrets = {{"password", Secret(kTenantCanary)}};
    return spec;
}

std::map<std::string, agent::Process> LxcSubject::monitors() const {
    std::map<std::string, agent::Process> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(root_)) {
        const UniqueFd lock(::open((entry.path() / "lock").c_str(), O_RDONLY | O_CLOEXEC));
        if (!lock) continue;
        for (const agent::Process& each : agent::lock_holders(lock.get())) found[entry.path().filename()] = each;
    }
    return found;
}

pid_t LxcSubject::init_of(const std::string& name) const {
    for (const std::string& each : groups()) {
        std::ifstream list(each + "/cgroup.procs");
        pid_t pid = 0;
        if (each.ends_with("/" + name) && list >> pid) return pid;
    }
    return 0;
}

std::vector<std::string> LxcSubject::groups() const {
    std::vector<std::string> found;
    const std::string ours = "/slipway-" + network();
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error)) {
        if (entry.path().string().contains(ours) && entry.is_directory(error)) found.push_back(entry.path());
    }
    return found;
}

// What a container writes by itself is not counted.
std::string LxcSubject::picture() {
    std::vector<std::string> lines;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
        struct stat seen{};
        const std::string path = entry.path();
        if (path.contains("/data/") || ::lstat(path.c_str(), &seen) != 0) continue;
        lines.push_back(fmt::format("{} {} {:o} {} {}.{}", path, seen.st_size, seen.st_mode, seen.st_uid,
                                    seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec));
    }
    for (const auto& [name, process] : monitors()) {
        lines.push_back(fmt::format("{} {} {} {}", name, process.pid, process.start_time, init_of(name)));
    }
    std::ranges::sort(lines);
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string LxcSubject::identity(const std::string& name) {
    const auto all = monitors();
    const auto found = all.find(name);
    return found == all.end() ? "" : fmt::format("{} {}", found->second.pid, found->second.start_time);
}

void LxcSubject::plant_foreign(const std::string& name) {
    fs::create_directories(directory(name) + "/data");
    std::ofstream(directory(name) + "/meta.json")
        << R"({"installation":"ins_other","resource":"res_other","generation":1,"uid":210000,"kind":"machine",)"
        << R"("provider":"lxc","address":"198.19.0.9"})";
    std::ofstream(directory(name) + "/data/precious") << "not ours";
}

void LxcSubject::unplant_foreign(const std::string& name) { fs::remove_all(directory(name)); }

void LxcSubject::make_stop(const std::string& name) {
    const auto all = monitors();
    const auto found = all.find(name);
    ASSERT_NE(found, all.end()) << name << " does not run";
    kill_process(found->second);
}

std::vector<std::string> LxcSubject::leftovers() {
    std::vector<std::string> left;
    for (const auto& [name, process] : monitors()) left.push_back(fmt::format("monitor {} {}", name, process.pid));
    for (const std::string place : {"", "/.new", "/.trash"}) {
        for (const fs::directory_entry& entry : fs::directory_iterator(root_ + place)) {
            if (entry.path().filename().string().front() != '.') left.push_back(entry.path());
        }
    }
    for (const auto& [machine, image] : held_)
        left.push_back(fmt::format("the image {} held by {}", image, machine));
    const agent::Answer<std::vector<std::string>> taps = run(client_->taps(network(), 5s));
    EXPECT_TRUE(taps) << taps.error().message;
    if (taps) left.insert(left.end(), taps->begin(), taps->end());
    for (const std::string& each : groups()) left.push_back(each);
    // The kernel lets go of them a moment after the last process of a container.
    const auto loops = [this] {
        std::error_code error;
        for (const fs::directory_entry& entry : fs::directory_iterator("/sys/block", error)) {
            if (file_text(entry.path() / "loop/backing_file").starts_with(root_ + "/")) return true;
        }
        return false;
    };
    if (!eventually([&] { return !loops(); })) left.emplace_back("a loop device");
    if (file_text("/proc/mounts").contains(root_)) left.emplace_back("a mount");
    return left;
}

std::unique_ptr<Subject> make_lxc() { return std::make_unique<LxcSubject>(); }

}  // namespace slipway::testing
