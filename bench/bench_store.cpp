// The store alone: accepts as the broker makes them, from as many callers at once as there would be connections.
// Prints how many were durable a second, how many shared a transaction, and what one cost of processor and disk.
// Requests are drafted before the clock runs, so that nothing but the store is measured.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "domain/draft.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::bench {
namespace {

namespace asio = boost::asio;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kRound = 4096;  // commits that are drafted ahead

struct Words {
    std::string directory;
    std::uint64_t count = 50'000;
    std::uint64_t organizations = 10;
    unsigned connections = 64;
    unsigned threads = 2;
    bool keys = false;
    bool run = false;
    bool fast = false;
    bool json = false;
};

// Costs nothing: sealing is not the store's work.
class NoSealer final : public Sealer {
  public:
    Sealed seal(const Secret&, std::string_view) override { return {"key-1", std::string(96, 'x')}; }
    [[nodiscard]] Result<Secret> open(const Sealed&, std::string_view) const override {
        return fail(ErrorCode::internal, "nothing is sealed here");
    }
    [[nodiscard]] std::string mac(const Secret&, std::string_view) const override { return {}; }
};

std::string first_line(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

// What the process and its writer used so far.
struct Used {
    double cpu = 0;     // seconds, of all threads
    double writer = 0;  // seconds, of the thread that writes
    double bytes = 0;   // handed to the disk

    static Used now() {
        Used used;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            const double on_cpu = std::strtod(first_line(task.path() / "schedstat").c_str(), nullptr) / 1e9;
            used.cpu += on_cpu;
            if (first_line(task.path() / "comm") == "store-writer") used.writer += on_cpu;
        }
        std::ifstream io("/proc/self/io");
        for (std::string line; std::getline(io, line);) {
            if (line.starts_with("write_bytes:")) used.bytes = std::strtod(line.c_str() + 12, nullptr);
        }
        return used;
    }
    Used& operator+=(const Used& other) {
        cpu += other.cpu;
        writer += other.writer;
        bytes += other.bytes;
        return *this;
    }
    friend Used operator-(Used a, const Used& b) { return {a.cpu - b.cpu, a.writer - b.writer, a.bytes - b.bytes}; }
};

std::uint64_t resident_kib() {
    std::ifstream in("/proc/self/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
    }
    return 0;
}

class Bench {
  public:
    explicit Bench(Words words) : words_(std::move(words)) { plan_ = Plan(); }
    Status run();

  private:
    Commit draft();
    void round(std::vector<Commit> commits);
    Task<void> caller(std::vector<Commit>& commits, std::atomic<std::size_t>& next);
    Task<void> finish_everything();
    void print(Duration opened) const;

