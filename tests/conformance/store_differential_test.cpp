// The same random history against memory and SQLite gives the same answers and the same state. What one of them
// gets wrong the other shows.
#include <fmt/format.h>

#include "store_conformance.h"

namespace slipway::conformance {
namespace {

// Makes commits out of what the store holds, some of them stale, some of them impossible.
class RandomHistory {
  public:
    explicit RandomHistory(std::uint64_t seed) : random_(seed) {}

    Commit next(Store& store, TimePoint now) {
        now_ = now;
        Commit commit;
        const std::uint64_t writes = 1 + random_.below(3);
        for (std::uint64_t i = 0; i < writes; ++i) add_write(store, commit);
        if (chance(3)) add_precondition(commit);
        commit.trial = chance(9);
        if (chance(2)) commit.events.push_back(sample_event(sample_resource(some()), "test.happened"));
        return commit;
    }
    LeaseRequest next_lease() {
        LeaseRequest request{HostId(chance(2) ? "host-1" : "host-2"), 10s, {}, 1 + below(4), {}};
        request.capacity = {{"local", below(4)}, {"aws", below(4)}};
        if (chance(4)) request.saturated.emplace_back("org-1");
        return request;
    }
    bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_.below(bound)); }

  private:
    int some() { return static_cast<int>(random_.below(40)); }
    OrganizationId organization() { return OrganizationId("org-" + std::to_string(random_.below(3))); }

    void add_write(Store& store, Commit& commit) {
        switch (random_.below(13)) {
            case 0:
            case 1:
            case 2: return add_resource(store, commit);
            case 3:
            case 4: return add_operation(store, commit);
            case 5: commit.writes.emplace_back(write::Unblock{operation_id(some())}); return;
            case 6: commit.writes.emplace_back(write::ReleaseAllocations{resource_id(some()), now_ + 5s}); return;
            case 7: return add_quota(commit);
            case 8: return add_webhook(store, commit);
            case 9: return add_access(commit);
            case 10: return add_cluster(store, commit);
            case 11: commit.writes.emplace_back(write::PutSetting{"book", std::to_string(below(3))}); return;
            default:
                commit.writes.emplace_back(write::PutIdempotency{
                    {"s", std::to_string(below(8)), "h", resource_id(some()), operation_id(some()), now_ + 8s}});
                return;
        }
    }

    void add_resource(Store& store, Commit& commit) {
        const int number = some();
        const auto found = run(store.resource(resource_id(number))).value();
        Resource resource = found ? *found : sample_resource(number);
        if (!found) resource.provider = chance(2) ? "local" : "aws";
        if (chance(8)) resource.version += 1;
        if (chance(3)) resource.organization = organization();
        if (chance(2)) resource.state = state(number);
        if (chance(3)) resource.name = name();
        if (chance(4)) resource.name = resource.external_name;
        if (chance(4)) resource.plan = chance(2) ? "small" : "large";
        if (chance(4)) resource.billing_code = chance(2) ? "123" : "456";
        resource.pooled = chance(2);
        resource.updated_at = chance(8) ? kStart : now_;  // a clock may go back
        if (chance(3)) resource.labels["l" + std::to_string(below(3))] = std::to_string(below(3));
        if (chance(3)) {
            commit.allocations.push_back({"r", chance(2) ? "a" : "b", 0, 12, resource.id, chance(3), now_ + 5s});
        }
        if (chance(4)) resource.placed_on = chance(8) ? ResourceId() : resource_id(static_cast<int>(below(4)));
        if (chance(4))
            resource.address = chance(4) ? "" : sample_address(static_cast<int>(below(kSampleAddresses)));
        if (chance(3)) resource.expiry = Expiry{kStart + 60s, kStart + std::chrono::seconds(below(60))};
        if (chance(6)) resource.expiry.reset();
        if (chance(20)) resource.external_name = "slipway-000001";
        commit.writes.emplace_back(write::PutResource{std::move(resource)});
    }

    ApiKeyId key_id() { return ApiKeyId("key_" + std::to_string(below(5))); }
    std::string name() {
        return chance(4) ? sample_resource(some()).external_name : "name-" + std::to_string(below(9));
    }

    void add_quota(Commit& commit) {
        Quota quota{organization(), std::nullopt, "", "", below(5)};
        if (chance(2)) quota = {organization(), Kind::cache, "redis", chance(2) ? "small" : "large", below(5)};
        if (chance(9)) quota.engine = chance(2) ? "" : "redis";  // half of them are no quota any more
        if (chance(3)) {
            commit.writes.emplace_back(write::DropQuota{quota});
        } else {
            commit.writes.emplace_back(write::PutQuota{quota});
        }
    }

