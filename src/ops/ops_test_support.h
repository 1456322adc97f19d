// What the tests of this folder share: one timeline, hosts that can be stopped, paused and killed, a store that can
// be made to fail. Everything is deterministic: time moves only when the next event is taken.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/start_test_support.h"
#include "domain/stepping.h"
#include "ops/background.h"
#include "ops/engine.h"
#include "providers/dummy/dummy_provider.h"
#include "store/forwarding_store.h"
#include "store/memory/memory_store.h"

namespace slipway::ops_test {

using namespace std::chrono_literals;

// Events in the order of their time. Each belongs to a host, so that a host can be paused or dropped.
class Timeline {
  public:
    using Action = std::move_only_function<void()>;

    [[nodiscard]] const ManualClock& clock() const { return clock_; }
    [[nodiscard]] TimePoint now() const { return clock_.now(); }
    void at(Duration delay, int owner, Action action) {
        const TimePoint when = now() + std::max(delay, Duration::zero());
        events_.emplace(std::pair(when, sequence_++), Event{owner, std::move(action)});
    }
    // Forgets the owner's events, and with them the coroutines that waited for them.
    void drop(int owner) { static_cast<void>(take(owner)); }
    // The owner stands still: all its events come later.
    void pause(int owner, Duration by) {
        for (auto& [key, event] : take(owner)) {
            events_.emplace(std::pair(std::max(key.first, now() + by), key.second), std::move(event));
        }
    }
    // Takes the next event if it comes before the limit; moves to the limit otherwise.
    bool step(TimePoint limit) {
        if (events_.empty() || events_.begin()->first.first > limit) {
            clock_.set(std::max(limit, now()));
            return false;
        }
        auto first = events_.extract(events_.begin());
        clock_.set(std::max(now(), first.key().first));
        first.mapped().action();
        return true;
    }

  private:
    using Key = std::pair<TimePoint, std::uint64_t>;
    struct Event {
        int owner = 0;
        Action action;
    };
    std::vector<std::pair<Key, Event>> take(int owner) {
        std::vector<std::pair<Key, Event>> taken;
        for (auto found = events_.begin(); found != events_.end();) {
            if (found->second.owner == owner) {
                taken.emplace_back(found->first, std::move(found->second));
                found = events_.erase(found);
            } else {
                ++found;
            }
        }
        return taken;
    }

    ManualClock clock_{from_micros(1'700'000'000'000'000)};
    std::uint64_t sequence_ = 0;
    std::map<Key, Event> events_;
};

class TimelineScheduler final : public Scheduler {
  public:
    TimelineScheduler(Timeline& timeline, int owner) : timeline_(timeline), owner_(owner) {}
    Task<void> sleep(Duration delay) override {
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            [this, delay](auto handler) {
                timeline_.at(delay, owner_, [handler = std::move(handler)]() mutable {
                    auto executor = boost::asio::get_associated_executor(handler);
                    boost::asio::post(executor, std::move(handler));
                });
            },
            boost::asio::use_awaitable);
    }

  private:
    Timeline& timeline_;
    int owner_;
};

// Bound to its context, and that is all.
class HexSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        std::string hex;
        for (const char c : secret.reveal()) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
        return {std::string(context), std::move(hex)};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override {
        if (broken) return fail(ErrorCode::internal, "no such key");
        if (sealed.key_id != context) return fail(ErrorCode::internal, "sealed for another place");
        std::string plain;
        for (std::size_t at = 0; at + 1 < sealed.ciphertext.size(); at += 2) {
            plain += static_cast<char>(std::stoi(sealed.ciphertext.substr(at, 2), nullptr, 16));
        }
        return Secret(std::move(plain));
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + '\n' + secret.reveal());
    }
    bool broken = false;
};

// Passes on to another store; counts, and fails where it is told to.
class TestStore final : public store::ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;

    int commits = 0;  // that were written, leases not counted
    int leases = 0;   // that gave work
    int pool_looks = 0;
    int expiry_looks = 0;
    int fail_commits = 0;  // so many fail without effect …
    int lose_commits = 0;  // … or take effect and answer an error
    int fail_reads = 0;    // of operations and resources
    int fail_leases = 0;
    std::function<Task<void>(const Commit&)> before_commit;    // called once, then forgotten
    std::function<Task<void>(const ResourceId&)> before_read;  // of one resource

    Task<Result<CommitAnswer>> commit(Commit commit) override {
        if (before_commit) co_await std::exchange(before_commit, nullptr)(commit);
        if (take(fail_commits)) co_return broken();
        auto answer = co_await inner_.commit(std::move(commit));
        if (answer && std::holds_alternative<Committed>(*answer)) ++commits;
        if (take(lose_commits)) co_return fail(ErrorCode::storage, "outcome unknown");
        co_return answer;
    }
    Task<Result<LeaseAnswer>> lease(LeaseRequest request) override {
        if (take(fail_leases)) co_return broken();
        auto answer = co_await inner_.lease(std::move(request));
        if (answer && !answer->work.empty()) ++leases;
        co_return answer;
    }
    Task<Result<std::optional<Resource>>> resource(ResourceId id) override {
        if (before_read) co_await before_read(id);
        if (take(fail_reads)) co_return broken();
        co_return co_await inner_.resource(std::move(id));
    }
    Task<Result<Page<Resource>>> resources(ResourceFilter filter, PageRequest page) override {
        if (take(fail_reads)) co_return broken();
        co_return co_await inner_.resources(std::move(filter), std::move(page));
    }
    Task<Result<std::vector<PoolLevel>>> pool_levels() override {
        ++pool_looks;
        return inner_.pool_levels();
    }
    Task<Result<std::vector<Resource>>> expiring(TimePoint until, std::uint32_t limit) override {
        ++expiry_looks;
        if (take(fail_reads)) co_return broken();
        co_return co_await inner_.expiring(until, limit);
    }
    Task<Result<std::optional<Operation>>> operation(OperationId id) override {
        if (take(fail_reads)) co_return broken();
        co_return co_await inner_.operation(std::move(id));
    }
    Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) override {
        if (take(fail_reads)) co_return broken();
        co_return co_await inner_.operations(std::move(filter), std::move(page));
    }

  private:
    static bool take(int& left) { return left > 0 && left-- > 0; }
    static std::unexpected<Error> broken() { return fail(ErrorCode::storage, "the disk is full"); }
};

