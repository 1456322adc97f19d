#include "providers/dummy/inert_provider.h"

#include <fmt/format.h>

#include "base/address.h"

namespace slipway::dummy {
namespace {

constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSshPort = 22;
// Machines are known by an address. These are for measuring instruments (RFC 2544): no network that anybody reaches
// has them.
constexpr std::string_view kAddress = "address";
constexpr std::int64_t kFirstAddress = 0xC612'0001;  // 198.18.0.1
constexpr std::int64_t kLastAddress = 0xC613'FFFE;   // 198.19.255.254
// More than can be under way at once (config.cpp bounds that), so that nothing is forgotten before it is recorded.
constexpr std::size_t kRemembered = 16'384;

std::string mark(const Target& target) { return fmt::format("{}/{}", target.resource.str(), target.generation); }

// The handle says whose it is and of which generation, as a provider's own id would.
json::object handle_of(const Target& target) {
    return {{"resource", target.resource.str()}, {"generation", target.generation}};
}

Observation nothing_there() { return {}; }

Endpoint endpoint_of(const Target& target, const Spec& spec) {
    const auto address = spec.allocations.find(std::string(kAddress));
    if (address != spec.allocations.end()) return {"ssh", ipv4_text(address->second), kSshPort};
    // A name that never resolves (RFC 2606): nobody takes it for something that can be reached.
    return {"dummy", target.external_name + ".invalid", kPort};
}

Observation running(const Target& target, const Spec& spec) {
    Observation seen;
    seen.presence = Presence::running;
    seen.endpoint = endpoint_of(target, spec);
    seen.handle = handle_of(target);
    seen.detail = "it is a dummy: nothing was made";
    return seen;
}

}  // namespace

Observation InertProvider::look(const Target& target, const Spec& spec) const {
    const bool there = target.handle == handle_of(target) || fresh_.contains(mark(target));
    return there ? running(target, spec) : nothing_there();
}

void InertProvider::remember(const Target& target) {
    std::string made = mark(target);
    if (!fresh_.insert(made).second) return;
    fresh_order_.push_back(std::move(made));
    if (fresh_order_.size() <= kRemembered) return;
    fresh_.erase(fresh_order_.front());
    fresh_order_.pop_front();
}

Status InertProvider::available(Kind, std::string_view) const { return {}; }
std::vector<AllocationRange> InertProvider::ranges(Kind kind, std::string_view) const {
    if (kind != Kind::machine) return {};
    return {{"dummy/address", std::string(kAddress), kFirstAddress, kLastAddress}};
}
std::vector<std::string> InertProvider::secrets(Kind, std::string_view) const { return {}; }

Task<ProviderAnswer> InertProvider::observe(Target target, Spec spec, Duration) { co_return look(target, spec); }
Task<ProviderAnswer> InertProvider::create(Target target, Spec spec, Duration) {
    remember(target);
    co_return running(target, spec);
}
Task<ProviderAnswer> InertProvider::update(Target target, Spec spec, Duration) { co_return running(target, spec); }
Task<ProviderAnswer> InertProvider::remove(Target target, Spec, Duration) {
    fresh_.erase(mark(target));
    co_return nothing_there();
}

Task<std::expected<InventoryPage, ProviderError>> InertProvider::inventory(std::string, Duration) {
    co_return InventoryPage{};
}

// Nothing ever changes by itself.
void InertProvider::on_change(std::function<void(std::string external_name)>) {}

}  // namespace slipway::dummy
