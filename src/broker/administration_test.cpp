// Keys, organizations and quotas, and what was used.
#include "broker/administration_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AdministrationTest : public AdministeredTest {
  protected:
    static CallContext reader() { return caller("acme", Role::reader); }
    IssuedKey issue(Role role = Role::user, CallContext as = operators(), std::string organization = "") {
        NewKey wanted;
        wanted.role = role;
        if (!organization.empty()) wanted.organization = OrganizationId(std::move(organization));
        auto made = run(administration_->create_key(std::move(as), wanted));
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : IssuedKey();
    }
    std::vector<std::string> types() {
        std::vector<std::string> found;
        for (const Event& event : memory_.snapshot().events({}, 0, 1000).items) found.push_back(event.body.type);
        return found;
    }
};

TEST_F(AdministrationTest, AKeyWorksAndIsShownOnce) {
    const IssuedKey made = issue(Role::user, operators(), "acme");
    EXPECT_TRUE(made.key.reveal().starts_with("slk_"));
    const auto who = run(broker_->authenticate(made.key));
    ASSERT_TRUE(who);
    EXPECT_EQ(who->organization, OrganizationId("acme"));
    EXPECT_EQ(who->role, Role::user);
    EXPECT_EQ(who->actor, made.record.id.str());
    EXPECT_GE(made.key.reveal().size(), 40U);
    const auto snapshot = memory_.snapshot();
    const ApiKey* stored = snapshot.api_key_by_hash(hash_key(made.key));
    ASSERT_NE(stored, nullptr);
    EXPECT_THAT(stored->hash, Not(HasSubstr(made.key.reveal())));
    EXPECT_FALSE(issue().key.equals(made.key.reveal())) << "every key is another";
    EXPECT_EQ(run(administration_->key(caller(), made.record.id))->role, Role::user);
    EXPECT_EQ(types(), (std::vector<std::string>{"key.created", "key.created"}));
    for (const Event& event : memory_.snapshot().events({}, 0, 10).items) {
        EXPECT_THAT(event.body.message + json::dump(event.body.data), Not(HasSubstr(made.key.reveal())));
    }
}

TEST_F(AdministrationTest, NobodyMakesAKeyThatMayMoreThanItself) {
    NewKey wanted;
    wanted.role = Role::administrator;
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), wanted))), ErrorCode::forbidden);
    wanted.role = Role::reader;
    EXPECT_EQ(code_of(run(administration_->create_key(reader(), wanted))), ErrorCode::forbidden);
    wanted.organization = OrganizationId("other");
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), wanted))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->create_key(operators(), wanted))), ErrorCode::internal) << "it may";
    wanted.organization = OrganizationId("nobody");
    EXPECT_EQ(code_of(run(administration_->create_key(operators(), wanted))), ErrorCode::not_found);
    issue(Role::user, caller());
    issue(Role::reader, caller());
}

TEST_F(AdministrationTest, AKeysFieldsHaveTheirRules) {
    NewKey wanted;
    wanted.description = std::string(201, 'x');
    wanted.expires_in = 59s;
    wanted.idempotency_key = "with space";
    const auto refused = run(administration_->create_key(caller(), wanted));
    ASSERT_EQ(code_of(refused), ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().problems.size(), 3U);
    wanted = {};
    wanted.expires_in = 60s;
    const auto made = run(administration_->create_key(caller(), wanted));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->record.expires_at, clock_.now() + 60s);
}

TEST_F(AdministrationTest, ARepeatedRequestForAKeyIsAnsweredTheSameKey) {
    NewKey wanted;
    wanted.description = "the build server";
    wanted.idempotency_key = "key-1";
    const auto first = run(administration_->create_key(caller(), wanted));
    const auto second = run(administration_->create_key(caller(), wanted));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(second->record.id, first->record.id);
    EXPECT_EQ(second->key.reveal(), first->key.reveal());
    EXPECT_EQ(run(administration_->keys(caller(), std::nullopt, {}))->items.size(), 1U);
    wanted.description = "another";
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), wanted))), ErrorCode::idempotency_reuse);
    clock_.advance(24h);
    EXPECT_NE(run(administration_->create_key(caller(), wanted))->record.id, first->record.id);
}

