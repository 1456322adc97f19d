#include "providers/lxc/lxc_provider.h"

#include <fmt/format.h>

#include "base/log.h"
#include "providers/lxc/call.h"
#include "providers/machines/instance.h"
#include "providers/machines/network.h"

namespace slipway::lxc {
namespace {

constexpr std::string_view kEngine = "container";
const std::string kStart = "start of the provider";  // no name of a container

std::unexpected<Error> unavailable(std::string message) { return fail(ErrorCode::unavailable, std::move(message)); }
using machines::unavailable;

}  // namespace

LxcProvider::LxcProvider(LxcOptions options, agent::AgentClient& agent, const Clock& clock, Random& random)
    : options_(std::move(options)),
      agent_(agent),
      clock_(clock),
      random_(random),
      network_(options_.network.empty() ? machines::network_of(options_.installation) : options_.network),
      boots_(options_.boots) {}

Status LxcProvider::available(Kind kind, std::string_view engine) const {
    if (kind == Kind::machine && engine == kEngine) return ready_;
    return unavailable(fmt::format("the lxc provider cannot make {} {}", engine, to_string(kind)));
}

std::vector<AllocationRange> LxcProvider::ranges(Kind kind, std::string_view engine) const {
    if (kind != Kind::machine || engine != kEngine) return {};
    return machines::address_ranges(options_.net);
}

std::vector<std::string> LxcProvider::secrets(Kind kind, std::string_view engine) const {
    static_cast<void>(kind);
    static_cast<void>(engine);
    return {};
}

// What ends by itself is found by the scans.
void LxcProvider::on_change(std::function<void(std::string external_name)> listener) {
    static_cast<void>(listener);
}

Task<Status> LxcProvider::start(Duration budget) {
    const Deadline deadline(budget);
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(kStart, deadline);
    ready_ = guard ? co_await machines::bring_up_whole([&] { return bring_up(deadline); })
                   : unavailable("the machines' network is being made already");
    co_return ready_;
}

// What was begun before a restart of the broker waits here until it is known whether it can go on: it is no failure
// of its own.
Task<Status> LxcProvider::started(Deadline deadline) {
    if (ready_) co_return Status{};
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(kStart, deadline);
    if (!guard) co_return unavailable("the machines' network is being made");
    co_return ready_;
}

Task<Status> LxcProvider::bring_up(Deadline deadline) {
    const agent::Answer<agent::Hello> hello = co_await agent_.hello(deadline.left());
    if (!hello) co_return unavailable(hello.error());
    if (hello->version != agent::kProtocolVersion) {
        co_return unavailable("the helper process is of another version: restart it");
    }
    if (!hello->isolation) co_return unavailable("machines take a helper that is root (docs/operating.md)");
    if (hello->root.empty() || hello->images.empty()) {
        co_return unavailable("the helper process was not told where images are (slipway agent --images)");
    }
    const agent::Answer<void> able = co_await agent_.check_containers(deadline.left());
    if (!able) co_return unavailable(able.error());
    uid_ = hello->uid_last - agent::kContainersUid;
    const agent::Answer<void> network =
        co_await agent_.network_up(network_, options_.net.subnet.to_string(), options_.net.bridge, deadline.left());
    if (!network) co_return unavailable(network.error());
    co_return co_await machines::clear_taps(agent_, network_, deadline);
}

// What does not come off is found by the next start.
Task<Status> LxcProvider::rest(Duration budget) {
    const Deadline deadline(budget);
    if (!ready_) co_return Status{};
    const Result<bool> needed = co_await machines::any_machine(agent_, deadline);
    if (!needed) co_return fail(needed.error());
    if (*needed) co_return Status{};
    ready_ = unavailable("the machines' network went with the server");
    const agent::Answer<void> down = co_await agent_.network_down(network_, deadline.left());
    if (!down) co_return unavailable(down.error());
    log::info("lxc", "the machines' network went: there is no machine");
    co_return Status{};
}

Task<ProviderAnswer> LxcProvider::answer(Verb verb, Target target, Spec spec, Duration budget) {
    Call call{verb, std::move(target), std::move(spec), Deadline(budget)};
    if (!agent::valid_name(call.name()))
        co_return refuse(ErrorClass::permanent, "the name must match [a-z0-9-]{1,63}");
    if (const Status able = co_await started(call.deadline); !able) {
        co_return refuse(ErrorClass::transient, able.error().message);
    }
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(call.name(), call.deadline);
    if (!guard) co_return refuse(ErrorClass::transient, "another call for the same name is still under way");
    switch (verb) {
        case Verb::observe: co_return co_await do_observe(call);
        case Verb::create:
        case Verb::update: co_return co_await do_converge(call);
        case Verb::remove: co_return co_await do_remove(call);
    }
    co_return refuse(ErrorClass::permanent, "unknown verb");
}

json::object LxcProvider::meta(const Call& call) const {
    return machines::meta_of(call.target, call.shape,
                             {std::string(kEngine), std::string(name()), uid_, call.image.directory});
}

Task<std::expected<InventoryPage, ProviderError>> LxcProvider::inventory(std::string cursor, Duration budget) {
    if (!ready_) co_return refuse(ErrorClass::transient, ready_.error().message);
    const agent::Answer<agent::ListPage> page = co_await agent_.list(std::move(cursor), budget);
    if (!page) co_return std::unexpected(error_of(page.error(), false));
    InventoryPage answer;
    answer.next = page->next;
    for (const agent::InstanceStatus& each : page->instances) {
        if (json::get_string(each.meta, "provider") != name()) continue;
        const std::optional<agent::Identity> owner = agent::identity_of(each.meta);
        if (!owner) continue;
        InventoryItem item;
        item.external_name = each.name;
        item.installation = InstallationId(owner->installation);
        item.resource = ResourceId(owner->resource);
        item.generation = owner->generation;
        item.presence = each.held ? Presence::running : Presence::stopped;
        answer.items.push_back(std::move(item));
    }
    co_return answer;
}

}  // namespace slipway::lxc
