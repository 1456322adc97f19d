// Webhooks: every event that matches, in order, at least once, whatever fails on the way.
#include "ops/webhooks.h"

#include <gmock/gmock.h>

#include "ops/ops_test_support.h"
#include "ops/webhook_signature.h"

namespace slipway::ops_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WebhooksTest : public OpsTest {
  protected:
    WebhooksTest() { restart(); }
    ~WebhooksTest() override { end(); }

    void end() {
        if (!delivery_) return;
        delivery_->stop();
        timeline_.drop(kOwner);
        delivery_.reset();
    }
    // As a process that was killed and started again: nothing but the store is kept.
    void restart(WebhookOptions options = {}) {
        end();
        delivery_ = WebhookDelivery::make({store_, sealer_, timeline_.clock(), scheduler_, random_,
                                           context_.get_executor(), [this](WebhookPost post) { return take(post); },
                                           [](const Event& event) { return event.body.message; }},
                                          options);
        delivery_->start();
    }
    Task<Result<int>> take(WebhookPost post) {
        if (refuse) co_return fail(ErrorCode::unavailable, "connection refused");
        if (slow > Duration::zero()) co_await scheduler_.sleep(slow);
        posts.push_back(std::move(post));
        co_return status;
    }
    Webhook add(std::vector<std::string> types = {}, std::string organization = "acme") {
        Webhook webhook;
        webhook.id = make_id<WebhookId>("whk", now(), random_);
        webhook.organization = OrganizationId(std::move(organization));
        webhook.url = "https://example.org/hook";
        webhook.secret = sealer_.seal(secret_, secret_context(webhook.id));
        webhook.types = std::move(types);
        webhook.created_at = now();
        Commit change;
        change.writes.emplace_back(write::PutWebhook{webhook});
        commit(std::move(change));
        delivery_->hint();
        return webhook;
    }
    void happen(std::string message, std::string type = "resource.ready", std::string organization = "acme") {
        Commit change;
        EventDraft event;
        event.at = now();
        event.type = std::move(type);
        event.message = std::move(message);
        event.trace = trace_;
        event.organization = OrganizationId(std::move(organization));
        change.events.push_back(std::move(event));
        commit(std::move(change));
        delivery_->hint();
    }
    Webhook stored(const WebhookId& id) {
        for (Webhook& each : *run(store_.webhooks())) {
            if (each.id == id) return each;
        }
        throw std::runtime_error("no such webhook");
    }
    std::vector<std::string> bodies() const {
        std::vector<std::string> all;
        for (const WebhookPost& post : posts) all.push_back(post.body);
        return all;
    }
    static std::string header(const WebhookPost& post, std::string_view name) {
        for (const auto& [key, value] : post.headers) {
            if (key == name) return value;
        }
        return "";
    }

    static constexpr int kOwner = 4711;
    Secret secret_ = make_webhook_secret(random_);
    TimelineScheduler scheduler_{timeline_, kOwner};
    std::shared_ptr<WebhookDelivery> delivery_;
    std::vector<WebhookPost> posts;
    int status = 204;
    std::string trace_;
    bool refuse = false;
    Duration slow{};
};

TEST_F(WebhooksTest, DeliversWhatMatchesInOrderAndNothingElse) {
    const Webhook webhook = add({"resource."});
    happen("one");
    happen("not theirs", "resource.ready", "others");
    happen("another type", "operation.retrying");
    happen("two");
    ASSERT_TRUE(until([&] { return posts.size() == 2; }, 10s));
    EXPECT_THAT(bodies(), ElementsAre("one", "two"));
    advance(1min);
    EXPECT_EQ(posts.size(), 2U) << "each once";
    EXPECT_EQ(stored(webhook.id).cursor, 4U);
    EXPECT_TRUE(stored(webhook.id).delivered_at);
}

TEST_F(WebhooksTest, EveryDeliveryIsSignedSoThatItsReceiverCanTell) {
    add();
    happen("one");
    ASSERT_TRUE(until([&] { return posts.size() == 1; }, 10s));
    const std::string id = header(posts[0], "webhook-id");
    const std::string timestamp = header(posts[0], "webhook-timestamp");
    EXPECT_EQ(id, "evt_1");
    EXPECT_EQ(timestamp, webhook_timestamp(now()));
    EXPECT_EQ(header(posts[0], "webhook-signature"), sign_webhook(secret_, id, timestamp, "one").value());
}

// The request that caused it can be found again in the receiver's traces.
TEST_F(WebhooksTest, ADeliveryCarriesTheTraceOfTheRequest) {
    add();
    happen("without");
    trace_ = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    happen("with");
    ASSERT_TRUE(until([&] { return posts.size() == 2; }, 10s));
    EXPECT_EQ(header(posts[0], "traceparent"), "");
    EXPECT_EQ(header(posts[1], "traceparent"), trace_);
}