TEST_F(AdministrationTest, OfTwoRequestsForAKeyAtOnceBothGetTheSame) {
    NewKey wanted;
    wanted.idempotency_key = "key-1";
    std::optional<Result<IssuedKey>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await administration_->create_key(caller(), wanted); };
    const auto loser = run(administration_->create_key(caller(), wanted));
    ASSERT_TRUE(winner && *winner && loser);
    EXPECT_EQ(loser->key.reveal(), (*winner)->key.reveal());
}

TEST_F(AdministrationTest, KeysAreBounded) {
    AdministrationOptions options;
    options.max_keys_per_organization = 2;
    make(options);
    const IssuedKey first = issue(Role::user, caller());
    NewKey brief;
    brief.expires_in = 60s;
    ASSERT_TRUE(run(administration_->create_key(caller(), brief)));
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), {}))), ErrorCode::exhausted);
    clock_.advance(60s);
    issue(Role::user, caller());
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), {}))), ErrorCode::exhausted);
    ASSERT_TRUE(run(administration_->revoke_key(caller(), first.record.id)));
    issue(Role::user, caller());
}

TEST_F(AdministrationTest, ARevokedKeyIsRefusedAndStaysListed) {
    const IssuedKey made = issue(Role::user, caller());
    const auto revoked = run(administration_->revoke_key(caller(), made.record.id));
    ASSERT_TRUE(revoked);
    EXPECT_EQ(revoked->revoked_at, clock_.now());
    EXPECT_EQ(code_of(run(broker_->authenticate(made.key))), ErrorCode::unauthenticated);
    clock_.advance(1s);
    EXPECT_EQ(run(administration_->revoke_key(caller(), made.record.id))->revoked_at, revoked->revoked_at);
    EXPECT_EQ(run(administration_->keys(caller(), std::nullopt, {}))->items.size(), 1U);
    EXPECT_EQ(types(), (std::vector<std::string>{"key.created", "key.revoked"}));
}

TEST_F(AdministrationTest, OnesOwnKeysOnly) {
    const IssuedKey theirs = issue(Role::user, operators(), "other");
    const IssuedKey strong = issue(Role::administrator, operators(), "acme");
    EXPECT_EQ(code_of(run(administration_->key(caller(), theirs.record.id))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(administration_->revoke_key(caller(), theirs.record.id))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(administration_->revoke_key(caller(), strong.record.id))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->revoke_key(reader(), strong.record.id))), ErrorCode::forbidden);
    EXPECT_EQ(run(administration_->keys(caller(), std::nullopt, {}))->items.size(), 1U);
    EXPECT_EQ(code_of(run(administration_->keys(caller(), OrganizationId("other"), {}))), ErrorCode::forbidden);
    EXPECT_EQ(run(administration_->keys(operators(), std::nullopt, {}))->items.size(), 2U);
    EXPECT_EQ(run(administration_->keys(operators(), OrganizationId("other"), {}))->items.size(), 1U);
}

TEST_F(AdministrationTest, TheLastAdministratorsKeyStays) {
    const IssuedKey first = issue(Role::administrator);
    EXPECT_EQ(code_of(run(administration_->revoke_key(operators(), first.record.id))), ErrorCode::conflict);
    NewKey brief;
    brief.role = Role::administrator;
    brief.expires_in = 1h;
    ASSERT_TRUE(run(administration_->create_key(operators(), brief)));
    EXPECT_EQ(code_of(run(administration_->revoke_key(operators(), first.record.id))), ErrorCode::conflict)
        << "in an hour there would be none";
    const IssuedKey second = issue(Role::administrator);
    EXPECT_TRUE(run(administration_->revoke_key(operators(), first.record.id)));
    EXPECT_EQ(code_of(run(administration_->revoke_key(operators(), second.record.id))), ErrorCode::conflict);
    EXPECT_TRUE(run(broker_->authenticate(second.key)));
}

