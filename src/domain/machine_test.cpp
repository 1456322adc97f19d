// Which logins and passwords a machine takes, and that no machine keeps a password beyond its making.
#include "domain/machine.h"

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/random.h"
#include "domain/draft.h"
#include "domain/resource_step.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;
namespace ev = resource_event;

const TimePoint kNow = from_micros(1'700'000'000'000'000);
const Endpoint kEndpoint{"ssh", "10.77.0.2", 22};

TEST(MachineUsername, TakesWhatPosixTakes) {
    for (const std::string good : {"suitepad", "a", "_", "_x", "a-b_c9", "web1", "centos", "debian", "ubuntu"}) {
        EXPECT_FALSE(fault_of_username(good)) << good;
    }
    EXPECT_FALSE(fault_of_username(std::string(32, 'a')));
}

TEST(MachineUsername, RefusesEverythingElseWithoutRepeatingIt) {
    for (const std::string bad : {"", "9a", "-a", "A", "Suitepad", "a b", "a;b", "a$(id)", "a`id`", "a\nb", "a:b",
                                  "a/b", "..", "a.b", "ä", "a'b", "a\"b", "x'; rm -rf /"}) {
        const auto fault = fault_of_username(bad);
        ASSERT_TRUE(fault) << bad;
        EXPECT_THAT(*fault, HasSubstr("must be 1 to 32 of a-z 0-9 _ -")) << bad;
    }
    EXPECT_TRUE(fault_of_username(std::string(33, 'a')));
    EXPECT_TRUE(fault_of_username(std::string("a\0b", 3)));
}

TEST(MachineUsername, RefusesWhatImagesHaveAlready) {
    for (const std::string taken : {"root", "daemon", "nobody", "sshd", "www-data", "sudo", "wheel", "_apt",
                                    "systemd-network", "backup", "users"}) {
        const auto fault = fault_of_username(taken);
        ASSERT_TRUE(fault) << taken;
        EXPECT_THAT(*fault, HasSubstr("keeps for itself")) << taken;
    }
}

TEST(MachinePassword, TakesWhateverCanBeTyped) {
    for (const std::string good : {"s", "suitepad", " lead and trail ", "a'b\"c$(id)`id`;|&", "#cloud-config",
                                   "{a: b}", "pässwörd", "密码", "-n", "--", "%s", "\\n", ":", "a:b"}) {
        EXPECT_FALSE(fault_of_machine_password(Secret(good))) << good;
    }
    EXPECT_FALSE(fault_of_machine_password(Secret(std::string(100, 'x'))));
}

TEST(MachinePassword, RefusesWhatTheMachineWouldTakeAsAnother) {
    const auto fault = [](std::string text) {
        return fault_of_machine_password(Secret(std::move(text))).value_or("none");
    };
    EXPECT_EQ(fault(""), "must be 1 to 100 bytes");
    EXPECT_EQ(fault(std::string(101, 'x')), "must be 1 to 100 bytes");
    EXPECT_EQ(fault(std::string(4096, 'x')), "must be 1 to 100 bytes");
    for (const std::string& bad : {std::string("a\nb"), std::string("a\rb"), std::string("a\tb"),
                                   std::string("a\0b", 3), std::string("\x7f"), std::string("\x1b[2J")}) {
        EXPECT_EQ(fault(bad), "must not hold control characters");
    }
    EXPECT_EQ(fault("a\xff"), "must be UTF-8");
}

class MachineSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        return {std::string(context), secret.reveal()};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view /*context*/) const override {
        return Secret(sealed.ciphertext);
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + secret.reveal());
    }
};

Plan machine_plan() {
    Plan plan;
    plan.kind = Kind::machine;
    plan.engine = "vm";
    plan.name = "tiny";
    plan.provider = "dummy";
    plan.parameters = {{"image", "tiny"}, {"cpus", 1}};
    return plan;
}

Draft draft_machine(Random& random, const std::string& password) {
    static MachineSealer sealer;
    const Plan plan = machine_plan();
    ProvisionDraftRequest wanted;
    wanted.plan = &plan;
    wanted.traits.provider = "dummy";
    wanted.organization = OrganizationId("acme");
    wanted.name_prefix = "oct";
    wanted.parameters = {{"username", "suitepad"}};
    wanted.password = Secret(password);
    return draft_provision(wanted, kNow, random, sealer);
}

