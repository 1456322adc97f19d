// Fills a state directory with resources through the store's own interface, many times as fast as requests could:
// for the benches of growth (resources that are ready, with the operation that made them and all its events) and of
// operations (requests that wait to be run). Every record is what the domain's own drafts and transitions make of
// a request of the dummy provider; only the commits between them are left out.

#include <CLI/CLI.hpp>
#include <boost/asio/detached.hpp>

#include "domain/draft.h"
#include "domain/stepping.h"
#include "main/config.h"
#include "main/state_dir.h"
#include "store/master_key.h"
#include "store/sealer.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::bench {
namespace {

namespace asio = boost::asio;

constexpr int kUnderWay = 512;  // commits at once: they share transactions
constexpr int kNameTries = 10;

struct Words {
    std::string state_dir;
    std::string organization = "anonymous";
    std::uint64_t count = 0;
    bool queued = false;
    bool fast = false;
};

class Filler {
  public:
    explicit Filler(Words words) : words_(std::move(words)) {}
    Status run();

  private:
    Task<Status> open_keys(const StateDir& directory);
    Task<void> fill();
    Task<Status> add_one();
    Draft draft();
    Commit ended(Draft draft);

    Words words_;
    SystemClock clock_;
    SystemRandom random_;
    RetryPolicy policy_;
    Plan plan_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<store::KeyRing> keys_;
    std::uint64_t begun_ = 0;
    Status status_;
};

Draft Filler::draft() {
    ProvisionDraftRequest wanted;
    wanted.plan = &plan_;
    wanted.traits.provider = plan_.provider;
    wanted.organization = OrganizationId(words_.organization);
    wanted.face = "redis";
    wanted.billing_code = "bench";
    wanted.name_prefix = "oct";
    wanted.time_limit = std::chrono::hours(24);
    wanted.cause = {"bench", "fill"};
    return draft_provision(wanted, clock_.now(), random_, *keys_);
}

// What the engine would have made of it, in one commit.
Commit Filler::ended(Draft draft) {
    const TimePoint now = clock_.now();
    auto leased =
        lease(draft.operation, draft.resource, LeaseToken("bench/fill"), now, std::chrono::seconds(30), policy_);
    Operation operation = std::move(leased->operation);
    Resource resource = std::move(leased->resource);
    Commit commit;
    commit.events = std::move(draft.events);
    std::ranges::move(leased->events, std::back_inserter(commit.events));
    const auto apply = [&](OperationChange change) {
        auto stepped = step(operation, {now, std::move(change)}, policy_);
        operation = std::move(stepped->operation);
        return apply_effects(std::move(stepped->effects), now, resource, commit.events).call;
    };
    Observation running;
    running.presence = Presence::running;
    running.endpoint = Endpoint{"dummy", resource.external_name + ".invalid", 6379};
    running.handle = {{"resource", resource.id.str()}, {"generation", resource.generation}};
    running.detail = "it is a dummy: nothing was made";
    for (auto call = apply(operation_event::Began{leased->fresh}); call;) {
        call = apply(operation_event::Answered{*call, running, 0.5});
    }
    for (EventDraft& event : commit.events) event.operation = operation.id;
    commit.preconditions.emplace_back(precondition::ExternalNameFree{resource.provider, resource.external_name});
    commit.writes.emplace_back(write::PutResource{std::move(resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
    return commit;
}

Task<Status> Filler::add_one() {
    for (int tries = 0; tries < kNameTries; ++tries) {
        const auto answer = co_await store_->commit(words_.queued ? accept(draft()) : ended(draft()));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) co_return Status();
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle != Obstacle::external_name_taken) {
            co_return fail(ErrorCode::internal, "a record was refused: " + rejected.subject);
        }
    }
    co_return fail(ErrorCode::internal, "no free name was found");
}

Task<void> Filler::fill() {
    while (begun_ < words_.count && status_) {
        begun_ += 1;
        if (begun_ % 100'000 == 0) fmt::print(stderr, "fill: {} of {}\n", begun_, words_.count);
        if (Status added = co_await add_one(); !added) status_ = added;
    }
}

Task<Status> Filler::open_keys(const StateDir& directory) {
    auto master = store::load_or_create_master_key(directory.master_key(), random_);
    if (!master) co_return fail(master.error());
    auto keys = co_await store::KeyRing::load_or_create(std::move(*master), *store_, random_, clock_);
    if (!keys) co_return fail(keys.error());
    keys_ = std::move(*keys);
    co_return Status();
}

Status Filler::run() {
    plan_ = default_plans().front();
    plan_.provider = "dummy";
    const auto directory = prepare_state_dir(words_.state_dir);
    if (!directory) return fail(directory.error());
    store::SqliteOptions options;
    options.durable = !words_.fast;
    auto opened = store::SqliteStore::open(directory->store(), clock_, random_, options);
    if (!opened) return fail(opened.error());
    store_ = std::move(*opened);
    asio::io_context io(1);
    asio::co_spawn(
        io,
        [&]() -> Task<void> {
            status_ = co_await open_keys(*directory);
            for (int i = 0; i < kUnderWay; ++i) asio::co_spawn(io, fill(), asio::detached);
        },
        asio::detached);
    io.run();
    store_.reset();
    return status_;
}

int run(int count, const char* const* arguments) {
    CLI::App app{"Fills a state directory for scripts/bench.", "slipway_bench_fill"};
    Words words;
    app.add_option("--state-dir", words.state_dir)->required();
    app.add_option("--count", words.count, "Resources to add")->required()->check(CLI::Range(1, 10'000'000));
    app.add_option("--organization", words.organization);
    app.add_flag("--queued", words.queued, "Requests that wait, instead of what is ready");
    app.add_flag("--fast", words.fast, "Do not wait for the disk (the fill itself is not what is measured)");
    CLI11_PARSE(app, count, arguments);
    const auto began = std::chrono::steady_clock::now();
    if (Status filled = Filler(words).run(); !filled) {
        fmt::print(stderr, "slipway_bench_fill: {} {}\n", filled.error().message, filled.error().detail);
        return 1;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{}\n", json::dump(json::object{{"count", words.count}, {"seconds", took.count()}}));
    return 0;
}

}  // namespace
}  // namespace slipway::bench

int main(int count, char** arguments) {
    try {
        return slipway::bench::run(count, arguments);
    } catch (const std::exception& error) {
        fmt::print(stderr, "slipway_bench_fill: {}\n", error.what());
        return 1;
    }
}
