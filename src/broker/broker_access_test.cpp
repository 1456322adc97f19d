// Who may see and change what: keys, roles, organizations, tags and passwords.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccessTest : public BrokerTest {
  protected:
    static CallContext administrator() { return caller("operators", Role::administrator); }
    static CallContext reader() { return caller("acme", Role::reader); }
    ErrorCode code_of(const auto& result) { return result ? ErrorCode::internal : result.error().code; }
    Result<Resource> tag(const ResourceId& id, std::string name, std::string value, CallContext as = caller()) {
        return run(broker_->tag(std::move(as), id, std::move(name), std::move(value)));
    }
};

// What is another organization's does not exist: an error that said "forbidden" would tell that it does.
TEST_F(AccessTest, AnotherOrganizationsThingsAreNotFound) {
    const Accepted mine = provision();
    const ResourceId id = mine.resource.id;
    const CallContext other = caller("other");
    EXPECT_EQ(code_of(run(broker_->find(other, id))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(broker_->find_by_name(other, Kind::cache, "redis", mine.resource.name))),
              ErrorCode::not_found);
    EXPECT_EQ(code_of(run(broker_->find_operation(other, mine.operation->id))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(broker_->timeline(other, id, 0, 10))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(broker_->password(other, mine.resource))), ErrorCode::not_found);
    EXPECT_EQ(code_of(tag(id, "a", "b", other)), ErrorCode::not_found);
    EXPECT_EQ(run(broker_->list(other, {}, {}))->items.size(), 0U);
}

TEST_F(AccessTest, ItsOwnersAndAdministratorsFindIt) {
    const Accepted mine = provision();
    for (const CallContext& who : {caller(), reader(), administrator()}) {
        EXPECT_TRUE(run(broker_->find(who, mine.resource.id)));
        EXPECT_TRUE(run(broker_->find_by_name(who, Kind::cache, "redis", mine.resource.name)));
        EXPECT_TRUE(run(broker_->find_operation(who, mine.operation->id)));
        EXPECT_TRUE(run(broker_->timeline(who, mine.resource.id, 0, 10)));
        EXPECT_EQ(run(broker_->list(who, {}, {}))->items.size(), 1U);
    }
}

// Answering one's own instead would look as if the other had nothing.
TEST_F(AccessTest, NamingAnotherOrganizationIsForAdministrators) {
    provision();
    provision(request(), caller("other"));
    ResourceFilter filter;
    filter.organization = OrganizationId("other");
    EXPECT_EQ(code_of(run(broker_->list(caller(), filter, {}))), ErrorCode::forbidden);
    const auto mine = run(broker_->list(caller(), {}, {}));
    ASSERT_EQ(mine->items.size(), 1U);
    EXPECT_EQ(mine->items[0].organization, OrganizationId("acme"));
    EXPECT_EQ(run(broker_->list(administrator(), {}, {}))->items.size(), 2U);
    EXPECT_EQ(run(broker_->list(administrator(), filter, {}))->items.size(), 1U);
    OperationFilter operations;
    operations.organization = OrganizationId("other");
    EXPECT_EQ(code_of(run(broker_->list_operations(caller(), operations, {}))), ErrorCode::forbidden);
    EXPECT_EQ(run(broker_->list_operations(caller(), {}, {}))->items.size(), 1U);
    EXPECT_EQ(run(broker_->list_operations(administrator(), {}, {}))->items.size(), 2U);
    EventFilter events;
    events.organization = OrganizationId("other");
    EXPECT_EQ(code_of(run(broker_->events(caller(), events, 0, 10))), ErrorCode::forbidden);
    EXPECT_EQ(run(broker_->events(administrator(), events, 0, 10))->items.size(), 1U);
}

TEST_F(AccessTest, WhatWaitsInAPoolIsNobodysToSee) {
    const Resource waiting = pooled();
    EXPECT_EQ(code_of(run(broker_->find(caller(), waiting.id))), ErrorCode::not_found);
    EXPECT_EQ(run(broker_->list(caller(), {}, {}))->items.size(), 0U);
}