// From the specification of Standard Webhooks, computed by another implementation (Python's hmac).
TEST_F(WebhooksTest, TheSignatureIsTheOneThatOthersCompute) {
    const Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    EXPECT_EQ(sign_webhook(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", R"({"test": 2432232314})").value(),
              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    EXPECT_FALSE(sign_webhook(Secret("something else"), "a", "b", "c"));
}

TEST_F(WebhooksTest, WhatFailsIsTriedAgainLaterAndKeepsItsOrder) {
    const Webhook webhook = add();
    refuse = true;
    happen("one");
    happen("two");
    advance(20s);
    EXPECT_THAT(posts, IsEmpty());
    EXPECT_GE(stored(webhook.id).failures, 2U);
    EXPECT_THAT(stored(webhook.id).last_error, HasSubstr("refused"));
    refuse = false;
    status = 500;
    advance(2min);
    EXPECT_THAT(stored(webhook.id).last_error, HasSubstr("500"));
    posts.clear();
    status = 200;
    ASSERT_TRUE(until([&] { return posts.size() == 2; }, 2h));
    EXPECT_THAT(bodies(), ElementsAre("one", "two"));
    advance(10s);
    EXPECT_EQ(stored(webhook.id).failures, 0U);
    EXPECT_EQ(stored(webhook.id).last_error, "");
}

TEST_F(WebhooksTest, ReceiversThatNeverWorkAreDisabledAndThatIsSaid) {
    WebhookOptions options;
    options.max_failures = 3;
    restart(options);
    const Webhook webhook = add();
    refuse = true;
    happen("one");
    ASSERT_TRUE(until([&] { return !stored(webhook.id).enabled; }, 24h));
    EXPECT_EQ(stored(webhook.id).failures, 3U);
    const auto events = run(store_.events({.types = {"webhook.disabled"}}, 0, 10));
    ASSERT_TRUE(events);
    ASSERT_EQ(events->items.size(), 1U);
    EXPECT_THAT(events->items[0].body.message, HasSubstr("refused"));
    refuse = false;
    advance(24h);
    EXPECT_THAT(posts, IsEmpty());
}

// One that hangs or fails must not hold up the others.
TEST_F(WebhooksTest, EachIsOnItsOwn) {
    const Webhook good = add();
    Webhook bad = add();
    Commit change;
    bad = stored(bad.id);
    bad.next_attempt = now() + 1h;
    change.writes.emplace_back(write::PutWebhook{bad});
    commit(std::move(change));
    happen("one");
    ASSERT_TRUE(until([&] { return posts.size() == 1; }, 10s));
    EXPECT_EQ(stored(bad.id).cursor, 0U);
    ASSERT_TRUE(until([&] { return posts.size() == 2; }, 2h));
    EXPECT_EQ(stored(good.id).failures, 0U);
}

TEST_F(WebhooksTest, AKillLosesNothingAndRepeatsOnlyWhatWasNotNoted) {
    add();
    slow = 1s;
    for (int i = 0; i < 10; ++i) happen(fmt::format("event {}", i));
    ASSERT_TRUE(until([&] { return posts.size() == 4; }, 1min));
    restart();
    ASSERT_TRUE(until([&] { return !posts.empty() && posts.back().body == "event 9"; }, 1min));
    std::set<std::string> seen;
    for (const std::string& body : bodies()) seen.insert(body);
    EXPECT_EQ(seen.size(), 10U);
    advance(1min);
    const std::size_t after = posts.size();
    advance(10min);
    EXPECT_EQ(posts.size(), after) << "nothing comes again";
}

// Its owner changes the address while a delivery is under way: the change stays.
TEST_F(WebhooksTest, AChangeMeanwhileIsNotOverwritten) {
    const Webhook webhook = add();
    slow = 1s;  // so that the change comes while it is under way
    happen("one");
    store_.before_commit = [&](const Commit&) -> Task<void> {
        Commit other;
        Webhook changed = webhook;
        changed.version = 1;
        changed.types = {"operation."};
        other.writes.emplace_back(write::PutWebhook{changed});
        EXPECT_TRUE(co_await memory_.commit(std::move(other)));
    };
    ASSERT_TRUE(until([&] { return posts.size() == 1; }, 10s));
    advance(10s);
    EXPECT_THAT(stored(webhook.id).types, ElementsAre("operation."));
    EXPECT_EQ(stored(webhook.id).cursor, 1U);
    happen("two");
    advance(1min);
    EXPECT_EQ(posts.size(), 1U) << "it does not want this any more";
}

TEST_F(WebhooksTest, WhatIsNotWantedCostsNoCommitEach) {
    const Webhook webhook = add({"nothing."});
    advance(10s);
    const int before = store_.commits;
    for (int i = 0; i < 50; ++i) happen("unwanted");
    advance(1min);
    EXPECT_EQ(store_.commits - before, 50) << "only those of the events themselves";
    EXPECT_EQ(stored(webhook.id).cursor, 0U);
}

TEST_F(WebhooksTest, ATestPostsAtOnceAndWritesNothing) {
    const Webhook webhook = add();
    status = 418;
    const auto tested = run(delivery_->test(stored(webhook.id)));
    ASSERT_TRUE(tested);
    EXPECT_FALSE(tested->delivered);
    EXPECT_EQ(tested->status, 418);
    EXPECT_THAT(tested->error, HasSubstr("418"));
    EXPECT_EQ(stored(webhook.id).failures, 0U);
    status = 200;
    EXPECT_TRUE(run(delivery_->test(stored(webhook.id)))->delivered);
}

}  // namespace
}  // namespace slipway::ops_test
