// The provider that `slipway serve --provider dummy` runs: makes nothing and answers at once, so that the broker,
// its store and its faces can be tried and measured alone. It keeps nothing either, so that a million resources of
// it cost no memory and a restart loses none: what a resource's own record says of it (its handle) is the whole
// truth. Only what was made so lately that no record may have its handle yet is remembered. (DummyProvider is the
// one whose answers a test scripts.)
#pragma once

#include <deque>
#include <unordered_set>

#include "providers/provider.h"

namespace slipway::dummy {

constexpr std::string_view kInertName = "dummy";

struct InertOptions {
    std::uint32_t concurrency = 64;  // 0: what is asked for stays queued
};

class InertProvider final : public Provider {
  public:
    explicit InertProvider(InertOptions options) : options_(options) {}

    [[nodiscard]] std::string_view name() const override { return kInertName; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<std::string> secrets(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::uint32_t concurrency() const override { return options_.concurrency; }
    [[nodiscard]] bool on_this_host() const override { return false; }

    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    // Empty: it knows of nothing.
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    void on_change(std::function<void(std::string external_name)> listener) override;

  private:
    [[nodiscard]] Observation look(const Target& target, const Spec& spec) const;
    void remember(const Target& target);

    InertOptions options_;
    std::unordered_set<std::string> fresh_;  // marks of what was made lately
    std::deque<std::string> fresh_order_;    // the same, oldest first
};

}  // namespace slipway::dummy