// Each saw the other's key in force.
TEST_F(AdministrationTest, OfTwoWhoRevokeEachOthersKeyOneIsRefused) {
    const IssuedKey first = issue(Role::administrator);
    const IssuedKey second = issue(Role::administrator);
    std::optional<Result<ApiKey>> winner;
    store_.before_commit = [&]() -> Task<void> {
        winner = co_await administration_->revoke_key(operators(), second.record.id);
    };
    EXPECT_EQ(code_of(run(administration_->revoke_key(operators(), first.record.id))), ErrorCode::conflict);
    ASSERT_TRUE(winner && *winner);
    EXPECT_TRUE(run(broker_->authenticate(first.key)));
    EXPECT_FALSE(run(broker_->authenticate(second.key)));
}

TEST_F(AdministrationTest, OrganizationsAreMadeOnceByAdministrators) {
    const NewOrganization wanted{OrganizationId("new"), "New ones", "key"};
    EXPECT_EQ(code_of(run(administration_->create_organization(caller(), wanted))), ErrorCode::forbidden);
    const auto made = run(administration_->create_organization(operators(), wanted));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->organization.title, "New ones");
    EXPECT_EQ(run(administration_->create_organization(operators(), wanted))->organization.id,
              OrganizationId("new"));
    EXPECT_EQ(code_of(run(administration_->create_organization(operators(), {OrganizationId("new"), "", ""}))),
              ErrorCode::conflict);
    EXPECT_EQ(
        code_of(run(administration_->create_organization(operators(), {OrganizationId("other2"), "", "key"}))),
        ErrorCode::idempotency_reuse);
    for (const std::string id : {"", "Upper", "a b", "*", "-a", "a/b"}) {
        EXPECT_EQ(code_of(run(administration_->create_organization(operators(), {OrganizationId(id), "", ""}))),
                  ErrorCode::invalid_argument)
            << id;
    }
}

TEST_F(AdministrationTest, OfTwoWhoMakeOneOrganizationOneDoes) {
    std::optional<Result<OrganizationView>> winner;
    store_.before_commit = [&]() -> Task<void> {
        winner = co_await administration_->create_organization(operators(), {OrganizationId("new"), "first", ""});
    };
    EXPECT_EQ(
        code_of(run(administration_->create_organization(operators(), {OrganizationId("new"), "second", ""}))),
        ErrorCode::conflict);
    EXPECT_EQ(memory_.snapshot().organization(OrganizationId("new"))->title, "first");
}

TEST_F(AdministrationTest, OnesOwnOrganizationOnly) {
    ready();
    EXPECT_EQ(run(administration_->organizations(caller(), {}))->items.size(), 1U);
    EXPECT_EQ(run(administration_->organizations(operators(), {}))->items.size(), 3U);
    EXPECT_EQ(run(administration_->organizations(operators(), {"", 2}))->next, "operators");
    EXPECT_EQ(run(administration_->organization(reader(), OrganizationId("acme")))->live.at(0).live, 1U);
    EXPECT_EQ(code_of(run(administration_->organization(caller(), OrganizationId("other")))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(administration_->organization(operators(), OrganizationId("nobody")))),
              ErrorCode::not_found);
}

