// Webhooks as records: who may have which, what is shown, and what a change does.
#include "broker/administration_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class WebhookTest : public AdministeredTest {
  protected:
    static NewWebhook wish(std::string key = "") {
        NewWebhook wanted;
        wanted.url = "https://example.org/hook";
        wanted.types = {"resource.", "operation.failed"};
        wanted.idempotency_key = std::move(key);
        return wanted;
    }
    IssuedWebhook made(CallContext as = caller()) {
        auto answer = run(administration_->create_webhook(std::move(as), wish()));
        EXPECT_TRUE(answer) << answer.error().message;
        return answer ? std::move(*answer) : IssuedWebhook();
    }
};

TEST_F(WebhookTest, ItBeginsWithWhatComesAndItsSecretIsSealed) {
    provision();
    const std::uint64_t before = memory_.snapshot().last_event();
    const IssuedWebhook issued = made();
    EXPECT_TRUE(issued.secret.reveal().starts_with("whsec_"));
    EXPECT_EQ(issued.record.cursor, before);
    EXPECT_EQ(issued.record.version, 1U);
    const auto stored = run(administration_->webhook(caller(), issued.record.id));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->url, "https://example.org/hook");
    EXPECT_EQ(sealer_.open(stored->secret, secret_context(stored->id))->reveal(), issued.secret.reveal());
    EXPECT_THAT(stored->secret.ciphertext, Not(HasSubstr(issued.secret.reveal())));
}

TEST_F(WebhookTest, ARepeatedRequestIsAnsweredTheSameOne) {
    const auto first = run(administration_->create_webhook(caller(), wish("key")));
    const auto second = run(administration_->create_webhook(caller(), wish("key")));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(second->record.id, first->record.id);
    EXPECT_EQ(second->secret.reveal(), first->secret.reveal());
    NewWebhook other = wish("key");
    other.types.clear();
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), other))), ErrorCode::idempotency_reuse);
    ASSERT_TRUE(run(administration_->remove_webhook(caller(), first->record.id)));
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), wish("key")))), ErrorCode::conflict);
}

TEST_F(WebhookTest, OnesOwnOnly) {
    const IssuedWebhook mine = made();
    NewWebhook everything = wish();
    everything.organization = OrganizationId(kEveryOrganization);
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), everything))), ErrorCode::forbidden);
    const auto all = run(administration_->create_webhook(operators(), everything));
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->record.organization.empty());
    for (const CallContext& as : {caller("other"), caller("other", Role::reader)}) {
        EXPECT_EQ(code_of(run(administration_->webhook(as, mine.record.id))), ErrorCode::not_found);
        EXPECT_EQ(code_of(run(administration_->change_webhook(as, mine.record.id, {}))), ErrorCode::not_found);
        EXPECT_EQ(code_of(run(administration_->remove_webhook(as, mine.record.id))), ErrorCode::not_found);
        EXPECT_TRUE(run(administration_->webhooks(as, std::nullopt))->empty());
    }
    EXPECT_EQ(code_of(run(administration_->webhook(caller(), all->record.id))), ErrorCode::not_found);
    const CallContext reader = caller("acme", Role::reader);
    EXPECT_TRUE(run(administration_->webhook(reader, mine.record.id)));
    EXPECT_EQ(code_of(run(administration_->changeable_webhook(reader, mine.record.id))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->change_webhook(reader, mine.record.id, {}))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->remove_webhook(reader, mine.record.id))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(administration_->create_webhook(reader, wish()))), ErrorCode::forbidden);
    EXPECT_EQ(run(administration_->webhooks(operators(), std::nullopt))->size(), 2U);
    EXPECT_EQ(run(administration_->webhooks(operators(), OrganizationId("acme")))->size(), 1U);
    EXPECT_EQ(run(administration_->webhooks(operators(), OrganizationId(kEveryOrganization)))->size(), 1U);
    EXPECT_EQ(code_of(run(administration_->webhooks(caller(), OrganizationId(kEveryOrganization)))),
              ErrorCode::forbidden);
}

TEST_F(WebhookTest, FieldsHaveTheirRules) {
    NewWebhook wanted = wish();
    wanted.url = "https://127.0.0.1/x";
    wanted.types = {"resource.*"};
    const auto refused = run(administration_->create_webhook(caller(), wanted));
    ASSERT_EQ(code_of(refused), ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().problems.size(), 2U);
    wanted = wish();
    wanted.types = std::vector<std::string>(33, "resource.");
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), wanted))), ErrorCode::invalid_argument);
    AdministrationOptions options;
    options.allow_private_webhooks = true;
    make(options);
    wanted = wish();
    wanted.url = "http://127.0.0.1:8080/x";
    EXPECT_TRUE(run(administration_->create_webhook(caller(), wanted)));
}

TEST_F(WebhookTest, SwitchingItOnForgetsItsFailures) {
    Webhook record = made().record;
    record.enabled = false;
    record.failures = 9;
    record.last_error = "no such host";
    record.next_attempt = clock_.now() + 1h;
    Commit commit;
    commit.writes.emplace_back(write::PutWebhook{record});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    WebhookChange change;
    change.url = "https://example.org/other";
    ASSERT_TRUE(run(administration_->change_webhook(caller(), record.id, change)));
    EXPECT_EQ(run(administration_->webhook(caller(), record.id))->failures, 9U);
    change = {};
    change.enabled = true;
    const auto on = run(administration_->change_webhook(caller(), record.id, change));
    ASSERT_TRUE(on);
    EXPECT_EQ(on->failures, 0U);
    EXPECT_EQ(on->last_error, "");
    EXPECT_EQ(on->next_attempt, clock_.now());
    EXPECT_EQ(on->cursor, record.cursor) << "what came meanwhile is delivered";
    EXPECT_EQ(on->version, run(administration_->webhook(caller(), record.id))->version);
}

// A delivery was noted in between; neither is lost.
TEST_F(WebhookTest, AChangeAndADeliveryAtOnceAreBothKept) {
    const Webhook record = made().record;
    store_.before_commit = [&]() -> Task<void> {
        Webhook delivered = record;
        delivered.cursor += 5;
        Commit commit;
        commit.writes.emplace_back(write::PutWebhook{delivered});
        static_cast<void>(co_await memory_.commit(std::move(commit)));
    };
    WebhookChange change;
    change.types = std::vector<std::string>();
    const auto changed = run(administration_->change_webhook(caller(), record.id, change));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->cursor, record.cursor + 5);
    EXPECT_TRUE(changed->types.empty());
}

TEST_F(WebhookTest, TheyAreBoundedEvenWhereSeveralComeAtOnce) {
    AdministrationOptions options;
    options.max_webhooks_per_organization = 2;
    make(options);
    made();
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await administration_->create_webhook(caller(), wish()));
    };
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), wish()))), ErrorCode::exhausted);
    EXPECT_EQ(run(administration_->webhooks(caller(), std::nullopt))->size(), 2U);
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), wish()))), ErrorCode::exhausted);
    made(caller("other"));
}

}  // namespace
}  // namespace slipway::broker_test