    void add_access(Commit& commit) {
        if (chance(6)) {  // one that may have things, or one that hardly anything is written for
            const OrganizationId one = chance(3) ? OrganizationId("quiet") : organization();
            commit.writes.emplace_back(write::PutOrganization{{one, "title", now_}});
            return;
        }
        if (chance(6)) {
            commit.writes.emplace_back(
                write::DeleteOrganization{OrganizationId(chance(2) ? "quiet" : "org-0"), now_});
            return;
        }
        if (chance(3)) {
            commit.writes.emplace_back(write::PutOrganization{{organization(), "title " + name(), now_}});
            return;
        }
        ApiKey key{key_id(),    "hash " + std::to_string(below(9)), organization(), Role::user, "", now_,
                   std::nullopt};
        if (chance(4)) key.organization = OrganizationId("quiet");
        if (chance(2)) key.role = Role::administrator;
        if (chance(2)) key.revoked_at = now_;
        if (chance(3)) key.expires_at = now_;
        commit.writes.emplace_back(write::PutApiKey{std::move(key)});
    }

    void add_webhook(Store& store, Commit& commit) {
        const WebhookId id("whk_" + std::to_string(below(5)));
        if (chance(4)) {
            commit.writes.emplace_back(write::DropWebhook{id});
            return;
        }
        Webhook webhook;
        for (Webhook& stored : run(store.webhooks()).value()) {
            if (stored.id == id) webhook = std::move(stored);
        }
        webhook.id = id;
        webhook.organization = organization();
        webhook.url = "https://example.org/" + std::to_string(some());
        webhook.secret = {"key-1", "ciphertext"};
        webhook.cursor += below(4);
        if (chance(3)) webhook.delivered_at = now_;
        if (chance(6)) webhook.version += 1;
        commit.writes.emplace_back(write::PutWebhook{std::move(webhook)});
    }

    void add_cluster(Store& store, Commit& commit) {
        const OrganizationId of = organization();
        const std::string called = "cluster-name-" + std::to_string(below(3));
        const auto found = run(store.cluster(of, called)).value();
        Cluster cluster = found ? *found : Cluster{of, called, "slug-" + std::to_string(below(12)), {}, now_, 0};
        if (chance(8)) cluster.version += 1;
        if (chance(20)) cluster.slug += "x";
        if (chance(4)) {
            commit.writes.emplace_back(write::DropCluster{cluster});
            return;
        }
        cluster.database = resource_id(some());
        commit.writes.emplace_back(write::PutCluster{std::move(cluster)});
    }

    void add_operation(Store& store, Commit& commit) {
        const int number = some();
        const auto found = run(store.operation(operation_id(number))).value();
        Operation operation =
            found ? *found : sample_operation(number, sample_resource(some()), now_ + 1s * below(9));
        if (!found) {
            operation.provider = chance(2) ? "local" : "aws";
            operation.organization = organization();
            if (chance(3)) operation.host = HostId(chance(2) ? "host-1" : "host-2");
            if (const OperationId other = operation_id(some()); chance(3) && other != operation.id) {
                operation.blocked_by = other;
            }
        } else if (std::holds_alternative<operation_state::Running>(operation.state)) {
            using namespace operation_state;
            if (chance(2)) operation.state = Retrying{now_ + 1s * below(9), "again"};
            if (chance(3)) operation.state = Waiting{now_ + 1s * below(9), "later"};
            if (chance(3)) operation.state = Succeeded{now_};
        }
        if (chance(8)) operation.version += 1;
        std::optional<std::uint64_t> fence;
        if (chance(2)) fence = operation.fence + (chance(6) ? 1 : 0);
        commit.writes.emplace_back(write::PutOperation{std::move(operation), fence});
    }

    ResourceState state(int number) {
        using namespace resource_state;
        switch (random_.below(7)) {
            case 5: return Deprovisioning{operation_id(number), chance(2)};
            case 0: return Requested{operation_id(number)};
            case 1: return Ready{{"redis", "host", 7}, {}};
            case 4: return Updating{operation_id(number), {"redis", "host", 7}};
            case 2: return Failed{"why"};
            case 3: return Gone{now_};
            default: return Provisioning{operation_id(number)};
        }
    }

