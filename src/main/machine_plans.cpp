#include "main/machine_plans.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "domain/machine.h"
#include "domain/words.h"

namespace slipway {
namespace {

constexpr std::int64_t kMegabyte = 1LL << 20;
constexpr std::int64_t kLeast = 64 * kMegabyte;  // of memory and of a disk: what a kernel and its programs need
constexpr std::int64_t kMostMemory = 1LL << 42;
constexpr std::int64_t kMostDisk = 1LL << 47;
constexpr std::int64_t kMostCpus = 64;
constexpr std::size_t kMaxImage = 63;

struct Maker {
    std::string_view engine;
    std::string_view provider;
};
constexpr std::array<Maker, 2> kMakers{{{"vm", "libvirt"}, {"container", "lxc"}}};
constexpr std::string_view kDummy = "dummy";
constexpr Duration kShortestPlaybook = std::chrono::seconds(10);
constexpr Duration kLongestPlaybook = std::chrono::hours(24);

// Where a plan says nothing.
constexpr std::int64_t kCpus = 1;
constexpr std::int64_t kMemory = 128 * kMegabyte;
constexpr std::int64_t kDisk = 256 * kMegabyte;

void read_parameters(TableReader& inner, Plan& plan) {
    std::string image;
    if (!inner.has("image")) inner.problem("image", "is required: the name of an image in the store of images");
    inner.text("image", image, check_image);
    plan.parameters = {{"image", image},
                       {"cpus", inner.whole("cpus", 1, kMostCpus).value_or(kCpus)},
                       {"memory", inner.size("memory", kLeast, kMostMemory).value_or(kMemory)},
                       {"disk", inner.size("disk", kLeast, kMostDisk).value_or(kDisk)}};
}

void read_warm(TableReader& inner, Plan& plan) {
    bool warm = false;
    inner.boolean("warm", warm);
    if (!warm) return;
    if (plan.engine != "vm")
        inner.problem("warm", "is for virtual machines (engine vm): a container has no state to start from");
    plan.parameters[kWarm] = true;
}

// Whoever starts the server is told now what everybody who asks for a machine would be told then.
std::string check_playbook(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) return fmt::format("there is no file {}", file.string());
    return ::access(file.c_str(), R_OK) == 0 ? "" : fmt::format("{} cannot be read by this user", file.string());
}

// Relative to the file that names it.
void read_playbook(TableReader& inner, Plan& plan) {
    std::string name;
    inner.text("playbook", name, [](const std::string& text) {
        return text.empty() ? "must be the path of a file, e.g. \"/etc/slipway/playbooks/web.yml\"" : "";
    });
    Duration limit = kPlaybookLimit;
    inner.duration("playbook_limit", limit, kShortestPlaybook, kLongestPlaybook);
    if (!inner.has("playbook")) {
        if (inner.has("playbook_limit")) inner.problem("playbook_limit", "is of no use without a playbook");
        return;
    }
    if (name.empty()) return;
    std::error_code ignored;
    const std::filesystem::path file =
        std::filesystem::absolute(inner.directory() / name, ignored).lexically_normal();
    if (const std::string fault = check_playbook(file); !fault.empty()) inner.problem("playbook", fault);
    plan.parameters[kPlaybook] = file.string();
    plan.parameters[kPlaybookSeconds] = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
}

}  // namespace

bool is_machine_engine(std::string_view name) {
    return std::ranges::find(kMachineEngines, name) != kMachineEngines.end();
}

std::string_view machine_provider_of(std::string_view engine) {
    const auto* const maker = std::ranges::find(kMakers, engine, &Maker::engine);
    return maker == kMakers.end() ? kDummy : maker->provider;
}

std::string check_image(const std::string& name) {
    const bool good =
        !name.empty() && name.size() <= kMaxImage && name.front() != '.' && name.front() != '-' &&
        std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        });
    return good ? "" : fmt::format("must be 1 to {} of a-z 0-9 . _ -, and begin with none of . -", kMaxImage);
}

std::vector<Plan> default_machine_plans() {
    std::vector<Plan> plans;
    for (const auto& [engine, what] : {std::pair{"vm", "virtual machine"}, std::pair{"container", "container"}}) {
        Plan plan;
        plan.kind = Kind::machine;
        plan.engine = engine;
        plan.name = "tiny";
        plan.title = fmt::format("Tiny {}", what);
        plan.description = fmt::format("a {} with 1 processor, 128 MiB and a disk of 256 MiB", what);
        plan.provider = machine_provider_of(plan.engine);
        plan.parameters = {{"image", "tiny"}, {"cpus", kCpus}, {"memory", kMemory}, {"disk", kDisk}};
        plan.password = false;
        plans.push_back(std::move(plan));
    }
    return plans;
}

void read_machine(TableReader& reader, Plan& plan, std::vector<ConfigProblem>& problems) {
    plan.password = false;
    const std::string_view own = machine_provider_of(plan.engine);
    if (plan.provider != own && plan.provider != kDummy) {
        reader.problem(reader.has("provider") ? "provider" : "engine",
                       fmt::format("must be \"{}\" or \"{}\" for machines of engine {}", own, kDummy, plan.engine));
    }
    const toml::table* parameters = reader.table("parameters");
    if (parameters == nullptr) {
        reader.problem("parameters", "must name an image: {image = \"tiny\"}");
        return;
    }
    TableReader inner(*parameters, reader.path() + ".parameters", problems);
    read_parameters(inner, plan);
    read_warm(inner, plan);
    read_playbook(inner, plan);
    inner.finish();
}

void check_playbook_limits(const std::vector<Plan>& plans, Duration longest, std::vector<ConfigProblem>& problems) {
    for (const Plan& plan : plans) {
        const std::chrono::seconds limit(json::get_int(plan.parameters, kPlaybookSeconds));
        if (limit < longest) continue;
        problems.push_back({0, "broker.provision_limit",
                            fmt::format("must be longer than the {} that the playbook of plan {} may take "
                                        "(playbook_limit): the machine has to boot as well",
                                        in_words(limit), plan.name)});
    }
}

void check_makes_machines(TableReader& reader, const Plan& plan) {
    const bool makes_machines =
        std::ranges::any_of(kMakers, [&](const Maker& maker) { return maker.provider == plan.provider; });
    if (makes_machines) reader.problem("provider", fmt::format("{} makes machines only", plan.provider));
}

}  // namespace slipway
