#include "providers/libvirt/libvirt_provider.h"

#include <fmt/format.h>

#include "providers/libvirt/call.h"
#include "providers/machines/instance.h"
#include "providers/machines/network.h"

namespace slipway::libvirt {
namespace {

constexpr std::string_view kEngine = "vm";

}  // namespace

ProviderError error_of(const Error& error, bool touched) {
    const bool unknown = touched || error.code == ErrorCode::timeout;
    return provider_error(unknown ? ErrorClass::unknown_outcome : ErrorClass::transient, error.message,
                          error.detail);
}

LibvirtProvider::LibvirtProvider(LibvirtOptions options, agent::AgentClient& agent, const Clock& clock,
                                 Random& random)
    : options_(std::move(options)),
      agent_(agent),
      clock_(clock),
      random_(random),
      network_(options_.network.empty() ? machines::network_of(options_.installation) : options_.network),
      daemon_("machines-" + network_),
      boots_(options_.boots),
      warm_({options_.installation, options_.net, network_, options_.warm, options_.find_image}, agent_, clock_,
            boots_) {}

LibvirtProvider::~LibvirtProvider() = default;

Status LibvirtProvider::available(Kind kind, std::string_view engine) const {
    if (kind != Kind::machine || engine != kEngine) {
        return fail(ErrorCode::unavailable,
                    fmt::format("the libvirt provider cannot make {} {}", engine, to_string(kind)));
    }
    return ready_;
}

std::vector<AllocationRange> LibvirtProvider::ranges(Kind kind, std::string_view engine) const {
    if (kind != Kind::machine || engine != kEngine) return {};
    return machines::address_ranges(options_.net);
}

std::vector<std::string> LibvirtProvider::secrets(Kind kind, std::string_view engine) const {
    static_cast<void>(kind);
    static_cast<void>(engine);
    return {};
}

// What ends by itself is found by the scans.
void LibvirtProvider::on_change(std::function<void(std::string external_name)> listener) {
    static_cast<void>(listener);
}

Task<ProviderAnswer> LibvirtProvider::answer(Verb verb, Target target, Spec spec, Duration budget) {
    Call call{verb, std::move(target), std::move(spec), Deadline(budget)};
    if (!agent::valid_name(call.name()))
        co_return refuse(ErrorClass::permanent, "the name must match [a-z0-9-]{1,63}");
    if (const Status there = co_await in_touch(call.deadline); !there) {
        co_return refuse(ErrorClass::transient, there.error().message, there.error().detail);
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

json::object LibvirtProvider::meta(const Call& call) const {
    json::object meta = machines::meta_of(call.target, call.shape,
                                          {std::string(kEngine), std::string(name()), uid_, call.image.directory});
    if (!call.from.empty()) meta["template"] = call.from;
    return meta;
}

Task<std::expected<InventoryPage, ProviderError>> LibvirtProvider::inventory(std::string cursor, Duration budget) {
    const Deadline deadline(budget);
    if (const Status there = co_await in_touch(deadline); !there) {
        co_return refuse(ErrorClass::transient, there.error().message, there.error().detail);
    }
    const bool first = cursor.empty();
    const agent::Answer<agent::ListPage> page = co_await agent_.list(std::move(cursor), deadline.left());
    if (!page) co_return std::unexpected(error_of(page.error(), false));
    const Result<std::vector<DomainName>> domains = co_await hypervisor_->all(deadline);
    if (!domains) co_return std::unexpected(error_of(domains.error(), false));
    InventoryPage answer;
    answer.next = page->next;
    for (const agent::InstanceStatus& each : page->instances) {
        if (json::get_string(each.meta, "provider") != name()) continue;
        const std::optional<agent::Identity> owner = agent::identity_of(each.meta);
        if (!owner || json::get_string(each.meta, "kind") != to_string(Kind::machine)) continue;
        InventoryItem item;
        item.external_name = each.name;
        item.installation = InstallationId(owner->installation);
        item.resource = ResourceId(owner->resource);
        item.generation = owner->generation;
        const bool runs =
            std::ranges::any_of(*domains, [&](const DomainName& domain) { return domain.name == each.name; });
        item.presence = runs ? Presence::running : Presence::stopped;
        answer.items.push_back(std::move(item));
    }
    // What the daemon runs and the helper has no directory of: nobody's, as far as can be told.
    for (const DomainName& each : first ? *domains : std::vector<DomainName>()) {
        const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(each.name, deadline.left());
        if (!status || status->exists) continue;
        InventoryItem item;
        item.external_name = each.name;
        item.presence = Presence::foreign;
        item.detail = "the daemon runs a machine of which there is no directory";
        answer.items.push_back(std::move(item));
    }
    co_return answer;
}

}  // namespace slipway::libvirt