    void add_precondition(Commit& commit) {
        switch (random_.below(14)) {
            case 0:
                commit.preconditions.emplace_back(
                    precondition::ExternalNameFree{"local", sample_resource(some()).external_name});
                return;
            case 1:
                commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{"s", std::to_string(below(8))});
                return;
            case 2:
                commit.preconditions.emplace_back(
                    precondition::PoolBelow{Kind::cache, "redis", "small", below(12)});
                return;
            case 3:
                commit.preconditions.emplace_back(precondition::LiveResourcesBelow{organization(), below(15)});
                return;
            case 4:
                commit.preconditions.emplace_back(precondition::PlanResourcesBelow{
                    organization(), Kind::cache, "redis", chance(2) ? "small" : "large", below(9)});
                return;
            case 6: commit.preconditions.emplace_back(precondition::AnotherAdministrator{key_id()}); return;
            case 7: commit.preconditions.emplace_back(precondition::OrganizationFree{organization()}); return;
            case 5: commit.preconditions.emplace_back(precondition::NameFree{organization(), name()}); return;
            case 8: commit.preconditions.emplace_back(precondition::PlaceFree{host(), below(4)}); return;
            case 9: commit.preconditions.emplace_back(precondition::PlacesFull{host(), below(4)}); return;
            case 10: commit.preconditions.emplace_back(precondition::NothingPlaced{host()}); return;
            case 11:
                commit.preconditions.emplace_back(
                    precondition::SettingIs{"book", chance(3) ? "" : std::to_string(below(3))});
                return;
            case 12:
                commit.preconditions.emplace_back(
                    precondition::ClusterFree{organization(), "cluster-name-" + std::to_string(below(3))});
                return;
            default:
                commit.preconditions.emplace_back(precondition::ResourceUnchanged{resource_id(some()), 1});
                return;
        }
    }

    ResourceId host() { return resource_id(static_cast<int>(below(4))); }

    SeededRandom random_;
    TimePoint now_;
};

std::string words(const Result<CommitAnswer>& answer) {
    if (!answer) return fmt::format("error {}: {}", to_string(answer.error().code), answer.error().message);
    if (const auto* rejected = std::get_if<Rejected>(&*answer)) {
        return fmt::format("rejected {} {}", static_cast<int>(rejected->obstacle), rejected->subject);
    }
    const auto& committed = std::get<Committed>(*answer);
    std::string out = fmt::format("committed, event {}", committed.last_event);
    for (const auto& r : committed.resources) out += fmt::format(" {} v{}", r.id.str(), r.version);
    for (const auto& o : committed.operations) {
        out += fmt::format(" {} v{} {}", o.id.str(), o.version, o.blocked_by.str());
    }
    return out;
}

std::string words(const Result<LeaseAnswer>& answer) {
    if (!answer) return answer.error().message;
    std::string out = fmt::format("next {}", answer->next_due ? to_micros(*answer->next_due) : 0);
    for (const auto& work : answer->work) {
        const auto& token = std::get<operation_state::Running>(work.operation.state).token.str();
        out += fmt::format(" {} v{} f{} {} r v{} {}", work.operation.id.str(), work.operation.version,
                           work.operation.fence, token, work.resource.version, work.fresh);
    }
    return out;
}

// The last thing that happened, by kind, so that the test can say that it saw each of them.
void compare_histories(std::uint64_t seed, int length, std::map<std::string, int>& seen) {
    ManualClock clock(kStart);
    const auto memory = memory_backend().make(clock);
    const auto sqlite = sqlite_backend().make(clock);
    RandomHistory history(seed);
    for (int i = 0; i < length; ++i) {
        if (history.chance(3)) clock.advance(1s);
        if (history.chance(4)) {
            const LeaseRequest request = history.next_lease();
            const std::string expected = words(run(memory->store().lease(request)));
            ASSERT_EQ(words(run(sqlite->store().lease(request))), expected) << "seed " << seed << ", step " << i;
            ++seen[expected.find("op_") != std::string::npos ? "leased" : "nothing leased"];
        } else {
            const Commit commit = history.next(memory->store(), clock.now());
            const std::string expected = words(run(memory->store().commit(commit)));
            ASSERT_EQ(words(run(sqlite->store().commit(commit))), expected) << "seed " << seed << ", step " << i;
            const std::string kind = expected.substr(0, expected.find_first_of(" ,", 9));
            ++seen[commit.trial ? "tried: " + kind.substr(0, 8) : kind];
        }
        if (i % 20 == 0) {
            ASSERT_EQ(dump(sqlite->store()), dump(memory->store())) << "seed " << seed << ", step " << i;
        }
    }
    ASSERT_EQ(dump(sqlite->store()), dump(memory->store())) << "seed " << seed;
}

TEST(StoreDifferential, MemoryAndSqliteAgreeOnRandomHistories) {
    std::map<std::string, int> seen;
    for (std::uint64_t seed = 1; seed <= 12 && !HasFatalFailure(); ++seed) compare_histories(seed, 400, seen);
    for (const std::string kind :
         {"committed",   "tried: committe", "tried: rejected", "rejected 10", "rejected 11",
          "leased",      "rejected 0",      "rejected 1",      "rejected 2",  "rejected 3",
          "rejected 4",  "rejected 5",      "rejected 6",      "rejected 7",  "rejected 8",
          "rejected 9",  "rejected 12",     "rejected 13",     "rejected 14", "rejected 15",
          "rejected 16", "rejected 17",     "rejected 18",     "rejected 19", "rejected 20"}) {
        EXPECT_GT(seen[kind], 0) << kind << " never came up: the histories test less than they should";
    }
}

}  // namespace
}  // namespace slipway::conformance
