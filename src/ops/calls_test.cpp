// Every call to a provider is told to the observer, whoever asks for it: what only the engine told left out most
// calls of a quiet server.
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::CallVerb;
using dummy::Reaction;
using Told = std::map<std::string, int>;

class CallsTest : public OpsTest {
  protected:
    CallsTest() : host_(start_host("host-1")) {}
    // One that is ready, and nothing told yet.
    Asked ready() {
        const Asked asked = made({.host = HostId("host-1")});
        EXPECT_EQ(host_.told()["dummy create ok"], 1);
        host_.told().clear();
        return asked;
    }
    SweepReport sweep(const SweepOptions& options) {
        Sweeper sweeper({store_, host_.calls(), timeline_.clock()});
        return run(sweeper.sweep(options)).value();
    }
    Host& host_;
};

TEST_F(CallsTest, TheReconcilersLooksAreTold) {
    ready();
    Reconciler reconciler({store_, host_.calls(), timeline_.clock(), host_.scheduler(), random_},
                          {.host = HostId("host-1")});
    ASSERT_TRUE(run(reconciler.pass()));
    EXPECT_EQ(host_.told(), (Told{{"dummy observe ok", 1}}));
    host_.provider().once(CallVerb::observe, Reaction::fail(ErrorClass::transient));
    ASSERT_TRUE(run(reconciler.pass()));
    EXPECT_EQ(host_.told(), (Told{{"dummy observe ok", 1}, {"dummy observe transient", 1}}));
}

TEST_F(CallsTest, TheSweepsInventoriesAndRemovalsAreTold) {
    ready();
    dummy::Thing lost;
    lost.external_name = "oct-lost";
    lost.installation = InstallationId("ours");
    lost.resource = ResourceId("res_unknown");
    cloud_.add(lost);
    EXPECT_EQ(sweep({.dry_run = false, .grace = 0s}).removed, 1U);
    EXPECT_EQ(host_.told(), (Told{{"dummy inventory ok", 1}, {"dummy remove ok", 1}}));
    host_.provider().once(CallVerb::inventory, Reaction::fail(ErrorClass::throttled));
    sweep({});
    EXPECT_EQ(host_.told()["dummy inventory throttled"], 1);
}

}  // namespace
}  // namespace slipway::ops_test
