#include "providers/libvirt/warm.h"

#include <fmt/format.h>

#include "agent/world.h"
#include "base/digest.h"
#include "base/log.h"
#include "domain/resource.h"
#include "providers/pause.h"

namespace slipway::libvirt {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kLookAtTurn = std::chrono::milliseconds(500);
constexpr Duration kMost = std::chrono::minutes(3);         // for making one
constexpr Duration kCall = std::chrono::seconds(15);        // for one step of it
constexpr Duration kAgainAfter = std::chrono::minutes(10);  // what could not be made, or was no good
constexpr std::size_t kKeyLength = 16;
constexpr const char* kPrefix = "warm-";
constexpr const char* kOwner = "warm";  // in the place of a resource's id
// Of the card that nobody talks to: a machine sets its own before that is up.
constexpr const char* kMac = "52:54:00:00:00:00";

std::unexpected<Error> could_not(std::string what, std::string why) {
    return fail(ErrorCode::provider_failure, std::move(what), std::move(why));
}

std::unexpected<Error> refused(std::string what, const agent::Failure& failure) {
    return could_not(std::move(what), failure.message);
}

std::string told(const Error& error) {
    return error.detail.empty() ? error.message : fmt::format("{}: {}", error.message, error.detail);
}

}  // namespace

std::string processor_of(std::string_view cpuinfo) {
    std::string found;
    while (!cpuinfo.empty()) {
        const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
        cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
        if (line.empty()) break;
        for (const std::string_view key : {"vendor_id", "cpu family", "model", "stepping", "microcode", "flags"}) {
            if (line.starts_with(key)) {
                found += line;
                found += '\n';
                break;
            }
        }
    }
    return found;
}

std::string template_name(const Shape& shape, const Image& image, const WarmHost& host) {
    Shape anybody;
    anybody.cpus = shape.cpus;
    anybody.memory = shape.memory;
    anybody.disk = shape.disk;
    const std::string xml = domain_xml(anybody, image, {host.kvm, true, {}, Begin::wait});
    const std::string all =
        fmt::format("{}\n{}\n{}\n{}\n{}", image.directory, shape.disk, host.versions, host.processor, xml);
    return kPrefix + sha256(all).substr(0, kKeyLength);
}

WarmTemplates::WarmTemplates(WarmOptions options, agent::AgentClient& agent, const Clock& clock,
                             machines::BootQueue& boots)
    : options_(std::move(options)), agent_(agent), clock_(clock), boots_(boots) {}

void WarmTemplates::begin(Hypervisor& hypervisor, WarmHost host) {
    hypervisor_ = &hypervisor;
    host_ = std::move(host);
    looked_ = false;
    resting_ = false;
}

std::string WarmTemplates::find(const Shape& shape, const Image& image) const {
    if (hypervisor_ == nullptr || image.warm_cmdline.empty()) return {};
    std::string name = template_name(shape, image, host_);
    const auto found = known_.find(name);
    return found != known_.end() && found->second == Known::frozen ? name : "";
}

void WarmTemplates::spoil(const std::string& name) {
    const auto found = known_.find(name);
    if (found != known_.end()) found->second = Known::to_go;
    put_off(name);
}

void WarmTemplates::put_off(const std::string& name) { not_before_[name] = clock_.now() + kAgainAfter; }

agent::Identity WarmTemplates::identity(std::uint64_t generation) const {
    return {options_.installation.str(), kOwner, generation};
}

// The subnet's own address, which no machine gets, names its tap.
std::optional<WarmTemplates::Wanted> WarmTemplates::wanted_by(const json::object& plan) const {
    Spec spec;
    spec.kind = Kind::machine;
    spec.parameters = plan;
    spec.allocations = {{"address", options_.net.subnet.network().to_uint()}};
    auto shape =
        machines::shape_of({options_.installation, ResourceId(kOwner), kOwner, 1, {}, {}}, spec, options_.net);
    if (!shape) return std::nullopt;
    Result<Image> image = options_.find_image(shape->image);
    // Machines that are asked for are told what is missing.
    if (!image || image->warm_cmdline.empty()) return std::nullopt;
    shape->disk = std::max(shape->disk, image->virtual_bytes);
    shape->mac = kMac;
    return Wanted{std::move(*shape), std::move(*image)};
}

