#include "store_conformance.h"

// The feed of events: what a filter finds, how far a page has come, and who is told. And webhooks, which read it.
namespace slipway::conformance {
namespace {

using Sequences = std::vector<std::uint64_t>;

Sequences of(const EventPage& page) {
    Sequences found;
    for (const Event& event : page.items) found.push_back(event.sequence);
    return found;
}

EventDraft event(int resource, std::string type, int operation = 0, std::string organization = "acme") {
    EventDraft draft = sample_event(sample_resource(resource, std::move(organization)), std::move(type));
    if (operation != 0) draft.operation = operation_id(operation);
    return draft;
}

Commit commit_of(std::vector<EventDraft> events) {
    Commit commit;
    commit.events = std::move(events);
    return commit;
}

Webhook sample_webhook(const std::string& id) {
    Webhook webhook;
    webhook.id = WebhookId(id);
    webhook.organization = OrganizationId("acme");
    webhook.url = "https://example.org/hook";
    webhook.secret = {"data-key-1", "c2VhbGVk"};
    webhook.types = {"resource.", "operation.failed", "odd \"type\"\n"};
    webhook.enabled = false;
    webhook.cursor = 7;
    webhook.failures = 4'294'967'295U;
    webhook.next_attempt = kStart + 1s;
    webhook.last_error = "503 Service Unavailable";
    webhook.delivered_at = kStart + 2s;
    webhook.created_at = kStart;
    return webhook;
}

class FeedConformance : public StoreConformance {
  protected:
    EventPage page(EventFilter filter, std::uint64_t after = 0, std::uint32_t limit = 1000) {
        return run(store().events(std::move(filter), after, limit)).value();
    }
    Sequences find(EventFilter filter) { return of(page(std::move(filter))); }
    void fill() {
        put(sample_resource(1));
        const Resource second = put(sample_resource(2, "globex"));
        put(sample_operation(2, second));
        must(commit_of({event(1, "resource.requested", 1), event(2, "resource.requested", 2, "globex"),
                        event(1, "operation.started", 1), event(2, "operation.started", 2, "globex"),
                        event(1, "resource.ready", 1), event(2, "resource.ready", 3, "globex"),
                        event(1, "resource.tagged")}));
        EventDraft audit;  // of no resource, like a key that was made
        audit.at = kStart;
        audit.type = "key.created";
        audit.organization = OrganizationId("acme");
        must(commit_of({audit}));
    }
};

TEST_P(FeedConformance, FiltersByResourceOperationOrganizationAndType) {
    fill();
    EXPECT_EQ(find({}), (Sequences{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(find({.resource = resource_id(1)}), (Sequences{1, 3, 5, 7}));
    EXPECT_EQ(find({.organization = OrganizationId("acme")}), (Sequences{1, 3, 5, 7, 8}));
    EXPECT_EQ(find({.operation = operation_id(2)}), (Sequences{2, 4})) << "an operation that is stored";
    EXPECT_EQ(find({.operation = operation_id(3)}), (Sequences{6})) << "an operation that is not";
    EXPECT_EQ(find({.types = {"resource.ready"}}), (Sequences{5, 6}));
    EXPECT_EQ(find({.types = {"resource."}}), (Sequences{1, 2, 5, 6, 7}));
    EXPECT_EQ(find({.types = {"key.", "operation.started"}}), (Sequences{3, 4, 8}));
    EXPECT_EQ(find({.resource = resource_id(2), .types = {"resource."}}), (Sequences{2, 6}));
    EXPECT_EQ(find({.resource = resource_id(2), .organization = OrganizationId("acme")}), Sequences{});
    EXPECT_EQ(find({.operation = operation_id(2), .types = {"resource."}}), (Sequences{2}));
    EXPECT_EQ(find({.types = {"nothing."}}), Sequences{});
    EXPECT_EQ(find({.resource = resource_id(9)}), Sequences{});
}

TEST_P(FeedConformance, SaysHowFarItLookedAndWhetherThereIsMore) {
    fill();
    EventPage first = page({.types = {"resource."}}, 0, 2);
    EXPECT_EQ(of(first), (Sequences{1, 2}));
    EXPECT_TRUE(first.more);
    EventPage second = page({.types = {"resource."}}, first.scanned, 3);
    EXPECT_EQ(of(second), (Sequences{5, 6, 7}));
    EventPage last = page({.types = {"resource."}}, second.scanned, 3);
    EXPECT_TRUE(last.items.empty());
    EXPECT_FALSE(last.more);
    EXPECT_EQ(last.scanned, 8U) << "what does not match was looked at too";

    EXPECT_EQ(page({.resource = resource_id(1)}).scanned, 8U);
    EXPECT_EQ(page({}, 100).scanned, 100U) << "never before where it began";
    EXPECT_EQ(page({}, UINT64_MAX).scanned, UINT64_MAX);
    EXPECT_EQ(of(page({}, 3, 0)), (Sequences{4})) << "a page has at least one";
}

TEST_P(FeedConformance, KnowsTheLastEvent) {
    EXPECT_EQ(run(store().last_event()).value(), 0U);
    EXPECT_EQ(page({}).scanned, 0U);
    fill();
    EXPECT_EQ(run(store().last_event()).value(), 8U);
}

// One event in thousands is wanted: no call looks at all of them, and all calls together find it.
TEST_P(FeedConformance, APagesWorkIsBoundedFoundOrNot) {
    constexpr std::uint64_t kMany = 12'000;
    for (std::uint64_t at = 0; at < kMany; at += 1000) {
        std::vector<EventDraft> events;
        for (std::uint64_t i = 0; i < 1000; ++i) {
            events.push_back(event(1, at + i + 1 == 9000 ? "rare.thing" : "usual.thing", 0));
        }
        must(commit_of(std::move(events)));
    }
    for (const EventFilter& filter :
         {EventFilter{.types = {"rare."}}, EventFilter{.resource = resource_id(1), .types = {"rare."}}}) {
        std::uint64_t after = 0;
        int calls = 0;
        Sequences found;
        for (bool more = true; more; ++calls) {
            const EventPage looked = page(filter, after, 10);
            EXPECT_LE(looked.scanned - after, 5000U);
            EXPECT_GT(looked.scanned, after) << "it never stands still while there is more";
            if (looked.scanned <= after) return;
            for (const std::uint64_t sequence : of(looked)) found.push_back(sequence);
            after = looked.scanned;
            more = looked.more;
        }
        EXPECT_EQ(found, Sequences{9000});
        EXPECT_EQ(after, kMany);
        EXPECT_EQ(calls, 3);
    }
}

TEST_P(FeedConformance, KeepsWhatAnEventSays) {
    EventDraft draft = event(1, "resource.ready", 1);
    draft.provider_request_id = "aws-1";
    draft.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    draft.data = {{"n", 1}};
    must(commit_of({draft}));
    const Event found = page({}).items.at(0);
    EXPECT_EQ(found.body.trace, draft.trace);
    EXPECT_EQ(found.body.operation, draft.operation);
    EXPECT_EQ(found.body.organization, draft.organization);
    EXPECT_EQ(found.body.data, draft.data);
}

TEST_P(FeedConformance, ListenersAreToldTheLastEventOfEveryCommitAndLease) {
    std::vector<CommitNotice> notices;
    store().listen([&](const CommitNotice& notice) { notices.push_back(notice); });
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    must(commit_of({event(1, "a"), event(1, "b")}));  // nothing but events
    Commit quiet;
    quiet.writes.emplace_back(write::PutSetting{"k", "v"});
    must(quiet);
    const LeaseAnswer leased = lease();
    ASSERT_EQ(leased.work.size(), 1U);
    store().listen(nullptr);
    ASSERT_EQ(notices.size(), 3U);
    EXPECT_EQ(notices[0].last_event, 1U);
    EXPECT_TRUE(notices[0].work);
    EXPECT_EQ(notices[1].last_event, 3U);
    EXPECT_FALSE(notices[1].work);
    const std::uint64_t last = run(store().last_event()).value();
    EXPECT_GT(last, 3U) << "the lease tells its own story";
    EXPECT_EQ(notices[2].last_event, last);
}

TEST_P(FeedConformance, KeepsWebhooksWithTheirSealedSecrets) {
    EXPECT_TRUE(run(store().webhooks())->empty());
    Commit commit;
    commit.writes.emplace_back(write::PutWebhook{sample_webhook("whk_2")});
    Webhook plain;
    plain.id = WebhookId("whk_1");
    plain.url = "https://example.org";
    commit.writes.emplace_back(write::PutWebhook{plain});
    must(commit);
    const auto found = run(store().webhooks()).value();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].id, plain.id) << "in the order of their ids";
    EXPECT_FALSE(found[0].delivered_at);
    EXPECT_TRUE(found[0].types.empty());
    const Webhook expected = sample_webhook("whk_2");
    EXPECT_EQ(found[1].version, 1U);
    EXPECT_EQ(found[1].organization, expected.organization);
    EXPECT_EQ(found[1].url, expected.url);
    EXPECT_EQ(found[1].secret, expected.secret);
    EXPECT_EQ(found[1].types, expected.types);
    EXPECT_EQ(found[1].enabled, expected.enabled);
    EXPECT_EQ(found[1].cursor, expected.cursor);
    EXPECT_EQ(found[1].failures, expected.failures);
    EXPECT_EQ(found[1].next_attempt, expected.next_attempt);
    EXPECT_EQ(found[1].last_error, expected.last_error);
    EXPECT_EQ(found[1].delivered_at, expected.delivered_at);
    EXPECT_EQ(found[1].created_at, expected.created_at);
}

TEST_P(FeedConformance, AWebhookIsStoredOnlyOverTheVersionThatWasRead) {
    Webhook webhook = sample_webhook("whk_1");
    Commit commit;
    commit.writes.emplace_back(write::PutWebhook{webhook});
    must(commit);
    const Rejected twice = refused(commit);
    EXPECT_EQ(twice.obstacle, Obstacle::webhook_changed);
    EXPECT_EQ(twice.subject, "whk_1");
    webhook.version = 1;
    webhook.cursor = 9;
    commit.writes = {write::PutWebhook{webhook}};
    must(commit);
    EXPECT_EQ(refused(commit).obstacle, Obstacle::webhook_changed) << "read before the last change";
    EXPECT_EQ(run(store().webhooks())->at(0).version, 2U);
    EXPECT_EQ(run(store().webhooks())->at(0).cursor, 9U);

    Commit drop;
    drop.writes.emplace_back(write::DropWebhook{webhook.id});
    must(drop);
    must(drop);  // what is not there need not go
    EXPECT_TRUE(run(store().webhooks())->empty());
    webhook.version = 2;
    commit.writes = {write::PutWebhook{webhook}};
    EXPECT_EQ(refused(commit).obstacle, Obstacle::webhook_changed) << "a delivery must not bring it back";
}

TEST_P(FeedConformance, RefusesWebhooksThatCouldNotBeDelivered) {
    for (const auto& [id, url] : {std::pair("", "https://example.org"), std::pair("whk_1", "")}) {
        Webhook webhook;
        webhook.id = WebhookId(id);
        webhook.url = url;
        Commit commit;
        commit.writes.emplace_back(write::PutWebhook{webhook});
        EXPECT_EQ(invalid(commit).code, ErrorCode::invalid_argument);
    }
    Commit twice;
    twice.writes.emplace_back(write::PutWebhook{sample_webhook("whk_1")});
    twice.writes.emplace_back(write::PutWebhook{sample_webhook("whk_1")});
    EXPECT_EQ(invalid(twice).code, ErrorCode::invalid_argument);
    Commit nobody;
    nobody.writes.emplace_back(write::DropWebhook{});
    EXPECT_EQ(invalid(nobody).code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Stores, FeedConformance, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace slipway::conformance
