#include "providers/dummy/inert_provider.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace slipway::dummy {
namespace {

class InertTest : public ::testing::Test {
  protected:
    static Observation answer(Task<ProviderAnswer> task) {
        std::optional<ProviderAnswer> result;
        boost::asio::io_context io;
        boost::asio::co_spawn(io, std::move(task),
                              [&](std::exception_ptr, ProviderAnswer value) { result = std::move(value); });
        io.run();
        EXPECT_TRUE(*result) << "it has nothing that could fail";
        return result->value_or(Observation{});
    }
    static Target target(json::object handle) {
        return {InstallationId("ins"), ResourceId("res_1"), "one", 1, "t1", std::move(handle)};
    }
    InertProvider provider_{InertOptions{}};
};

TEST_F(InertTest, WhatWasNeverRecordedIsNotThere) {
    EXPECT_EQ(answer(provider_.observe(target({}), {}, {})).presence, Presence::absent);
}

TEST_F(InertTest, TheRecordOfAResourceIsAllThatItGoesBy) {
    const Observation made = answer(provider_.create(target({}), {}, {}));
    EXPECT_EQ(made.presence, Presence::running);
    ASSERT_TRUE(made.endpoint);
    EXPECT_EQ(made.endpoint->host, "one.invalid");
    InertProvider restarted{InertOptions{}};
    EXPECT_EQ(answer(restarted.observe(target(made.handle), {}, {})).presence, Presence::running)
        << "or every resource would be repaired at each start";
    Target next = target(made.handle);
    next.generation = 2;
    EXPECT_EQ(answer(restarted.observe(next, {}, {})).presence, Presence::absent)
        << "an earlier generation's record is none of this one";
}

TEST_F(InertTest, AMachineIsAtTheAddressThatItWasGiven) {
    EXPECT_TRUE(provider_.ranges(Kind::cache, "redis").empty());
    const auto ranges = provider_.ranges(Kind::machine, "vm");
    ASSERT_EQ(ranges.size(), 1U);
    EXPECT_EQ(ranges[0].key, "address");
    Spec spec;
    spec.kind = Kind::machine;
    spec.allocations = {{"address", ranges[0].first}};
    const Observation made = answer(provider_.create(target({}), spec, {}));
    ASSERT_TRUE(made.endpoint);
    EXPECT_EQ(*made.endpoint, (Endpoint{"ssh", "198.18.0.1", 22}));
    EXPECT_EQ(answer(provider_.observe(target(made.handle), spec, {})).endpoint, made.endpoint);
    spec.allocations["address"] = ranges[0].last;
    EXPECT_EQ(answer(provider_.update(target(made.handle), spec, {})).endpoint->host, "198.19.255.254");
}

// A creation is checked before its handle is in any record.
TEST_F(InertTest, WhatWasJustMadeIsThereBeforeItIsRecorded) {
    answer(provider_.create(target({}), {}, {}));
    EXPECT_EQ(answer(provider_.observe(target({}), {}, {})).presence, Presence::running);
    answer(provider_.remove(target({}), {}, {}));
    EXPECT_EQ(answer(provider_.observe(target({}), {}, {})).presence, Presence::absent);
}

TEST_F(InertTest, RemovalEndsAtOnceAndCanBeRepeated) {
    const Observation made = answer(provider_.create(target({}), {}, {}));
    EXPECT_EQ(answer(provider_.remove(target(made.handle), {}, {})).presence, Presence::absent);
    EXPECT_EQ(answer(provider_.remove(target({}), {}, {})).presence, Presence::absent);
}

}  // namespace
}  // namespace slipway::dummy