std::map<std::string, WarmTemplates::Wanted> WarmTemplates::wanted() const {
    std::map<std::string, Wanted> all;
    for (const json::object& plan : options_.plans) {
        if (auto each = wanted_by(plan))
            all.emplace(template_name(each->shape, each->image, host_), std::move(*each));
    }
    return all;
}

// Of an earlier server: those that are not whole were being made when it ended.
Task<bool> WarmTemplates::find_left() {
    const Deadline deadline(kCall);
    known_.clear();
    std::string cursor;
    do {
        const agent::Answer<agent::ListPage> page = co_await agent_.list(cursor, deadline.left());
        if (!page) co_return false;
        for (const agent::InstanceStatus& each : page->instances) {
            if (json::get_string(each.meta, "kind") != agent::kTemplateKind) continue;
            const agent::Answer<agent::TemplateLook> look =
                co_await agent_.look_at_template(each.name, deadline.left());
            if (!look) co_return false;
            known_[each.name] = look->frozen ? Known::frozen : Known::to_go;
        }
        cursor = page->next;
    } while (!cursor.empty());
    co_return true;
}

Task<Status> WarmTemplates::remove(std::string name) {
    const Deadline deadline(kCall);
    if (Status ended = co_await hypervisor_->end_any(name, deadline); !ended) co_return ended;
    const std::string address = options_.net.subnet.network().to_string();
    const agent::Answer<void> tap = co_await agent_.remove_tap(options_.network, address, deadline.left());
    if (!tap) co_return refused("its tap", tap.error());
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(name, deadline.left());
    if (!status) co_return refused("a look at it", status.error());
    const auto whose = agent::identity_of(status->meta);
    if (!status->exists || !whose || json::get_string(status->meta, "kind") != agent::kTemplateKind) {
        co_return Status{};
    }
    const agent::Answer<void> removed = co_await agent_.remove_instance(name, *whose, deadline.left());
    if (!removed) co_return refused("its directory", removed.error());
    co_return Status{};
}

// What does not go is tried again.
Task<void> WarmTemplates::remove_others(std::set<std::string> wanted) {
    std::vector<std::string> others;
    for (const auto& [name, known] : known_) {
        if (known == Known::to_go || !wanted.contains(name)) others.push_back(name);
    }
    for (const std::string& name : others) {
        known_[name] = Known::to_go;
        if (const Status removed = co_await remove(name); !removed) {
            log::warning("libvirt", "a template of machines could not be removed",
                         {{"template", name}, {"why", told(removed.error())}});
            continue;
        }
        known_.erase(name);
        log::info("libvirt", "a template of machines went", {{"template", name}});
    }
}

Task<void> WarmTemplates::tend() {
    if (hypervisor_ == nullptr || resting_) co_return;
    if (!looked_) looked_ = co_await find_left();
    if (!looked_) co_return;
    std::map<std::string, Wanted> all = wanted();
    std::set<std::string> names;
    for (const auto& [name, each] : all) names.insert(name);
    co_await remove_others(std::move(names));
    for (auto& [name, each] : all) {
        if (known_.contains(name)) continue;
        const auto wait = not_before_.find(name);
        if (wait != not_before_.end() && clock_.now() < wait->second) continue;
        busy_ = true;
        co_await make(name, std::move(each));
        busy_ = false;
        co_return;
    }
}

// Its boot is one of those that run at once.
Task<bool> WarmTemplates::wait_for_turn(const std::string& name) {
    while (boots_.ask(name, clock_.now()) > 0) {
        if (resting_) co_return false;
        co_await pause(kLookAtTurn);
    }
    co_return true;
}

Task<void> WarmTemplates::make(std::string name, Wanted wanted) {
    const TimePoint begin = clock_.now();
    known_[name] = Known::to_go;  // whatever comes of it, until it is whole
    Status made = fail(ErrorCode::unavailable, "the server ends");
    if (co_await wait_for_turn(name)) made = co_await make_whole(name, wanted, Deadline(kMost));
    boots_.leave(name);
    if (made) {
        known_[name] = Known::frozen;
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin);
        log::info("libvirt", "a template of machines was made",
                  {{"template", name},
                   {"image", wanted.image.directory},
                   {"milliseconds", std::to_string(took.count())}});
        co_return;
    }
    if (!resting_) put_off(name);
    log::warning("libvirt", "a template of machines could not be made: they boot as others do",
                 {{"template", name}, {"image", wanted.image.directory}, {"why", told(made.error())}});
    if (const Status removed = co_await remove(name); removed) known_.erase(name);
}

