// Calls that are cut off at a chosen point, with the request or its answer lost.
#pragma once

#include <gmock/gmock.h>

#include "cutting_proxy.h"
#include "databases_fixture.h"

namespace slipway::testing {

using EngineAndCut = std::tuple<std::string, Cut>;

class DatabasesInterrupted : public DatabasesTest, public ::testing::WithParamInterface<EngineAndCut> {
  protected:
    DatabasesInterrupted() : DatabasesTest(std::get<0>(GetParam())) {}

    // Makes the call through the proxy, which cuts it at this point; then the broker starts anew, with the server
    // itself before it. False where the call came to its end first.
    bool interrupt(Verb verb, const std::string& name, int point) {
        ServerAccess through = subject_.server().access();
        through.port = proxy_.port();
        subject_.servers().servers = {through};
        subject_.crash();
        proxy_.arm(point, std::get<1>(GetParam()));
        const ProviderAnswer answer = call(verb, name, std::chrono::seconds(5));
        if (answer) {
            // Cut after everything that counts, or not at all: then it is true.
            EXPECT_EQ(answer->presence, verb == Verb::remove ? Presence::absent : Presence::running);
        } else {
            EXPECT_TRUE(proxy_.fired()) << answer.error().message;
            EXPECT_THAT(answer.error().error_class, ::testing::AnyOf(::testing::Eq(ErrorClass::unknown_outcome),
                                                                     ::testing::Eq(ErrorClass::transient)))
                << answer.error().message << " at " << point;
        }
        subject_.servers().servers = {subject_.server().access()};
        subject_.crash();
        return proxy_.fired();
    }
    // What a statement leaves that is still under way when its connection is cut comes to its end by itself.
    ProviderAnswer insist(Verb verb, const std::string& name) {
        ProviderAnswer answer = call(verb, name);
        EXPECT_TRUE(eventually([&] {
            if (answer) return true;
            answer = call(verb, name);
            return answer.has_value();
        }));
        return answer;
    }

    static constexpr int kMostPoints = 100;
    CuttingProxy proxy_{subject_.io(), subject_.server().access().port};
};

inline const auto kEnginesAndCuts = ::testing::Combine(::testing::Values("postgres", "mysql"),
                                                       ::testing::Values(Cut::request_lost, Cut::answer_lost));

inline std::string name_of_cut(const ::testing::TestParamInfo<EngineAndCut>& info) {
    return std::get<0>(info.param) +
           (std::get<1>(info.param) == Cut::request_lost ? "_request_lost" : "_answer_lost");
}

}  // namespace slipway::testing
