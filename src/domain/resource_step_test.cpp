// The whole transition table of resources: every state against every event. A change of the table must change
// this file, so that nobody loosens a rule in passing.
#include "domain/resource_step.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

using namespace resource_state;
namespace ev = resource_event;

const TimePoint kNow = from_micros(1'700'000'000'000'000);
const OperationId kOp("op_1");
const Endpoint kEndpoint{"redis", "oct-00000001.localhost", 20000};

Resource resource_in(ResourceState state) {
    Resource resource;
    resource.id = ResourceId("res_1");
    resource.name = resource.external_name = "oct-00000001";
    resource.provider = "local";
    resource.allocations = {{"port", 20000}};
    resource.secrets = {{"password", Sealed{"k", "c"}}};
    resource.state = std::move(state);
    return resource;
}

std::vector<std::pair<std::string, Resource>> every_state() {
    std::vector<std::pair<std::string, Resource>> all{
        {"requested", resource_in(Requested{kOp})},
        {"provisioning", resource_in(Provisioning{kOp})},
        {"ready", resource_in(Ready{kEndpoint, {}})},
        {"ready,pooled", resource_in(Ready{kEndpoint, {}})},
        {"ready,repairing", resource_in(Ready{kEndpoint, kOp})},
        {"updating", resource_in(Updating{kOp, kEndpoint})},
        {"updating,taken over", resource_in(Updating{kOp, {}})},
        {"deprovisioning", resource_in(Deprovisioning{kOp})},
        {"gone", resource_in(Gone{kNow})},
        {"failed", resource_in(Failed{"why"})},
    };
    all[3].second.pooled = true;
    return all;
}

std::vector<std::pair<std::string, ResourceChange>> every_event() {
    const OperationId next("op_2");
    return {
        {"started", ev::Started{kOp}},
        {"provisioned", ev::Provisioned{kEndpoint, {}}},
        {"provision-failed", ev::ProvisionFailed{"why", false}},
        {"update-requested", ev::UpdateRequested{next}},
        {"updated", ev::Updated{kEndpoint, {}}},
        {"update-reverted", ev::UpdateReverted{}},
        {"update-failed", ev::UpdateFailed{"why"}},
        {"repair-requested", ev::RepairRequested{next}},
        {"repaired", ev::Repaired{kEndpoint}},
        {"repair-failed", ev::RepairFailed{"why", false}},
        {"repair-lost", ev::RepairFailed{"why", true}},
        {"claimed", ev::Claimed{OrganizationId("acme"), "redis", "gwp", {}, {}}},
        {"claim-settled", ev::ClaimSettled{}},
        {"claim-failed", ev::ClaimFailed{"why", false}},
        {"delete-requested", ev::DeleteRequested{next}},
        {"deprovisioned", ev::Deprovisioned{}},
        {"deprovision-failed", ev::DeprovisionFailed{"why"}},
    };
}

std::string outcome(const Resource& from, const ResourceChange& change) {
    const auto stepped = step(from, {kNow, change});
    if (!stepped) {
        EXPECT_FALSE(stepped.error().why.empty());
        return "-";
    }
    std::string text(state_name(stepped->resource.state));
    for (const ResourceEffect& effect : stepped->effects) {
        text += std::holds_alternative<resource_effect::CancelOperation>(effect) ? "+cancel" : "+release";
    }
    return text;
}

TEST(ResourceTable, EveryStateAgainstEveryEvent) {
    const std::map<std::string, std::map<std::string, std::string>> allowed{
        {"requested",
         {{"started", "provisioning"},
          {"provision-failed", "failed+release"},
          {"delete-requested", "deprovisioning+cancel"}}},
        {"provisioning",
         {{"provisioned", "ready"},
          {"provision-failed", "failed+release"},
          {"delete-requested", "deprovisioning+cancel"}}},
        {"ready",
         {{"update-requested", "updating"}, {"repair-requested", "ready"}, {"delete-requested", "deprovisioning"}}},
        {"ready,pooled",
         {{"update-requested", "updating"},
          {"repair-requested", "ready"},
          {"claimed", "ready"},
          {"delete-requested", "deprovisioning"}}},
        {"ready,repairing",
         {{"repaired", "ready"},
          {"repair-failed", "ready"},
          {"repair-lost", "failed"},
          {"claim-settled", "ready"},
          {"claim-failed", "failed+release"},
          {"delete-requested", "deprovisioning+cancel"}}},
        {"updating",
         {{"updated", "ready"},
          {"update-reverted", "updating"},
          {"update-failed", "ready"},
          {"delete-requested", "deprovisioning+cancel"}}},
        {"updating,taken over",
         {{"updated", "ready"},
          {"update-reverted", "updating"},
          {"update-failed", "failed"},
          {"delete-requested", "deprovisioning+cancel"}}},
        {"deprovisioning",
         {{"provision-failed", "deprovisioning"},  // what the deletion halted reports its end
          {"update-reverted", "deprovisioning"},
          {"update-failed", "deprovisioning"},
          {"repair-failed", "deprovisioning"},
          {"repair-lost", "deprovisioning"},
          {"claim-failed", "deprovisioning"},
          {"deprovisioned", "gone+release"},
          {"deprovision-failed", "failed"}}},
        {"gone", {}},
        {"failed", {{"delete-requested", "deprovisioning"}}},
    };
    for (const auto& [state, resource] : every_state()) {
        for (const auto& [name, change] : every_event()) {
            const auto& row = allowed.at(state);
            const auto found = row.find(name);
            EXPECT_EQ(outcome(resource, change), found == row.end() ? "-" : found->second)
                << state << " × " << name;
        }
    }
}

TEST(ResourceStep, WhatHasFailedTakesNoPlaceAgainWhileItIsRemoved) {
    for (const bool failed : {false, true}) {
        Resource placed = resource_in(failed ? ResourceState(Failed{"why"}) : Ready{kEndpoint, {}});
        EXPECT_FALSE(holds_place(placed)) << "nothing serves it";
        placed.placed_on = ResourceId("res_server");
        EXPECT_EQ(holds_place(placed), !failed);
        const auto stepped = step(placed, {kNow, ev::DeleteRequested{OperationId("op_2")}});
        ASSERT_TRUE(stepped);
        EXPECT_EQ(holds_place(stepped->resource), !failed);
    }
}

TEST(ResourceStep, ARefusalChangesNothingAndNamesTheState) {
    const auto stepped = step(resource_in(Gone{kNow}), {kNow, ev::DeleteRequested{OperationId("op_2")}});
    ASSERT_FALSE(stepped);
    EXPECT_NE(stepped.error().why.find("gone"), std::string::npos);
}

TEST(ResourceStep, OnlyTheOperationThatProvisionsItCanStartIt) {
    EXPECT_FALSE(step(resource_in(Requested{kOp}), {kNow, ev::Started{OperationId("op_other")}}));
}

Resource updating_to_large() {
    Resource resource = resource_in(Ready{kEndpoint, {}});
    resource.plan = "small";
    resource.parameters = {{"maxmemory", 64}};
    const auto stepped =
        step(resource, {kNow, ev::UpdateRequested{kOp, FormerPlan{"large", {{"maxmemory", 1024}}}}});
    EXPECT_TRUE(stepped);
    return stepped->resource;
}

TEST(ResourceStep, AnUpdateChangesThePlanAtOnceAndRemembersTheFormerOne) {
    const Resource resource = updating_to_large();
    EXPECT_EQ(resource.plan, "large");
    EXPECT_EQ(resource.parameters, (json::object{{"maxmemory", 1024}}));
    EXPECT_EQ(resource.former, (FormerPlan{"small", {{"maxmemory", 64}}}));
    const auto done = step(resource, {kNow, ev::Updated{kEndpoint, {}}});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->resource.plan, "large");
    EXPECT_FALSE(done->resource.former);
}