TEST(MachineDraft, SealsItsOwnersPasswordAndKeepsTheUsername) {
    SeededRandom random(1);
    const Draft draft = draft_machine(random, "open sesame");
    const Resource& machine = draft.resource;
    EXPECT_EQ(machine.secrets.size(), 1U);
    EXPECT_EQ(machine.secrets.at("password").key_id, secret_context(machine.id, "password"));
    EXPECT_EQ(machine.secrets.at("password").ciphertext, "open sesame");
    EXPECT_EQ(username_of(machine), "suitepad");
    EXPECT_EQ(machine.parameters, (json::object{{"image", "tiny"}, {"cpus", 1}, {"username", "suitepad"}}));
    ASSERT_EQ(draft.events.size(), 1U);
    EXPECT_THAT(draft.events[0].message, HasSubstr("a machine (vm) of plan tiny was requested"));
}

// No password of ours is ever made for one: nobody would know it.
TEST(MachineDraft, NoneIsMadeWhereNoneIsGiven) {
    SeededRandom random(1);
    EXPECT_TRUE(draft_machine(random, "").resource.secrets.empty());
}

ResourceChange any_change(Random& random, const OperationId& operation) {
    switch (random.below(17)) {
        case 0: return ev::Started{operation};
        case 1: return ev::Provisioned{kEndpoint, {}};
        case 2: return ev::ProvisionFailed{"why", random.below(2) == 0};
        case 3: return ev::UpdateRequested{operation};
        case 4: return ev::Updated{kEndpoint, {}};
        case 5: return ev::UpdateReverted{};
        case 6: return ev::UpdateFailed{"why", random.below(2) == 0};
        case 7: return ev::RepairRequested{operation};
        case 8: return ev::Repaired{kEndpoint};
        case 9: return ev::RepairFailed{"why", random.below(2) == 0};
        case 10: return ev::Claimed{OrganizationId("other"), "ec2", "x", {}, {}};
        case 11: return ev::ClaimSettled{};
        case 12: return ev::ClaimFailed{"why", false};
        case 13: return ev::DeleteRequested{operation};
        case 14: return ev::Deprovisioned{};
        case 15: return ev::DeprovisionFailed{"why"};
        default: return ev::Started{OperationId("op_other")};
    }
}

bool is_being_made(const Resource& machine) {
    return state_name(machine.state) == "requested" || state_name(machine.state) == "provisioning";
}

// Whatever happens to machines in whatever order: the password is there exactly while they are made.
TEST(MachineStep, NoLaterStateHoldsThePassword) {
    SeededRandom random(20);
    std::map<std::string_view, int> seen;
    for (int life = 0; life < 2'000; ++life) {
        const Draft draft = draft_machine(random, "open sesame");
        Resource machine = draft.resource;
        for (int i = 0; i < 12; ++i) {
            auto stepped = step(machine, {kNow, any_change(random, draft.operation.id)});
            if (!stepped) continue;
            machine = std::move(stepped->resource);
            ++seen[state_name(machine.state)];
            ASSERT_EQ(machine.secrets.contains("password"), is_being_made(machine)) << state_name(machine.state);
        }
    }
    for (const std::string_view state : {"provisioning", "ready", "updating", "deprovisioning", "failed", "gone"}) {
        EXPECT_GT(seen[state], 20) << state;
    }
}

TEST(MachineStep, OtherKindsKeepTheirs) {
    Resource cache;
    cache.secrets["password"] = {"k", "c"};
    cache.state = resource_state::Provisioning{OperationId("op_1")};
    const auto ready = step(cache, {kNow, ev::Provisioned{{"redis", "10.0.0.1", 6379}, {}}});
    ASSERT_TRUE(ready);
    EXPECT_TRUE(ready->resource.secrets.contains("password"));
    EXPECT_EQ(ready->resource.address, "") << "only machines are known by their address";
}

TEST(MachineStep, ItIsKnownByItsAddressFromReadyOn) {
    SeededRandom random(3);
    const Draft draft = draft_machine(random, "open sesame");
    const auto apply = [](const Resource& machine, const ResourceChange& change) {
        auto stepped = step(machine, {kNow, change});
        EXPECT_TRUE(stepped);
        return stepped ? stepped->resource : machine;
    };
    Resource machine = apply(draft.resource, ev::Started{draft.operation.id});
    EXPECT_EQ(machine.address, "");
    machine = apply(machine, ev::Provisioned{kEndpoint, {}});
    EXPECT_EQ(machine.address, "10.77.0.2");
    machine = apply(machine, ev::RepairRequested{OperationId("op_2")});
    machine = apply(machine, ev::Repaired{{"ssh", "10.77.0.9", 22}});
    EXPECT_EQ(machine.address, "10.77.0.9") << "it came back elsewhere";
    machine = apply(machine, ev::DeleteRequested{OperationId("op_3")});
    machine = apply(machine, ev::Deprovisioned{});
    EXPECT_EQ(machine.address, "10.77.0.9") << "what was removed is still told apart";
    EXPECT_TRUE(machine.secrets.empty());
}

}  // namespace
}  // namespace slipway