TEST_F(AdministrationTest, QuotasAreReplacedAsAWhole) {
    ready();
    const auto set = run(administration_->set_quotas(operators(), OrganizationId("acme"),
                                                     {quota(5), quota(1, "small"), quota(2, "large")}));
    ASSERT_TRUE(set) << set.error().message;
    ASSERT_EQ(set->size(), 3U);
    EXPECT_EQ(code_of(run(broker_->provision(caller(), request()))), ErrorCode::exhausted);
    const auto fewer = run(administration_->set_quotas(operators(), OrganizationId("acme"), {quota(3, "small")}));
    ASSERT_EQ(fewer->size(), 1U);
    EXPECT_EQ(fewer->at(0).quota.limit, 3U);
    EXPECT_EQ(fewer->at(0).used, 1U);
    EXPECT_TRUE(run(broker_->provision(caller(), request())));
    EXPECT_EQ(types().back(), "resource.requested");
    EXPECT_EQ(std::ranges::count(types(), std::string("organization.quotas_set")), 2);
}

TEST_F(AdministrationTest, QuotasHaveTheirRules) {
    const OrganizationId acme("acme");
    EXPECT_EQ(code_of(run(administration_->set_quotas(caller(), acme, {quota(5)}))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->set_quotas(operators(), OrganizationId("nobody"), {quota(5)}))),
              ErrorCode::not_found);
    const auto refused =
        run(administration_->set_quotas(operators(), acme, {quota(5), quota(6), quota(1, "huge")}));
    ASSERT_EQ(code_of(refused), ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().problems.at(0), (FieldProblem{"quotas[1]", "is there twice"}));
    EXPECT_EQ(refused.error().problems.at(1).field, "quotas[2]");
    EXPECT_TRUE(memory_.snapshot().quotas(acme).empty());
}

// Whoever comes last decides about all of them.
TEST_F(AdministrationTest, TwoWhoSetQuotasAtOnceLeaveNoMixture) {
    const OrganizationId acme("acme");
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await administration_->set_quotas(operators(), acme, {quota(7, "large")}));
    };
    const auto set = run(administration_->set_quotas(operators(), acme, {quota(5)}));
    ASSERT_TRUE(set);
    const auto kept = memory_.snapshot().quotas(acme);
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0], quota(5));
}

TEST_F(AdministrationTest, UsageIsOnesOwnWithItsCost) {
    const TimePoint start = clock_.now();
    const Resource mine = ready();
    ready(request(), caller("other"));
    clock_.advance(30min);
    UsageFilter filter;
    filter.from = start;
    filter.to = clock_.now();
    const auto used = run(administration_->usage(caller(), filter));
    ASSERT_TRUE(used);
    ASSERT_EQ(used->size(), 1U);
    EXPECT_EQ(used->at(0).row.key.billing_code, "team-a");
    EXPECT_EQ(used->at(0).row.time, Duration(30min));
    EXPECT_EQ(used->at(0).cost, (Cost{"EUR", 5'000}));
    EXPECT_EQ(run(administration_->usage(operators(), filter))->size(), 2U);
    filter.organization = OrganizationId("other");
    EXPECT_EQ(code_of(run(administration_->usage(caller(), filter))), ErrorCode::forbidden);
    filter.organization.reset();
    filter.to = filter.from;
    EXPECT_EQ(code_of(run(administration_->usage(caller(), filter))), ErrorCode::invalid_argument);
    filter.to = filter.from + std::chrono::days(366) + 1us;
    EXPECT_EQ(code_of(run(administration_->usage(caller(), filter))), ErrorCode::invalid_argument);
}

TEST(Costs, AreRoundedAndNeverPassTheirBounds) {
    EXPECT_EQ(cost_of({"EUR", 10'000}, std::chrono::hours(3)), (Cost{"EUR", 30'000}));
    EXPECT_EQ(cost_of({"EUR", 1}, std::chrono::minutes(30)), (Cost{"EUR", 1}));
    EXPECT_EQ(cost_of({"EUR", 1}, std::chrono::minutes(29)), (Cost{"EUR", 0}));
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(cost_of({"EUR", kMost}, std::chrono::hours(24 * 365)).micros, kMost);
}

}  // namespace
}  // namespace slipway::broker_test
