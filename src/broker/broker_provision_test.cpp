// What a request must be, what it becomes, and what the same request a second time becomes.
#include "broker/broker_test_support.h"
#include "broker/check.h"

namespace slipway::broker_test {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProvisionTest : public BrokerTest {
  protected:
    Error refusal(ProvisionRequest wanted, CallContext context = caller()) {
        auto answer = run(broker_->provision(std::move(context), std::move(wanted)));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
    std::vector<std::string> faulty_fields(const ProvisionRequest& wanted) {
        std::vector<std::string> fields;
        for (const FieldProblem& problem : check(wanted, catalog_)) fields.push_back(problem.field);
        return fields;
    }
};

TEST_F(ProvisionTest, AGoodRequestHasNoProblems) {
    ProvisionRequest wanted = request("key-1");
    wanted.labels = {{"a.b_c-d/e:F9", std::string(255, 'x')}, {std::string(63, 'k'), ""}};
    wanted.billing_code = std::string(128, 'b');
    wanted.idempotency_key = std::string(128, '~');
    EXPECT_THAT(check(wanted, catalog_), IsEmpty());
}

// One answer tells everything: nobody should have to mend one field after the other.
TEST_F(ProvisionTest, EveryProblemIsListedAtOnce) {
    ProvisionRequest wanted = request("with space", "huge");
    wanted.billing_code = "";
    wanted.labels = {{"bad key!", "x"}, {"good", "line\nbreak"}};
    const Error error = refusal(wanted);
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    std::vector<std::string> fields;
    for (const FieldProblem& problem : error.problems) fields.push_back(problem.field);
    EXPECT_THAT(fields, ::testing::UnorderedElementsAre("plan", "billing_code", "labels", "labels.good",
                                                        "Idempotency-Key"));
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(resources(), 0U);
}

TEST_F(ProvisionTest, AnUnknownPlanNamesTheKnownOnes) {
    EXPECT_THAT(refusal(request("", "huge")).problems,
                Contains(Field(&FieldProblem::problem, HasSubstr("elsewhere, large, open, pooled, small"))));
    EXPECT_THAT(refusal(request("", "")).problems,
                Contains(Field(&FieldProblem::problem, HasSubstr("is required"))));
}

TEST_F(ProvisionTest, EachFieldsLimitIsExact) {
    ProvisionRequest wanted = request();
    wanted.billing_code = std::string(129, 'b');
    EXPECT_THAT(faulty_fields(wanted), Contains("billing_code"));
    wanted = request();
    wanted.billing_code = "tab\there";
    EXPECT_THAT(faulty_fields(wanted), Contains("billing_code"));
    wanted = request(std::string(129, 'k'));
    EXPECT_THAT(faulty_fields(wanted), Contains("Idempotency-Key"));
    wanted = request("ümlaut");
    EXPECT_THAT(faulty_fields(wanted), Contains("Idempotency-Key"));
    for (const std::string& key : {std::string(), std::string(64, 'k'), std::string("sp ace")}) {
        wanted = request();
        wanted.labels[key] = "x";
        EXPECT_THAT(faulty_fields(wanted), Contains("labels")) << key;
    }
    wanted = request();
    wanted.labels["long"] = std::string(256, 'x');
    EXPECT_THAT(faulty_fields(wanted), Contains("labels.long"));
    wanted = request();
    for (int i = 0; i < 32; ++i) wanted.labels[fmt::format("k{}", i)] = "v";
    EXPECT_THAT(faulty_fields(wanted), IsEmpty());
    wanted.labels["one-more"] = "v";
    EXPECT_THAT(faulty_fields(wanted), Contains("labels"));
}

TEST_F(ProvisionTest, AnAcceptedRequestIsStoredWithEverythingItSaid) {
    ProvisionRequest wanted = request();
    wanted.labels = {{"team", "a"}};
    const Accepted accepted = provision(wanted);
    const Resource stored = resource(accepted.resource.id);
    EXPECT_EQ(state_of(stored.id), "requested");
    EXPECT_EQ(stored.organization, OrganizationId("acme"));
    EXPECT_EQ(stored.billing_code, "team-a");
    EXPECT_EQ(stored.labels.at("team"), "a");
    EXPECT_EQ(stored.face, "native");
    EXPECT_EQ(stored.allocations.at("port"), 20'000);
    EXPECT_TRUE(stored.external_name.starts_with("oct-"));
    EXPECT_FALSE(accepted.replayed);
    ASSERT_TRUE(accepted.operation);
    EXPECT_EQ(operation(accepted.operation->id).actor, "key_acme");
    EXPECT_EQ(operation(accepted.operation->id).request_id, "req-1");
    work();
    EXPECT_EQ(state_of(stored.id), "ready");
}

TEST_F(ProvisionTest, AnUnavailableProviderSaysWhyAndStoresNothing) {
    directory_.available = false;
    const Error error = refusal(request("key"));
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_THAT(error.message, HasSubstr("scripts/setup"));
    EXPECT_EQ(resources(), 0U);
}

TEST_F(ProvisionTest, AnExhaustedRangeIsUnavailableAndStoresNothing) {
    directory_.traits_.ranges = {{"local/port", "port", 1, 1}};
    provision();
    EXPECT_EQ(refusal(request()).code, ErrorCode::unavailable);
    EXPECT_EQ(resources(), 1U);
}

TEST_F(ProvisionTest, AStoreThatFailsIsSaidAndTheSameKeyWorksAfterwards) {
    store_.fail_commits = 1;
    EXPECT_EQ(refusal(request("key")).code, ErrorCode::storage);
    EXPECT_FALSE(provision(request("key")).replayed);
    EXPECT_EQ(resources(), 1U);
}

TEST_F(ProvisionTest, AQuotaCountsWhatIsAliveOfOneOrganization) {
    limit_resources(2);
    const Resource first = ready();
    provision();
    EXPECT_EQ(refusal(request()).code, ErrorCode::exhausted);
    provision(request(), caller("other"));
    ASSERT_TRUE(run(broker_->deprovision(caller(), first.id)));
    EXPECT_EQ(refusal(request()).code, ErrorCode::exhausted) << "what is being removed still is there";
    work();
    provision();
}

TEST_F(ProvisionTest, ANameIsFreeInItsOrganizationAndAgainWhenItsBearerIsGone) {
    ProvisionRequest wanted = request();
    wanted.name = "sessions";
    const Accepted first = provision(wanted);
    EXPECT_EQ(first.resource.name, "sessions");
    EXPECT_NE(first.resource.external_name, "sessions");
    const Error taken = refusal(wanted);
    EXPECT_EQ(taken.code, ErrorCode::conflict);
    EXPECT_EQ(taken.problems.at(0).field, "name");
    provision(wanted, caller("other"));
    ASSERT_TRUE(run(broker_->deprovision(caller(), first.resource.id)));
    work();
    EXPECT_EQ(provision(wanted).resource.name, "sessions");
}

// The form that the server gives: whoever chose such a name could stand in front of another resource.
TEST_F(ProvisionTest, NamesThatAreNoneAreRefused) {
    for (const std::string name :
         {"Sessions", "-a", "a-", "a_b", "a.b", "oct-0123abcd", "'; DROP TABLE resources;--"}) {
        ProvisionRequest wanted = request();
        wanted.name = name;
        EXPECT_EQ(refusal(wanted).problems.at(0).field, "name") << name;
    }
    ProvisionRequest wanted = request();
    wanted.name = std::string(64, 'a');
    EXPECT_EQ(refusal(wanted).code, ErrorCode::invalid_argument);
    EXPECT_EQ(resources(), 0U);
    wanted.name = std::string(63, 'a');
    provision(wanted);
    for (const std::string name : {"a", "0", "oct-0123abc", "oct-0123abcde", "oct-0123abcg", "other-0123abcd"}) {
        wanted.name = name;
        provision(wanted);
    }
}

TEST_F(ProvisionTest, AdministratorsMakeThingsForOthers) {
    ProvisionRequest wanted = request();
    wanted.organization = OrganizationId("acme");
    EXPECT_EQ(refusal(wanted, caller("other")).code, ErrorCode::forbidden);
    const CallContext operators = caller("operators", Role::administrator);
    EXPECT_EQ(refusal(wanted, operators).code, ErrorCode::not_found) << "there is no such organization";
    static_cast<void>(key_of("acme"));
    const Accepted made = provision(wanted, operators);
    EXPECT_EQ(made.resource.organization, OrganizationId("acme"));
    EXPECT_EQ(operation(made.operation->id).organization, OrganizationId("acme"));
    EXPECT_EQ(operation(made.operation->id).actor, "key_operators");
    wanted.organization = OrganizationId(kSystemOrganization);
    EXPECT_EQ(refusal(wanted, operators).code, ErrorCode::forbidden);
}

TEST_F(ProvisionTest, TheTraceOfARequestStaysWithWhatItCauses) {
    CallContext traced = caller();
    traced.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const Accepted made = provision(request(), traced);
    work();
    EXPECT_EQ(operation(made.operation->id).trace, traced.trace);
    for (const Event& event : *run(broker_->timeline(caller(), made.resource.id, 0, 100))) {
        EXPECT_EQ(event.body.trace, traced.trace) << event.body.type;
        EXPECT_EQ(event.body.request_id, "req-1") << event.body.type;
    }
}

TEST_F(ProvisionTest, AReaderMayNotAskForAnything) {
    EXPECT_EQ(refusal(request(), caller("acme", Role::reader)).code, ErrorCode::forbidden);
    EXPECT_EQ(resources(), 0U);
}

class IdempotencyTest : public ProvisionTest {};

TEST_F(IdempotencyTest, TheSameKeyBringsTheSameAnswer) {
    const Accepted first = provision(request("key"));
    const Accepted second = provision(request("key"));
    EXPECT_TRUE(second.replayed);
    EXPECT_EQ(second.resource.id, first.resource.id);
    EXPECT_EQ(second.operation->id, first.operation->id);
    EXPECT_EQ(resources(), 1U);
    work();
    EXPECT_EQ(state_name(provision(request("key")).operation->state), "succeeded") << "as it is now";
}

TEST_F(IdempotencyTest, AnotherRequestWithTheSameKeyIsRefused) {
    provision(request("key"));
    for (auto& change : std::vector<std::function<void(ProvisionRequest&)>>{
             [](ProvisionRequest& r) { r.plan = "open"; },
             [](ProvisionRequest& r) { r.billing_code = "team-b"; },
             [](ProvisionRequest& r) { r.labels["a"] = "b"; },
             [](ProvisionRequest& r) { r.name = "other"; },
             [](ProvisionRequest& r) { r.organization = OrganizationId("acme"); },
         }) {
        ProvisionRequest other = request("key");
        change(other);
        EXPECT_EQ(refusal(other).code, ErrorCode::idempotency_reuse);
    }
    EXPECT_EQ(resources(), 1U);
}

TEST_F(IdempotencyTest, KeysOfAnotherOrganizationOrFaceAreOthers) {
    const Accepted first = provision(request("key"));
    const Accepted second = provision(request("key"), caller("other"));
    ProvisionRequest through_another = request("key");
    through_another.face = "redis";
    const Accepted third = provision(through_another);
    EXPECT_FALSE(second.replayed);
    EXPECT_FALSE(third.replayed);
    EXPECT_NE(second.resource.id, first.resource.id);
    EXPECT_NE(third.resource.id, first.resource.id);
}

TEST_F(IdempotencyTest, AKeyIsFreeAgainAfterADay) {
    const Accepted first = provision(request("key"));
    clock_.advance(24h - 1s);
    EXPECT_TRUE(provision(request("key")).replayed);
    clock_.advance(1s);
    const Accepted second = provision(request("key"));
    EXPECT_FALSE(second.replayed);
    EXPECT_NE(second.resource.id, first.resource.id);
}

// A retry after a quota was reached or a provider went away must still learn what became of the first try.
TEST_F(IdempotencyTest, AReplayNeedsNeitherQuotaNorProvider) {
    limit_resources(1);
    const Accepted first = provision(request("key"));
    directory_.available = false;
    EXPECT_EQ(provision(request("key")).resource.id, first.resource.id);
}

// Both found no record; the commit decides, and the loser gets the winner's answer.
TEST_F(IdempotencyTest, OfTwoAtOnceOneIsMadeAndBothGetIt) {
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->provision(caller(), request("key")); };
    const Accepted loser = provision(request("key"));
    ASSERT_TRUE(winner && *winner);
    EXPECT_TRUE(loser.replayed);
    EXPECT_EQ(loser.resource.id, (*winner)->resource.id);
    EXPECT_EQ(resources(), 1U);
}

TEST_F(IdempotencyTest, OfTwoAtOnceForTheLastPlaceOfAQuotaBothGetIt) {
    limit_resources(1);
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->provision(caller(), request("key")); };
    const Accepted loser = provision(request("key"));
    ASSERT_TRUE(winner && *winner);
    EXPECT_EQ(loser.resource.id, (*winner)->resource.id);
}

TEST_F(IdempotencyTest, OfTwoDifferentAtOnceTheSecondIsRefused) {
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await broker_->provision(caller(), request("key")));
    };
    EXPECT_EQ(refusal(request("key", "open")).code, ErrorCode::idempotency_reuse);
    EXPECT_EQ(resources(), 1U);
}

// Claiming is a creation like any other.
TEST_F(IdempotencyTest, AClaimIsReplayedToo) {
    const Resource pooled = this->pooled();
    const Accepted first = provision(request("key", "pooled"));
    ASSERT_EQ(first.resource.id, pooled.id);
    this->pooled();
    const Accepted second = provision(request("key", "pooled"));
    EXPECT_TRUE(second.replayed);
    EXPECT_EQ(second.resource.id, pooled.id);
}

TEST_F(IdempotencyTest, OfTwoClaimsAtOnceWithOneKeyBothGetTheSame) {
    limit_resources(1);
    pooled();
    const Resource spare = pooled();
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> {
        winner = co_await broker_->provision(caller(), request("key", "pooled"));
    };
    const Accepted loser = provision(request("key", "pooled"));
    ASSERT_TRUE(winner && *winner);
    EXPECT_EQ(loser.resource.id, (*winner)->resource.id);
    EXPECT_TRUE(resource(spare.id).pooled);
}

}  // namespace
}  // namespace slipway::broker_test
