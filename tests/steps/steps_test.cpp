// Every call of every kind of operation failed in turn, lost in turn and made twice in turn, and the process killed
// around every call and every commit. A new kind of operation joins by being in the enumeration.
#include <gtest/gtest.h>

#include "steps/stage.h"

namespace slipway::sim {
namespace {

constexpr std::array kKinds{OperationKind::provision, OperationKind::deprovision, OperationKind::update,
                            OperationKind::repair, OperationKind::claim};
constexpr std::array kErrors{ErrorClass::throttled,       ErrorClass::transient, ErrorClass::permanent,
                             ErrorClass::unknown_outcome, ErrorClass::conflict,  ErrorClass::address_in_use};

// A kind that is added to the enumeration and not here does not compile (no default), so that none is forgotten.
constexpr bool listed(OperationKind kind) {
    switch (kind) {
        case OperationKind::provision:
        case OperationKind::deprovision:
        case OperationKind::update:
        case OperationKind::repair:
        case OperationKind::claim: return true;
    }
    return false;
}
static_assert(listed(OperationKind::claim));

class EveryOperation : public testing::TestWithParam<std::tuple<OperationKind, Uniqueness>> {
  protected:
    [[nodiscard]] OperationKind kind() const { return std::get<0>(GetParam()); }
    std::unique_ptr<Stage> play(const Fault& fault) {
        auto stage = std::make_unique<Stage>(kind(), std::get<1>(GetParam()), fault);
        stage->play();
        for (const std::string& violation : stage->violations) {
            ADD_FAILURE() << describe(fault) << ": " << violation;
        }
        return stage;
    }
    // Creations that are refused for good leave nothing; everything else ends as if nothing had gone wrong.
    void expect_end(const Stage& stage, const Fault& fault) {
        const bool creating = kind() == OperationKind::provision || kind() == OperationKind::claim;
        const bool refused = fault.kind == Fault::Kind::error && fault.error == ErrorClass::permanent;
        ASSERT_NE(stage.resource(), nullptr) << describe(fault);
        const std::string state(state_name(stage.resource()->state));
        if (kind() == OperationKind::deprovision) {
            EXPECT_EQ(state, "gone") << describe(fault);
            EXPECT_EQ(stage.things(), 0U) << describe(fault);
        } else if (creating && refused) {
            EXPECT_EQ(state, "failed") << describe(fault);
            EXPECT_EQ(stage.things(), 0U) << describe(fault);
        } else {
            EXPECT_EQ(state, "ready") << describe(fault);
            EXPECT_EQ(stage.things(), 1U) << describe(fault);
        }
    }
};

TEST_P(EveryOperation, EndsWellWithoutAFault) {
    const auto stage = play({});
    expect_end(*stage, {});
    ASSERT_EQ(stage->operations().size(), 1U);
    EXPECT_GE(stage->calls, 1U);
    EXPECT_GE(stage->commits, 2U) << "the intent and the end";
}

TEST_P(EveryOperation, EveryCallFailedInTurnWithEveryClassOfError) {
    const std::size_t calls = play({})->calls;
    for (std::size_t at = 0; at < calls; ++at) {
        for (const ErrorClass error : kErrors) {
            const Fault fault{Fault::Kind::error, at, error, {}};
            expect_end(*play(fault), fault);
        }
    }
}

TEST_P(EveryOperation, EveryAnswerLostInTurn) {
    const std::size_t calls = play({})->calls;
    for (std::size_t at = 0; at < calls; ++at) {
        const Fault fault{Fault::Kind::lost_answer, at, {}, {}};
        expect_end(*play(fault), fault);
    }
}

TEST_P(EveryOperation, EveryCallMadeTwiceInTurn) {
    const std::size_t calls = play({})->calls;
    for (std::size_t at = 0; at < calls; ++at) {
        const Fault fault{Fault::Kind::twice, at, {}, {}};
        expect_end(*play(fault), fault);
    }
}

TEST_P(EveryOperation, KilledBeforeAndAfterEveryCallAndEveryCommit) {
    const auto clean = play({});
    for (const CrashPoint point :
         {CrashPoint::before_call, CrashPoint::after_call, CrashPoint::before_commit, CrashPoint::after_commit}) {
        const bool call = point == CrashPoint::before_call || point == CrashPoint::after_call;
        const std::size_t count = call ? clean->calls : clean->commits;
        for (std::size_t at = 0; at < count; ++at) {
            const Fault fault{Fault::Kind::crash, at, {}, point};
            const auto stage = play(fault);
            expect_end(*stage, fault);
            // The next life of the process knows its own leases: it does not wait for them to run out (30 s).
            EXPECT_LT(stage->recovery, std::chrono::seconds(10)) << describe(fault);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryOperation,
                         testing::Combine(testing::ValuesIn(kKinds),
                                          testing::Values(Uniqueness::by_name, Uniqueness::by_token)),
                         [](const auto& info) {
                             return std::string(to_string(std::get<0>(info.param))) +
                                    (std::get<1>(info.param) == Uniqueness::by_name ? "_by_name" : "_by_token");
                         });

}  // namespace
}  // namespace slipway::sim