// What metrics are told of calls.
class CallLog final : public OpsObserver {
  public:
    void on_lease(const Operation&, std::optional<Duration>, bool) override {}
    void on_superseded(const Operation&) override {}
    void on_end(const Operation&) override {}
    void on_expired(const Resource& resource) override { expired.push_back(resource.id); }
    void on_call(const std::string& provider, std::string_view verb, std::optional<ErrorClass> failed,
                 Duration) override {
        ++calls[fmt::format("{} {} {}", provider, verb, failed ? to_string(*failed) : "ok")];
    }
    std::map<std::string, int> calls;  // "PROVIDER VERB ok|CLASS"
    std::vector<ResourceId> expired;
};

// One process: its executor, its providers and its engine. All hosts share the store and the cloud.
class Host {
  public:
    struct Shared {
        Timeline& timeline;
        Store& store;
        dummy::World& cloud;
        HexSealer& sealer;
        Random& random;
    };
    Host(Shared shared, int owner, EngineOptions options, std::vector<dummy::DummyOptions> providers)
        : shared_(shared), owner_(owner), scheduler_(shared.timeline, owner) {
        for (dummy::DummyOptions& each : providers) {
            providers_.push_back(std::make_unique<dummy::DummyProvider>(std::move(each), shared.cloud, scheduler_));
            registry_.add(*providers_.back());
        }
        calls_ = std::make_unique<ProviderCalls>(registry_, shared.sealer, InstallationId("ours"),
                                                 ProviderCalls::Watch{shared.timeline.clock(), told_});
        engine_ = Engine::make(
            {shared.store, *calls_, shared.timeline.clock(), scheduler_, shared.random, context_.get_executor()},
            std::move(options));
    }
    ~Host() {
        kill();
        engine_.reset();
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    dummy::DummyProvider& provider(std::size_t index = 0) { return *providers_.at(index); }
    Engine& engine() { return *engine_; }
    const ProviderCalls& calls() { return *calls_; }
    std::map<std::string, int>& told() { return told_.calls; }
    const ProviderRegistry& registry() { return registry_; }
    Scheduler& scheduler() { return scheduler_; }
    boost::asio::any_io_executor executor() { return context_.get_executor(); }
    [[nodiscard]] bool alive() const { return alive_; }
    [[nodiscard]] int owner() const { return owner_; }
    std::function<void(const CommitNotice&)> on_commit;  // besides waking the engine

    bool poll() {
        if (!alive_) return false;
        context_.restart();
        return context_.poll() > 0;
    }
    // Like SIGKILL: nothing of it runs any more.
    void kill() {
        alive_ = false;
        shared_.timeline.drop(owner_);
    }
    void pause(Duration by) { shared_.timeline.pause(owner_, by); }
    void notice(const CommitNotice& notice) {
        if (!alive_) return;
        if (notice.work) engine_->wake();
        if (on_commit) on_commit(notice);
    }

  private:
    Shared shared_;
    int owner_;
    bool alive_ = true;
    TimelineScheduler scheduler_;
    std::vector<std::unique_ptr<dummy::DummyProvider>> providers_;
    ProviderRegistry registry_;
    CallLog told_;
    std::unique_ptr<ProviderCalls> calls_;
    std::shared_ptr<Engine> engine_;
    boost::asio::io_context context_{1};  // destroyed first, with the coroutines that wait in it
};

struct Asked {
    ResourceId resource;
    OperationId operation;
};
struct Wish {
    std::string organization = "acme";
    std::string provider = "dummy";
    Duration limit = 15min;
    HostId host{};
    std::vector<AllocationRange> ranges{};
    bool pooled = false;
};

class OpsTest : public ::testing::Test {
  protected:
    OpsTest() {
        plan_.engine = "redis";
        plan_.name = "small";
        plan_.provider = "dummy";
        memory_.listen([this](const CommitNotice& notice) {
            for (const auto& each : hosts_) each->notice(notice);
        });
    }
    ~OpsTest() override { memory_.listen(nullptr); }

