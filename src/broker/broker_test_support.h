// What the tests of this folder share: a broker over the store in memory, a worker that runs operations as an
// engine would, and a store whose commits can be raced against.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/address.h"
#include "base/digest.h"
#include "base/start_test_support.h"
#include "broker/key_test_support.h"
#include "domain/stepping.h"
#include "store/forwarding_store.h"
#include "store/memory/memory_store.h"

namespace slipway::broker_test {

inline const OrganizationId kAcme("acme");

using namespace std::chrono_literals;

// Reversible, and bound to its context: what is sealed for one place does not open in another.
class HexSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        std::string hex;
        for (const char c : secret.reveal()) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
        return {std::string(context), std::move(hex)};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override {
        if (sealed.key_id != context) return fail(ErrorCode::internal, "sealed for another place");
        std::string text;
        for (std::size_t i = 0; i + 1 < sealed.ciphertext.size(); i += 2) {
            text += static_cast<char>(std::stoi(sealed.ciphertext.substr(i, 2), nullptr, 16));
        }
        return Secret(std::move(text));
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + '\n' + secret.reveal());
    }
};

class Directory final : public ProviderDirectory {
  public:
    bool available = true;
    ProviderTraits traits_;
    [[nodiscard]] Result<ProviderTraits> traits(std::string_view provider, Kind /*kind*/,
                                                std::string_view /*engine*/) const override {
        if (!available) return fail(ErrorCode::unavailable, "redis-server is not installed; run scripts/setup");
        ProviderTraits traits = traits_;
        traits.provider = provider;
        return traits;
    }
};

// Passes on to another store; `before_commit` runs once before the next commit, so that another caller can come
// between reading and writing; `after_commit` after every one, so that a worker is faster than whoever asked.
class RacedStore final : public store::ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    std::function<Task<void>()> before_commit;
    std::function<void()> after_commit;
    int fail_commits = 0;

    Task<Result<CommitAnswer>> commit(Commit commit) override {
        if (before_commit) co_await std::exchange(before_commit, nullptr)();
        if (fail_commits > 0 && fail_commits-- > 0) co_return fail(ErrorCode::storage, "the disk is full");
        auto answer = co_await inner_.commit(std::move(commit));
        if (after_commit) after_commit();
        co_return answer;
    }
};

class BrokerTest : public ::testing::Test {
  protected:
    BrokerTest() : catalog_(plans()) {
        directory_.traits_.ranges = {{"local/port", "port", 20'000, 20'009}};
        make_broker({});
    }
    ~BrokerTest() override { memory_.listen(nullptr); }

