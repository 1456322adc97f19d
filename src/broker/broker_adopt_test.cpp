// Taking over what a sweep found: things of ours whose record was lost.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class AdoptTest : public BrokerTest {
  protected:
    AdoptTest() { static_cast<void>(key_of("acme")); }

    static CallContext operators() { return caller("acme", Role::administrator); }
    Orphan orphan(std::string kind = "lost", std::string resource = "res_lost") {
        Orphan found;
        found.provider = "dummy";
        found.external_name = "oct-0badcafe";
        found.kind = std::move(kind);
        found.resource = ResourceId(std::move(resource));
        found.generation = 3;
        found.first_seen = found.last_seen = clock_.now();
        Commit commit;
        commit.writes.emplace_back(write::PutOrphan{found});
        EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        return found;
    }
    static AdoptRequest wish() {
        AdoptRequest request;
        request.face = "native";
        request.provider = "dummy";
        request.external_name = "oct-0badcafe";
        request.plan = "small";
        return request;
    }
    Error refusal(AdoptRequest request, CallContext as = operators()) {
        auto answer = run(broker_->adopt(std::move(as), std::move(request)));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
    std::size_t orphans() { return memory_.snapshot().orphans().size(); }
};

TEST_F(AdoptTest, ADryRunTellsWhatItTakesAndLeavesTheOrphan) {
    orphan();
    const auto before = memory_.snapshot().last_event();
    const auto preview = run(broker_->preview_adopt(operators(), wish()));
    ASSERT_TRUE(preview);
    ASSERT_TRUE(preview->allowed) << preview->refusal->message;
    ASSERT_EQ(preview->steps.size(), 2U);
    EXPECT_EQ(preview->steps[0].what, "take it over where it is, with new credentials");
    EXPECT_EQ(preview->price_after, (Price{"EUR", 10'000}));
    EXPECT_EQ(preview->quotas.at(0).after, 1U);
    EXPECT_EQ(orphans(), 1U);
    EXPECT_EQ(memory_.snapshot().last_event(), before);
    for (const auto& [request, as] : {std::pair(wish(), caller()), std::pair(AdoptRequest(), operators())}) {
        const auto refused = run(broker_->preview_adopt(as, request));
        ASSERT_TRUE(refused);
        EXPECT_FALSE(refused->allowed);
        EXPECT_EQ(refused->refusal->message, refusal(request, as).message);
    }
}

TEST_F(AdoptTest, ALostThingBecomesAResourceUnderItsOldNameAndId) {
    orphan();
    out_there_[ResourceId("res_lost")] = true;
    const auto accepted = run(broker_->adopt(operators(), wish()));
    ASSERT_TRUE(accepted) << accepted.error().message;
    ASSERT_TRUE(accepted->operation);
    EXPECT_EQ(accepted->operation->kind, OperationKind::update);
    EXPECT_EQ(accepted->resource.id, ResourceId("res_lost"));
    EXPECT_EQ(endpoint_of(accepted->resource.state), nullptr) << "nobody has reached it yet";
    EXPECT_EQ(orphans(), 0U);
    work();
    const Resource taken = resource(ResourceId("res_lost"));
    EXPECT_EQ(state_of(taken.id), "ready");
    EXPECT_EQ(taken.external_name, "oct-0badcafe");
    EXPECT_EQ(taken.name, "oct-0badcafe");
    EXPECT_EQ(taken.generation, 3U) << "another one would be foreign to it";
    EXPECT_EQ(taken.organization, OrganizationId("acme"));
    EXPECT_EQ(taken.billing_code, "acme");
    EXPECT_EQ(taken.plan, "small");
    EXPECT_TRUE(taken.allocations.contains("port"));
    EXPECT_EQ(password_of(taken).size(), 32U);
    EXPECT_EQ(run(broker_->timeline(operators(), taken.id, 0, 10))->front().body.type, "resource.adopted");
}

// As what is asked for without a word about its end; the dry run says when that would be.
TEST_F(AdoptTest, APlanThatEndsThingsEndsWhatIsTakenOver) {
    std::vector<Plan> plans = catalog_.plans();
    plans.front().max_lifetime = 24h;
    catalog_ = Catalog(std::move(plans));
    orphan();
    EXPECT_EQ(run(broker_->preview_adopt(operators(), wish()))->expires_at, clock_.now() + 24h);
    const auto accepted = run(broker_->adopt(operators(), wish()));
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->resource.expiry, std::optional(expiry_after(24h, clock_.now())));
    EXPECT_THAT(run(broker_->timeline(operators(), accepted->resource.id, 0, 10))->front().body.message,
                HasSubstr("; it ends at "));
}

TEST_F(AdoptTest, WhatCannotBeTakenOverIsARemnant) {
    orphan();
    const auto accepted = run(broker_->adopt(operators(), wish()));
    ASSERT_TRUE(accepted);
    work();  // nothing is there any more
    EXPECT_EQ(state_of(accepted->operation->id), "failed");
    const Resource failed = resource(ResourceId("res_lost"));
    EXPECT_EQ(state_of(failed.id), "failed");
    EXPECT_EQ(failed.remnants.size(), 1U);
    orphan("gone");
    out_there_[ResourceId("res_lost")] = true;
    ASSERT_TRUE(run(broker_->adopt(operators(), wish()))) << "what failed may be tried again";
    work();
    EXPECT_EQ(state_of(failed.id), "ready");
    EXPECT_TRUE(resource(failed.id).remnants.empty());
}

TEST_F(AdoptTest, WhatIsAccountedForOrNotOursIsLeftAlone) {
    EXPECT_EQ(refusal(wish()).code, ErrorCode::not_found);
    orphan("foreign", "");
    EXPECT_THAT(refusal(wish()).message, HasSubstr("never touched"));
    orphan("lost", "");
    EXPECT_EQ(refusal(wish()).code, ErrorCode::conflict);
    const Resource mine = ready();
    orphan("lost", mine.id.str());
    EXPECT_THAT(refusal(wish()).message, HasSubstr("is another thing now"));
    EXPECT_EQ(resource(mine.id).version, mine.version);
    EXPECT_EQ(orphans(), 1U);
}

TEST_F(AdoptTest, AResourceThatIsGoneStaysGone) {
    const Resource mine = ready();
    ASSERT_TRUE(run(broker_->deprovision(caller(), mine.id)));
    work();
    Orphan rest = orphan("gone", mine.id.str());
    rest.external_name = mine.external_name;
    rest.generation = mine.generation;
    Commit commit;
    commit.writes.emplace_back(write::PutOrphan{rest});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    AdoptRequest request = wish();
    request.external_name = mine.external_name;
    EXPECT_THAT(refusal(request).message, HasSubstr("is gone"));
}

TEST_F(AdoptTest, OnlyAdministratorsAndOnlyGoodRequests) {
    orphan();
    EXPECT_EQ(refusal(wish(), caller()).code, ErrorCode::forbidden);
    AdoptRequest request = wish();
    request.plan = "huge";
    EXPECT_THAT(refusal(request).message, HasSubstr("provider dummy has:"));
    request = wish();
    request.plan = "elsewhere";
    EXPECT_EQ(refusal(request).problems.at(0).field, "plan") << "it is of another provider";
    request = wish();
    request.organization = OrganizationId("nobody");
    EXPECT_EQ(refusal(request).code, ErrorCode::not_found);
    request = wish();
    request.name = "Not A Name";
    request.billing_code = "a\nb";
    EXPECT_EQ(refusal(request).problems.size(), 2U);
    set_quotas({quota(0)});
    EXPECT_EQ(refusal(wish()).code, ErrorCode::exhausted);
    EXPECT_EQ(orphans(), 1U);
    EXPECT_EQ(resources(), 0U);
}

TEST_F(AdoptTest, OfTwoAtOnceOneTakesItAndAKeyBringsItsAnswerBack) {
    orphan();
    std::optional<Result<Accepted>> winner;
    AdoptRequest keyed = wish();
    keyed.idempotency_key = "key";
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->adopt(operators(), keyed); };
    EXPECT_EQ(refusal(wish()).code, ErrorCode::not_found) << "it is no orphan any more";
    ASSERT_TRUE(winner && *winner);
    const auto again = run(broker_->adopt(operators(), keyed));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->operation->id, (*winner)->operation->id);
    keyed.plan = "large";
    EXPECT_EQ(refusal(keyed).code, ErrorCode::idempotency_reuse);
}

}  // namespace
}  // namespace slipway::broker_test