TEST_F(AccessTest, WhatIsGoneHasNoNameAnyMore) {
    const Resource mine = ready();
    ASSERT_TRUE(run(broker_->deprovision(caller(), mine.id)));
    work();
    EXPECT_EQ(code_of(run(broker_->find_by_name(caller(), Kind::cache, "redis", mine.name))), ErrorCode::not_found);
    EXPECT_TRUE(run(broker_->find(caller(), mine.id))) << "its record is kept";
}

// Names are free in every organization anew: an administrator's own comes first, and of others it has to say which.
TEST_F(AccessTest, ANameMeansOnesOwnBeforeAnothers) {
    ProvisionRequest wanted = request();
    wanted.name = "sessions";
    const Accepted mine = provision(wanted);
    const Accepted other = provision(wanted, caller("other"));
    EXPECT_EQ(run(broker_->find_named(caller(), "sessions"))->id, mine.resource.id);
    EXPECT_EQ(run(broker_->find_named(caller("other"), "sessions"))->id, other.resource.id);
    EXPECT_EQ(code_of(run(broker_->find_named(administrator(), "sessions"))), ErrorCode::conflict);
    EXPECT_EQ(run(broker_->find_named(caller("other", Role::administrator), "sessions"))->id, other.resource.id);
    EXPECT_EQ(code_of(run(broker_->find_by_name(administrator(), Kind::cache, "redis", "sessions"))),
              ErrorCode::conflict);
}

// Clients of the Redis face know the name that stands in their URL, whatever it is called since.
TEST_F(AccessTest, ItIsFoundByItsExternalNameToo) {
    ProvisionRequest wanted = request();
    wanted.name = "sessions";
    const Accepted mine = provision(wanted);
    const std::string external = mine.resource.external_name;
    EXPECT_EQ(run(broker_->find_by_name(caller(), Kind::cache, "redis", external))->id, mine.resource.id);
    EXPECT_EQ(run(broker_->find_named(caller(), external))->id, mine.resource.id);
    EXPECT_EQ(run(broker_->find_named(caller(), mine.resource.id.str()))->id, mine.resource.id);
    EXPECT_EQ(code_of(run(broker_->find_by_name(caller(), Kind::cache, "memcached", external))),
              ErrorCode::not_found);
    EXPECT_EQ(code_of(run(broker_->find_named(caller("other"), external))), ErrorCode::not_found);
}

TEST_F(AccessTest, WrongAndRevokedKeysAreRefusedAlike) {
    const Secret key = key_of("acme");
    ApiKey record = *memory_.snapshot().api_key_by_hash(hash_key(key));
    for (const std::string& wrong :
         {std::string(), std::string("slk_"), key.reveal() + "x", key.reveal().substr(1), record.hash}) {
        EXPECT_EQ(code_of(run(broker_->authenticate(Secret(wrong)))), ErrorCode::unauthenticated) << wrong.size();
    }
    const std::string said = run(broker_->authenticate(Secret("wrong"))).error().message;
    record.revoked_at = clock_.now();
    Commit revoke;
    revoke.writes.emplace_back(write::PutApiKey{record});
    ASSERT_TRUE(run(memory_.commit(std::move(revoke))));
    const auto revoked = run(broker_->authenticate(key));
    EXPECT_EQ(code_of(revoked), ErrorCode::unauthenticated);
    EXPECT_EQ(revoked.error().message, said) << "nobody learns that it was a key once";
}

TEST_F(AccessTest, AKeyIsOverAtTheMomentThatItSays) {
    const Secret key = key_of("acme");
    ApiKey record = *memory_.snapshot().api_key_by_hash(hash_key(key));
    record.expires_at = clock_.now() + 1min;
    Commit change;
    change.writes.emplace_back(write::PutApiKey{record});
    ASSERT_TRUE(run(memory_.commit(std::move(change))));
    const auto who = run(broker_->authenticate(key));
    ASSERT_TRUE(who);
    EXPECT_TRUE(*run(broker_->still_valid(*who)));
    clock_.advance(1min - 1us);
    EXPECT_TRUE(run(broker_->authenticate(key)));
    clock_.advance(1us);
    EXPECT_EQ(code_of(run(broker_->authenticate(key))), ErrorCode::unauthenticated);
    EXPECT_FALSE(*run(broker_->still_valid(*who))) << "what goes on for a long time ends with its key";
}