    void make_broker(BrokerOptions options) {
        options.host = HostId("host-1");
        broker_ = std::make_unique<Broker>(Broker::Parts{store_, catalog_, directory_, sealer_, clock_, random_},
                                           std::move(options));
        memory_.listen([this](const CommitNotice& notice) { broker_->on_commit(notice); });
    }
    void limit_resources(std::uint64_t limit) {
        BrokerOptions options;
        options.max_resources_per_organization = limit;
        make_broker(std::move(options));
    }
    static Plan plan(std::string name, std::uint32_t pool = 0, bool password = true) {
        Plan plan;
        plan.engine = "redis";
        plan.name = std::move(name);
        plan.provider = "dummy";
        plan.parameters = {{"maxmemory", 64}};
        plan.pool = pool;
        plan.password = password;
        return plan;
    }
    static std::vector<Plan> plans() {
        Plan large = plan("large");
        large.parameters = {{"maxmemory", 1024}};
        large.price = Price{"EUR", 50'000};
        Plan small = plan("small");
        small.price = Price{"EUR", 10'000};
        Plan elsewhere = plan("elsewhere");
        elsewhere.provider = "cloud";
        return {small, plan("pooled", 2), plan("open", 0, false), large, elsewhere};
    }

    static CallContext caller(std::string organization = "acme", Role role = Role::user) {
        std::string actor = "key_" + organization;
        return {{OrganizationId(std::move(organization)), role, std::move(actor)}, "req-1"};
    }
    Secret key_of(const std::string& organization, Role role = Role::user) {
        auto made = run(put_key(memory_, clock_, random_, OrganizationId(organization), role));
        EXPECT_TRUE(made);
        return made ? std::move(*made) : Secret();
    }
    static ProvisionRequest request(std::string key = "", std::string plan = "small") {
        ProvisionRequest request;
        request.face = "native";
        request.engine = "redis";
        request.plan = std::move(plan);
        request.billing_code = "team-a";
        request.idempotency_key = std::move(key);
        return request;
    }

    // Runs what can end by itself, on an executor of its own, so that it may be used in the middle of another run.
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        boost::asio::io_context own{1};
        start(own, into(result, std::move(task)));
        own.poll();
        if (!result) throw std::runtime_error("the task does not end by itself");
        return std::move(*result);
    }
    void poll() {
        context_.restart();
        context_.poll();
    }
    Accepted provision(ProvisionRequest wanted = request(), CallContext context = caller()) {
        auto accepted = run(broker_->provision(std::move(context), std::move(wanted)));
        EXPECT_TRUE(accepted) << accepted.error().message;
        return std::move(accepted).value();
    }
    // Asked for and made.
    Resource ready(ProvisionRequest wanted = request(), CallContext context = caller()) {
        const Accepted accepted = provision(std::move(wanted), std::move(context));
        work();
        EXPECT_EQ(state_of(accepted.resource.id), "ready");
        return resource(accepted.resource.id);
    }
    // A ready one that nobody owns yet.
    Resource pooled() {
        ProvisionDraftRequest wanted;
        wanted.plan = catalog_.find(Kind::cache, "redis", "pooled");
        wanted.traits = *directory_.traits("dummy", Kind::cache, "redis");
        wanted.organization = OrganizationId(kSystemOrganization);
        wanted.face = "pool";
        wanted.billing_code = kPoolBillingCode;
        wanted.name_prefix = "oct";
        wanted.pooled = true;
        wanted.time_limit = 15min;
        Draft draft = draft_provision(wanted, clock_.now(), random_, sealer_);
        const ResourceId id = draft.resource.id;
        EXPECT_TRUE(run(memory_.commit(accept(std::move(draft)))));
        work();
        EXPECT_EQ(state_of(id), "ready");
        return resource(id);
    }

    // Leases what is due and answers it like a provider at which everything works at once. `pause_at`: the worker
    // stops before that call, with its lease.
    void work(std::optional<Verb> pause_at = std::nullopt) {
        for (;;) {
            auto answer = run(memory_.lease({HostId("host-1"), 30s, {{"dummy", 64}}, 64, {}}));
            ASSERT_TRUE(answer);
            if (answer->work.empty()) return;
            for (LeasedWork& each : answer->work) run_one(std::move(each), pause_at);
        }
    }
    void run_one(LeasedWork work, std::optional<Verb> pause_at) {
        OperationChange change = operation_event::Began{work.fresh};
        for (;;) {
            auto stepped = step(work.operation, {clock_.now(), change}, RetryPolicy{});
            ASSERT_TRUE(stepped) << stepped.error().why;
            const auto verb = record(work, std::move(*stepped));
            if (!verb || verb == pause_at) return;
            change = operation_event::Answered{*verb, answer_to(*verb, work.resource), 0.5};
        }
    }
    std::optional<Verb> record(LeasedWork& work, OperationStepped stepped) {
        Commit commit;
        Applied applied = apply_effects(std::move(stepped.effects), clock_.now(), work.resource, commit.events);
        attribute(commit.events, work.operation);
        const std::uint64_t fence = work.operation.fence;
        work.operation = std::move(stepped.operation);
        if (!stepped.persist) return applied.call;
        if (applied.resource_changed) commit.writes.emplace_back(write::PutResource{work.resource});
        commit.writes.emplace_back(write::PutOperation{work.operation, fence});
        if (applied.release_follower) commit.writes.emplace_back(write::Unblock{work.operation.id});
        if (applied.release_allocations) {
            commit.writes.emplace_back(write::ReleaseAllocations{work.resource.id, clock_.now()});
        }
        const auto answer = run(memory_.commit(std::move(commit)));
        EXPECT_TRUE(answer && std::holds_alternative<Committed>(*answer));
        work.operation = operation(work.operation.id);
        work.resource = resource(work.resource.id);
        return applied.call;
    }
    ProviderAnswer answer_to(Verb verb, const Resource& of) {
        bool& exists = out_there_[of.id];
        if (verb == Verb::create) exists = true;
        if (verb == Verb::remove) exists = false;
        if (verb == Verb::update && update_error_) return std::unexpected(*update_error_);
        Observation seen;
        seen.presence = exists ? Presence::running : Presence::absent;
        if (exists) seen.endpoint = Endpoint{"redis", "127.0.0.1", 20'000};
        if (exists && of.kind == Kind::machine) {
            seen.endpoint = Endpoint{"ssh", ipv4_text(of.allocations.at("address")), 22};
        }
        return seen;
    }

    Operation operation(const OperationId& id) { return *memory_.snapshot().operation(id); }
    Resource resource(const ResourceId& id) { return *memory_.snapshot().resource(id); }
    void set_quotas(std::vector<Quota> quotas) {
        Commit commit;
        for (Quota& quota : quotas) commit.writes.emplace_back(write::PutQuota{std::move(quota)});
        EXPECT_TRUE(run(memory_.commit(std::move(commit))));
    }
    static Quota quota(std::uint64_t limit, std::string plan = "", std::string organization = "acme") {
        Quota made{OrganizationId(std::move(organization)), std::nullopt, "", "", limit};
        if (plan.empty()) return made;
        made.kind = Kind::cache;
        made.engine = "redis";
        made.plan = std::move(plan);
        return made;
    }
    std::string state_of(const ResourceId& id) { return std::string(state_name(resource(id).state)); }
    std::string state_of(const OperationId& id) { return std::string(state_name(operation(id).state)); }
    std::size_t resources() {
        ResourceFilter all;
        all.include_gone = true;
        return memory_.snapshot().resources(all, {"", 1000}).items.size();
    }
    std::string password_of(const Resource& of) {
        return sealer_.open(of.secrets.at("password"), secret_context(of.id, "password"))->reveal();
    }

    ManualClock clock_{from_micros(1'700'000'000'000'000)};
    store::MemoryStore memory_{clock_};
    RacedStore store_{memory_};
    Catalog catalog_;
    Directory directory_;
    HexSealer sealer_;
    SeededRandom random_{11};
    std::map<ResourceId, bool> out_there_;
    std::optional<ProviderError> update_error_;
    std::unique_ptr<Broker> broker_;
    boost::asio::io_context context_{1};
};

}  // namespace slipway::broker_test