TEST(ResourceStep, AFailedUpdateLeavesTheFormerPlanWhetherItWasTakenBackOrNot) {
    const auto reverted = step(updating_to_large(), {kNow, ev::UpdateReverted{}});
    ASSERT_TRUE(reverted);
    EXPECT_EQ(reverted->resource.plan, "small") << "the provider is told the former one";
    for (const Resource& from : {reverted->resource, updating_to_large()}) {
        const auto failed = step(from, {kNow, ev::UpdateFailed{"why"}});
        ASSERT_TRUE(failed);
        EXPECT_EQ(failed->resource.plan, "small");
        EXPECT_EQ(failed->resource.parameters, (json::object{{"maxmemory", 64}}));
        EXPECT_FALSE(failed->resource.former);
        EXPECT_EQ(failed->resource.health, Health::unknown);
    }
}

// They are laid over the plan's with every later change.
TEST(ResourceStep, AFailedUpdateLeavesTheFormerParametersOfItsOwn) {
    Resource resource = resource_in(Ready{kEndpoint, {}});
    resource.own_parameters = {{"user", "anna"}, {"turn", 1}};
    resource.parameters = {{"maxmemory", 64}, {"user", "anna"}, {"turn", 1}};
    const Resource before = resource;
    resource.own_parameters["turn"] = 2;
    resource.own_parameters["new"] = true;
    const auto changed = step(
        resource, {kNow, ev::UpdateRequested{
                             kOp, FormerPlan{"small", overlaid(resource.parameters, resource.own_parameters)}}});
    ASSERT_TRUE(changed);
    const auto failed = step(changed->resource, {kNow, ev::UpdateFailed{"why"}});
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->resource.parameters, before.parameters);
    EXPECT_EQ(failed->resource.own_parameters, before.own_parameters);
}