    Host& add_host(std::string name = "host-1", std::vector<dummy::DummyOptions> providers = {{}},
                   EngineOptions options = {}) {
        options.host = HostId(std::move(name));
        hosts_.push_back(std::make_unique<Host>(Host::Shared{timeline_, store_, cloud_, sealer_, random_},
                                                ++owners_, std::move(options), std::move(providers)));
        return *hosts_.back();
    }
    Host& start_host(std::string name = "host-1", std::vector<dummy::DummyOptions> providers = {{}},
                     EngineOptions options = {}) {
        Host& host = add_host(std::move(name), std::move(providers), std::move(options));
        host.engine().start();
        return host;
    }

    void poll() {
        for (bool more = true; more;) {
            context_.restart();
            more = context_.poll() > 0;
            for (const auto& each : hosts_) more |= each->poll();
        }
    }
    void advance(Duration by) {
        const TimePoint limit = now() + by;
        poll();
        while (timeline_.step(limit)) poll();
        poll();
    }
    // Whether it came true within that time.
    bool until(const std::function<bool()>& condition, Duration within = 10min) {
        const TimePoint limit = now() + within;
        poll();
        while (!condition()) {
            if (!timeline_.step(limit)) return condition();
            poll();
        }
        return true;
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        start(context_, into(result, std::move(task)));
        if (!until([&] { return result.has_value(); }, 24h)) throw std::runtime_error("the task does not end");
        return std::move(*result);
    }

    Asked ask(const Wish& wish = {}) {
        Draft draft = draft_of(wish);
        const Asked asked{draft.resource.id, draft.operation.id};
        commit(accept(std::move(draft)));
        return asked;
    }
    Draft draft_of(const Wish& wish) {
        ProvisionDraftRequest wanted;
        wanted.plan = &plan_;
        wanted.traits.provider = wish.provider;
        wanted.traits.ranges = wish.ranges;
        wanted.traits.on_this_host = !wish.host.empty();
        wanted.organization = OrganizationId(wish.organization);
        wanted.face = "test";
        wanted.billing_code = "b";
        wanted.name_prefix = "oct";
        wanted.pooled = wish.pooled;
        wanted.host = wish.host;
        wanted.time_limit = wish.limit;
        return draft_provision(wanted, now(), random_, sealer_);
    }
    OperationId ask_removal(const ResourceId& id) {
        Resource stored = resource(id);
        Operation removal = draft_operation(OperationKind::deprovision, stored, {}, now(), 15min, random_);
        const OperationId operation_id = removal.id;
        auto stepped = step(stored, {now(), resource_event::DeleteRequested{removal.id}});
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
        change.writes.emplace_back(write::PutOperation{std::move(removal), std::nullopt});
        commit(std::move(change));
        return operation_id;
    }
    void ask_cancel(const OperationId& id) {
        Operation stored = operation(id);
        auto stepped = step(stored, {now(), operation_event::CancelRequested{"changed my mind"}}, RetryPolicy{});
        Commit change;
        Resource next = resource(stored.resource);
        const Applied applied = apply_effects(std::move(stepped->effects), now(), next, change.events);
        if (applied.resource_changed) change.writes.emplace_back(write::PutResource{std::move(next)});
        change.writes.emplace_back(write::PutOperation{std::move(stepped->operation), std::nullopt});
        commit(std::move(change));
    }
    void commit(Commit commit) {
        const auto answer = run(store_.commit(std::move(commit)));
        if (!answer || !std::holds_alternative<Committed>(*answer)) throw std::runtime_error("a commit failed");
    }

    Operation operation(const OperationId& id) { return *memory_.snapshot().operation(id); }
    Resource resource(const ResourceId& id) { return *memory_.snapshot().resource(id); }
    std::string state_of(const OperationId& id) { return std::string(state_name(operation(id).state)); }
    std::string state_of(const ResourceId& id) { return std::string(state_name(resource(id).state)); }
    bool ended(const OperationId& id) { return is_terminal(operation(id).state); }
    // A resource that was asked for and made.
    Asked made(const Wish& wish = {}) {
        const Asked asked = ask(wish);
        EXPECT_TRUE(until([&] { return ended(asked.operation); }));
        EXPECT_EQ(state_of(asked.resource), "ready");
        return asked;
    }
    std::vector<std::string> event_types(const ResourceId& id) {
        std::vector<std::string> types;
        for (const Event& event : memory_.snapshot().events(0, id, 1000)) types.push_back(event.body.type);
        return types;
    }
    [[nodiscard]] TimePoint now() const { return timeline_.now(); }

    Timeline timeline_;
    store::MemoryStore memory_{timeline_.clock()};
    TestStore store_{memory_};
    dummy::World cloud_;
    HexSealer sealer_;
    SeededRandom random_{7};
    Plan plan_;
    boost::asio::io_context context_{1};
    int owners_ = 0;
    std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace slipway::ops_test
