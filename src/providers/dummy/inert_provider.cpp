#include "providers/dummy/inert_provider.h"

#include <fmt/format.h>

namespace slipway::dummy {
namespace {

constexpr std::uint16_t kPort = 6379;
// More than can be under way at once (config.cpp bounds that), so that nothing is forgotten before it is recorded.
constexpr std::size_t kRemembered = 16'384;

std::string mark(const Target& target) { return fmt::format("{}/{}", target.resource.str(), target.generation); }

// The handle says whose it is and of which generation, as a provider's own id would.
json::object handle_of(const Target& target) {
    return {{"resource", target.resource.str()}, {"generation", target.generation}};
}

Observation nothing_there() { return {}; }

Observation running(const Target& target) {
    Observation seen;
    seen.presence = Presence::running;
    // A name that never resolves (RFC 2606): nobody takes it for something that can be reached.
    seen.endpoint = Endpoint{"dummy", target.external_name + ".invalid", kPort};
    seen.handle = handle_of(target);
    seen.detail = "it is a dummy: nothing was made";
    return seen;
}

}  // namespace

Observation InertProvider::look(const Target& target) const {
    const bool there = target.handle == handle_of(target) || fresh_.contains(mark(target));
    return there ? running(target) : nothing_there();
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
std::vector<AllocationRange> InertProvider::ranges(Kind, std::string_view) const { return {}; }
std::vector<std::string> InertProvider::secrets(Kind, std::string_view) const { return {}; }

Task<ProviderAnswer> InertProvider::observe(Target target, Spec, Duration) { co_return look(target); }
Task<ProviderAnswer> InertProvider::create(Target target, Spec, Duration) {
    remember(target);
    co_return running(target);
}
Task<ProviderAnswer> InertProvider::update(Target target, Spec, Duration) { co_return running(target); }
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