TEST_F(AccessTest, ThePasswordIsForItsOrganization) {
    const Resource mine = ready();
    const auto shown = run(broker_->password(caller(), mine));
    ASSERT_TRUE(shown && *shown);
    EXPECT_EQ((*shown)->reveal(), password_of(mine));
    EXPECT_EQ((*shown)->reveal().size(), 32U);
    EXPECT_EQ(code_of(run(broker_->password(reader(), mine))), ErrorCode::forbidden);
    const Resource open = ready(request("", "open"));
    const auto none = run(broker_->password(caller(), open));
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value()) << "its plan has none";
}

TEST_F(AccessTest, ATagIsSetAndReplacedAndWrittenDown) {
    const Resource mine = ready();
    EXPECT_EQ(tag(mine.id, "team", "a")->labels.at("team"), "a");
    EXPECT_EQ(tag(mine.id, "team", "b")->labels.at("team"), "b");
    EXPECT_EQ(resource(mine.id).labels.size(), 1U);
    EXPECT_EQ(run(broker_->timeline(caller(), mine.id, 0, 100))->back().body.type, "resource.tagged");
}

TEST_F(AccessTest, TheTagBillingcodeIsTheBillingCode) {
    const Resource mine = ready();
    const auto tagged = tag(mine.id, "billingcode", "team-b");
    ASSERT_TRUE(tagged);
    EXPECT_EQ(tagged->billing_code, "team-b");
    EXPECT_TRUE(tagged->labels.empty());
    EXPECT_EQ(code_of(tag(mine.id, "billingcode", "")), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(tag(mine.id, "billingcode", std::string(129, 'b'))), ErrorCode::invalid_argument);
    EXPECT_EQ(resource(mine.id).billing_code, "team-b");
}

TEST_F(AccessTest, TagsHaveTheLimitsOfLabels) {
    const Resource mine = ready();
    EXPECT_EQ(code_of(tag(mine.id, "", "x")), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(tag(mine.id, "sp ace", "x")), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(tag(mine.id, std::string(64, 'k'), "x")), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(tag(mine.id, "k", std::string(256, 'v'))), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(tag(mine.id, "k", "line\nbreak")), ErrorCode::invalid_argument);
    for (int i = 0; i < 32; ++i) ASSERT_TRUE(tag(mine.id, fmt::format("k{}", i), ""));
    EXPECT_EQ(code_of(tag(mine.id, "one-more", "v")), ErrorCode::invalid_argument);
    EXPECT_TRUE(tag(mine.id, "k7", "changed")) << "replacing one needs no room";
    EXPECT_TRUE(tag(mine.id, "billingcode", "b")) << "it is no label";
    EXPECT_EQ(resource(mine.id).labels.size(), 32U);
}

TEST_F(AccessTest, AReaderMayNotTagAndWhatIsGoneCannotBeTagged) {
    const Resource mine = ready();
    EXPECT_EQ(code_of(tag(mine.id, "a", "b", reader())), ErrorCode::forbidden);
    ASSERT_TRUE(run(broker_->deprovision(caller(), mine.id)));
    work();
    EXPECT_EQ(code_of(tag(mine.id, "a", "b")), ErrorCode::not_found);
}

// Somebody else wrote in between: both tags are there.
TEST_F(AccessTest, TwoTagsAtOnceAreBothKept) {
    const Resource mine = ready();
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await broker_->tag(caller(), mine.id, "first", "1"));
    };
    ASSERT_TRUE(tag(mine.id, "second", "2"));
    EXPECT_EQ(resource(mine.id).labels.size(), 2U);
}

}  // namespace
}  // namespace slipway::broker_test