TEST(ResourceStep, AChangeThatCannotBeTakenBackIsDegradedAndSaysSo) {
    const auto failed = step(updating_to_large(), {kNow, ev::UpdateFailed{"no memory", true}});
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->resource.health, Health::degraded);
    EXPECT_NE(failed->resource.health_detail.find("no memory"), std::string::npos);
}

// It was never ready under our care: what could not be taken over is still out there.
TEST(ResourceStep, WhatCouldNotBeTakenOverIsARemnant) {
    const auto failed = step(resource_in(Updating{kOp, {}}), {kNow, ev::UpdateFailed{"why"}});
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->resource.remnants.size(), 1U);
}

TEST(ResourceStep, GoneKeepsNoSecretAndNoAllocation) {
    const auto stepped = step(resource_in(Deprovisioning{kOp}), {kNow, ev::Deprovisioned{}});
    ASSERT_TRUE(stepped);
    EXPECT_TRUE(stepped->resource.secrets.empty());
    EXPECT_TRUE(stepped->resource.allocations.empty());
}

TEST(ResourceStep, WhatMayStillBeThereKeepsItsPortSoThatNobodyElseGetsIt) {
    const auto stepped = step(resource_in(Provisioning{kOp}), {kNow, ev::ProvisionFailed{"why", true}});
    ASSERT_TRUE(stepped);
    EXPECT_TRUE(stepped->effects.empty());
    EXPECT_EQ(stepped->resource.allocations.at("port"), 20000);
    EXPECT_EQ(stepped->resource.remnants.size(), 1U);
}

TEST(ResourceStep, AClaimChangesTheOwnerAndNothingElse) {
    Resource pooled = resource_in(Ready{kEndpoint, {}});
    pooled.pooled = true;
    pooled.organization = OrganizationId(kSystemOrganization);
    const auto claimed =
        step(pooled, {kNow, ev::Claimed{OrganizationId("acme"), "redis", "gwp", {{"team", "a"}}, {}}});
    ASSERT_TRUE(claimed);
    EXPECT_FALSE(claimed->resource.pooled);
    EXPECT_EQ(claimed->resource.billing_code, "gwp");
    EXPECT_EQ(claimed->resource.state, pooled.state);
}

// A claim may change what it is called: from then on the handle says that.
TEST(ResourceStep, AClaimThatIsSettledKeepsWhatTheProviderAnsweredAboutIt) {
    Resource claimed = resource_in(Ready{kEndpoint, kOp});
    claimed.handle = {{"user", "oct-1"}};
    EXPECT_EQ(step(claimed, {kNow, ev::ClaimSettled{}})->resource.handle, claimed.handle) << "nothing was said";
    const auto settled = step(claimed, {kNow, ev::ClaimSettled{{{"user", "hephy-1"}}}});
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->resource.handle, (json::object{{"user", "hephy-1"}}));
    EXPECT_TRUE(active_operation(settled->resource.state).empty());
}

TEST(ResourceStep, ADeletedPoolMemberCannotBeClaimedAnyMore) {
    Resource pooled = resource_in(Ready{kEndpoint, {}});
    pooled.pooled = true;
    const auto deleted = step(pooled, {kNow, ev::DeleteRequested{kOp}});
    ASSERT_TRUE(deleted);
    EXPECT_FALSE(deleted->resource.pooled);
}

}  // namespace
}  // namespace slipway
