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

// Says where it may tell what it does.
class Teller final : public Provider {
  public:
    [[nodiscard]] std::string_view name() const override { return "teller"; }
    [[nodiscard]] Status available(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string> secrets(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::uint32_t concurrency() const override { return 1; }
    [[nodiscard]] bool on_this_host() const override { return false; }
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string, Duration) override {
        co_return InventoryPage{};
    }
    void on_change(std::function<void(std::string)> listener) override { static_cast<void>(listener); }
    Task<ProviderAnswer> observe(Target target, Spec, Duration) override { return answer(std::move(target)); }
    Task<ProviderAnswer> create(Target target, Spec, Duration) override { return answer(std::move(target)); }
    Task<ProviderAnswer> update(Target target, Spec, Duration) override { return answer(std::move(target)); }
    Task<ProviderAnswer> remove(Target target, Spec, Duration) override { return answer(std::move(target)); }
    bool had_log = false;

  private:
    Task<ProviderAnswer> answer(Target target) {
        had_log = target.log != nullptr;
        co_return Observation{};
    }
};

class NoLog final : public StepLog {
    void write(std::string_view) override {}
};

class Logs final : public OperationLogs {
  public:
    std::vector<std::pair<std::string, std::vector<std::string>>> opened;
    std::shared_ptr<StepLog> open(const OperationId& operation, std::vector<Secret> secrets) override {
        std::vector<std::string> revealed;
        for (const Secret& each : secrets) revealed.push_back(each.reveal());
        opened.emplace_back(operation.str(), std::move(revealed));
        return std::make_shared<NoLog>();
    }
    Result<LogPart> read(const OperationId&, std::uint64_t, std::size_t) const override { return LogPart{}; }
    Status remove(const OperationId&) override { return {}; }
};

// Of an operation, with what must not stand in it; of a look nobody asked for, none.
TEST_F(CallsTest, AStepIsGivenItsOperationsLog) {
    Teller provider;
    ProviderRegistry registry;
    registry.add(provider);
    HexSealer sealer;
    Logs logs;
    const ProviderCalls calls(registry, sealer, InstallationId("ours"), std::nullopt, &logs);
    Resource resource;
    resource.id = ResourceId("res_1");
    resource.provider = "teller";
    resource.secrets.emplace("password", sealer.seal(Secret("canary"), secret_context(resource.id, "password")));
    ASSERT_TRUE(run(calls.call(Verb::create, resource, {OperationId("op_7"), "token"}, 1s)));
    EXPECT_TRUE(provider.had_log);
    using Opened = std::vector<std::pair<std::string, std::vector<std::string>>>;
    EXPECT_EQ(logs.opened, (Opened{{"op_7", {"canary"}}}));
    ASSERT_TRUE(run(calls.call(Verb::observe, resource, {}, 1s)));
    EXPECT_FALSE(provider.had_log);
}

}  // namespace
}  // namespace slipway::ops_test
