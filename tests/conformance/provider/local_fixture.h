// One instance of a real engine on this machine: made, looked at and taken away by the local provider.
#pragma once

#include <gtest/gtest.h>

#include "local_subject.h"

namespace slipway::testing {

class LocalEngineTest : public ::testing::Test {
  protected:
    explicit LocalEngineTest(const std::string& engine) : subject_(engine) {}
    void TearDown() override {
        if (HasFailure())
            fmt::print(stderr, "log of the engine:\n{}\n", file_text(subject_.directory("oct-1") + "/log"));
        const ProviderAnswer removed = remove();
        EXPECT_TRUE(removed) << removed.error().message;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << fmt::format("{}", fmt::join(left, ", "));
    }

    static constexpr Duration kBudget = std::chrono::seconds(20);
    ProviderAnswer create(Duration budget = kBudget) {
        return subject_.run(subject_.provider().create(target_, spec_, budget));
    }
    ProviderAnswer update(Duration budget = kBudget) {
        return subject_.run(subject_.provider().update(target_, spec_, budget));
    }
    ProviderAnswer observe(Duration budget = kBudget) {
        return subject_.run(subject_.provider().observe(target_, spec_, budget));
    }
    ProviderAnswer remove() { return subject_.run(subject_.provider().remove(target_, spec_, kBudget)); }
    static ::testing::AssertionResult is(const ProviderAnswer& answer, Presence presence) {
        if (!answer)
            return ::testing::AssertionFailure() << answer.error().message << ": " << answer.error().detail;
        if (answer->presence == presence) return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << to_string(answer->presence) << ": " << answer->detail;
    }
    std::uint16_t port() { return static_cast<std::uint16_t>(spec_.allocations.at("port")); }

    LocalSubject subject_;
    Target target_ = target_of("oct-1");
    Spec spec_ = subject_.spec();
};

}  // namespace slipway::testing