Task<Status> WarmTemplates::make_whole(const std::string& name, Wanted& wanted, Deadline deadline) {
    // Each is another one: what was removed stays so.
    const auto generation = static_cast<std::uint64_t>(to_micros(clock_.now()));
    const agent::Identity owner = identity(generation);
    wanted.shape.name = name;
    wanted.shape.uuid = machines::uuid_of({options_.installation, ResourceId(name), name, generation, {}, {}});
    agent::Seed seed;
    seed.name = agent::kMachineSeed;
    seed.image = wanted.image.directory;
    seed.disk_bytes = wanted.shape.disk;
    json::object meta = agent::to_json(owner);
    meta["uid"] = static_cast<std::int64_t>(host_.uid);
    meta["kind"] = agent::kTemplateKind;
    meta["provider"] = "libvirt";
    meta["address"] = wanted.shape.address.to_string();
    meta["image"] = wanted.image.directory;
    const agent::Answer<bool> made =
        co_await agent_.create_instance(name, std::move(meta), {}, false, deadline.left(), std::move(seed));
    if (!made) co_return refused("its directory could not be made", made.error());
    if (Status ran = co_await run(name, wanted, deadline); !ran) co_return ran;
    const agent::Answer<void> tap =
        co_await agent_.remove_tap(options_.network, wanted.shape.address.to_string(), deadline.left());
    if (!tap) co_return refused("its tap could not be removed", tap.error());
    const agent::Answer<void> frozen = co_await agent_.freeze_template(name, owner, deadline.left());
    if (!frozen) co_return refused("it could not be kept", frozen.error());
    co_return Status{};
}

// From its start until it is saved.
Task<Status> WarmTemplates::run(const std::string& name, const Wanted& wanted, Deadline deadline) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(name, deadline.left());
    if (!status) co_return refused("it cannot be looked at", status.error());
    const auto owner = agent::identity_of(status->meta);
    if (!owner) co_return could_not("its directory is damaged", status->damage);
    const agent::Answer<bool> volume = co_await agent_.add_volume(name, *owner, deadline.left());
    if (!volume) co_return refused("its volume could not be made", volume.error());
    const agent::Answer<void> tap = co_await agent_.add_tap(
        {options_.network, wanted.shape.address.to_string(), wanted.shape.mac, host_.uid}, deadline.left());
    if (!tap) co_return refused("its tap could not be made", tap.error());
    const std::string xml =
        domain_xml(wanted.shape, wanted.image, {host_.kvm, true, tag_of(wanted.shape, wanted.image), Begin::wait});
    if (Status started = co_await hypervisor_->start(xml, deadline.within(kCall)); !started) co_return started;
    if (Status waits = co_await wait_for_its_word(name, wanted, deadline); !waits) co_return waits;
    co_return co_await hypervisor_->save(
        {name, wanted.shape.uuid}, fmt::format("{}/{}/data/{}", agent::kWorldInstances, name, agent::kSavedState),
        deadline);
}

Task<Status> WarmTemplates::wait_for_its_word(const std::string& name, const Wanted& wanted, Deadline deadline) {
    const DomainName domain{name, wanted.shape.uuid};
    while (!resting_ && !deadline.over()) {
        const agent::Answer<agent::TemplateLook> look = co_await agent_.look_at_template(name, deadline.left());
        if (!look) co_return refused("it cannot be looked at", look.error());
        if (look->waits) co_return Status{};
        const Result<DomainSeen> seen = co_await hypervisor_->look(domain, deadline.within(kCall));
        if (!seen) co_return fail(seen.error());
        if (seen->state != DomainState::running) co_return could_not("it does not run any more", "");
        co_await pause(kLook);
    }
    co_return could_not(resting_ ? "the server ends" : "it does not say that it waits to be told who it is", "");
}

Task<void> WarmTemplates::rest(Deadline deadline) {
    resting_ = true;
    while (busy_ && !deadline.over()) co_await pause(kLook);
}

}  // namespace slipway::libvirt