    Words words_;
    SystemClock clock_;
    SystemRandom random_;
    SystemRandom drafts_;
    NoSealer sealer_;
    Plan plan_;
    std::unique_ptr<store::SqliteStore> store_;
    std::uint64_t drafted_ = 0;
    std::atomic<std::uint64_t> failed_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;  // a name came up that there was: one in thousands
    std::uint64_t finished_ = 0;
    Seconds took_{};
    Used used_;
    store::SqliteStatistics before_;
};

// As the broker makes one.
Commit Bench::draft() {
    ProvisionDraftRequest wanted;
    wanted.plan = &plan_;
    wanted.traits.provider = "dummy";
    wanted.organization = OrganizationId(fmt::format("org-{}", drafted_++ % words_.organizations));
    wanted.face = "redis";
    wanted.billing_code = "bench";
    wanted.name_prefix = "oct";
    wanted.time_limit = std::chrono::hours(24);
    wanted.cause = {"key_01hf7yat00an1td7y1h9nm5jpm", make_ulid(clock_.now(), drafts_), {}};
    Commit commit = accept(draft_provision(wanted, clock_.now(), drafts_, sealer_));
    commit.preconditions.emplace_back(precondition::LiveResourcesBelow{wanted.organization, 1'000'000'000});
    if (words_.keys) {
        const std::string key = drafts_.hex(32);
        const auto& resource = std::get<write::PutResource>(commit.writes[0]).resource;
        const auto& operation = std::get<write::PutOperation>(commit.writes[1]).operation;
        commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{"org/redis", key});
        commit.writes.emplace_back(write::PutIdempotency{{"org/redis", key, std::string(64, 'a'), resource.id,
                                                          operation.id, clock_.now() + std::chrono::hours(24)}});
    }
    return commit;
}

Task<void> Bench::caller(std::vector<Commit>& commits, std::atomic<std::size_t>& next) {
    while (true) {
        const std::size_t at = next.fetch_add(1);
        if (at >= commits.size()) co_return;
        const auto answer = co_await store_->commit(std::move(commits[at]));
        if (!answer) {
            ++failed_;
        } else if (std::holds_alternative<Rejected>(*answer)) {
            ++refused_;
        }
    }
}

void Bench::round(std::vector<Commit> commits) {
    std::atomic<std::size_t> next = 0;
    asio::thread_pool threads(words_.threads);
    const Used before = Used::now();
    const auto began = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < words_.connections; ++i) {
        asio::co_spawn(threads, caller(commits, next), asio::detached);
    }
    threads.wait();
    took_ += std::chrono::steady_clock::now() - began;
    used_ += Used::now() - before;
}

// What an engine with a provider that makes nothing would write: a lease of many, and a record of each.
Task<void> Bench::finish_everything() {
    const LeaseRequest request{HostId("bench"), std::chrono::minutes(5), {{"dummy", 256}}, 256, {}};
    while (true) {
        auto leased = co_await store_->lease(request);
        if (!leased || leased->work.empty()) co_return;
        std::atomic<std::size_t> left = leased->work.size();
        for (LeasedWork& work : leased->work) {
            work.operation.state = operation_state::Succeeded{leased->now};
            work.operation.updated_at = work.resource.updated_at = leased->now;
            work.resource.state = resource_state::Ready{{"redis", "127.0.0.1", 6379}, {}};
            Commit commit;
            commit.events.push_back(
                draft_event(work.resource, {"bench", "engine", {}}, leased->now, "resource.ready", "it is ready"));
            commit.writes.emplace_back(write::PutResource{work.resource});
            commit.writes.emplace_back(write::PutOperation{work.operation, work.operation.fence});
            commit.writes.emplace_back(write::Unblock{work.operation.id});
            asio::co_spawn(co_await asio::this_coro::executor, store_->commit(std::move(commit)),
                           [&](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                               if (!answer || !std::holds_alternative<Committed>(*answer)) ++failed_;
                               --left;
                           });
        }
        while (left > 0) co_await asio::post(asio::use_awaitable);
        finished_ += leased->work.size();
    }
}

Status Bench::run() {
    store::SqliteOptions options;
    options.durable = !words_.fast;
    const auto began = std::chrono::steady_clock::now();
    auto opened = store::SqliteStore::open(words_.directory, clock_, random_, options);
    if (!opened) return fail(opened.error());
    const auto opening = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
    store_ = std::move(*opened);
    before_ = store_->statistics();
    if (words_.run) {
        asio::io_context context;
        const Used before = Used::now();
        const auto start = std::chrono::steady_clock::now();
        asio::co_spawn(context, finish_everything(), asio::detached);
        context.run();
        took_ = std::chrono::steady_clock::now() - start;
        used_ = Used::now() - before;
    }
    for (std::uint64_t left = words_.run ? 0 : words_.count; left > 0;) {
        std::vector<Commit> commits(std::min<std::uint64_t>(left, kRound));
        for (Commit& commit : commits) commit = draft();
        left -= commits.size();
        round(std::move(commits));
    }
    print(opening);
    if (failed_ > 0) return fail(ErrorCode::internal, fmt::format("{} commits failed", failed_.load()));
    return {};
}

void Bench::print(Duration opened) const {
    const store::SqliteStatistics now = store_->statistics();
    const auto commits = static_cast<double>(words_.run ? finished_ : drafted_ - refused_);
    const auto batches = static_cast<double>(now.batches - before_.batches);
    const auto jobs = static_cast<double>(now.jobs - before_.jobs);
    const double each = std::max(commits, 1.0);
    json::object out{{"what", words_.run ? "operations finished" : "accepts"},
                     {"commits", commits},
                     {"seconds", took_.count()},
                     {"per_second", took_.count() > 0 ? commits / took_.count() : 0},
                     {"per_batch", jobs / std::max(batches, 1.0)},
                     {"cpu_us_each", used_.cpu * 1e6 / each},
                     {"writer_cpu_us_each", used_.writer * 1e6 / each},
                     {"disk_bytes_each", used_.bytes / each},
                     {"open_ms", static_cast<double>(opened.count()) / 1e3},
                     {"resident_mib", static_cast<double>(resident_kib()) / 1024}};
    if (words_.json) {
        std::cout << json::dump(out) << "\n";
        return;
    }
    for (const auto& member : out) {
        std::cout << fmt::format("{:<20} {}\n", std::string_view(member.key()), json::dump(member.value()));
    }
}

int main_of(int argc, char** argv) {
    CLI::App app{
        "Measures Slipway's embedded store alone.\n"
        "The directory is filled further by every run, so that a second one shows the growth.\n"};
    Words words;
    app.add_option("directory", words.directory, "the store's directory; made where it is missing")->required();
    app.add_option("--count", words.count, "accepts to make (0: only open it)")->capture_default_str();
    app.add_option("--connections", words.connections, "callers at once")->check(CLI::Range(1, 4096));
    app.add_option("--threads", words.threads, "that they share")->check(CLI::Range(1, 64));
    app.add_option("--organizations", words.organizations, "that they belong to")->check(CLI::Range(1, 1'000'000));
    app.add_flag("--keys", words.keys, "with an idempotency key each");
    app.add_flag("--run", words.run, "lease and finish what is queued instead of accepting more");
    app.add_flag("--fast", words.fast, "without syncing: for filling, not for measuring");
    app.add_flag("--json", words.json, "one JSON object instead of lines for people");
    CLI11_PARSE(app, argc, argv);
    if (const Status status = Bench(std::move(words)).run(); !status) {
        std::cerr << "slipway_bench_store: " << status.error().message << " " << status.error().detail << "\n";
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace slipway::bench

int main(int argc, char** argv) { return slipway::bench::main_of(argc, argv); }
