#include "sim/history.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/log.h"
#include "sim/client.h"
#include "sim/invariants.h"
#include "sim/process.h"

namespace slipway::sim {
namespace {

constexpr Duration kDisturb = std::chrono::seconds(1);
constexpr Duration kPatience = std::chrono::hours(3);  // for quiet to come, in the world's time
constexpr Duration kLateEffects = std::chrono::minutes(2);

Catalog catalog_with_pool(std::uint32_t level) {
    Plan plain;
    plain.engine = "redis";
    plain.name = "plain";
    plain.provider = "sim";
    plain.parameters = {{"maxmemory", 1}};
    Plan pooled = plain;
    pooled.name = "pooled";
    pooled.pool = level;
    Plan server = plain;
    server.kind = Kind::database_server;
    server.name = "server";
    Plan placed = plain;
    placed.name = "placed";
    placed.placement = PlacementRule{"server", kThreshold, true};
    return Catalog({plain, pooled, server, placed});
}

// A seed decides what kind of history it is: some are calm, some are hell.
Faults draw_faults(World& world) {
    SeededRandom& random = world.random();
    Faults faults;
    faults.crash = random.unit() * 0.004;
    faults.provider_error = random.unit() * 0.1;
    faults.lost_answer = random.unit() * 0.08;
    faults.late_effect = random.unit() < 0.5 ? 0 : random.unit() * 0.03;
    faults.permanent = random.unit() * 0.06;
    faults.pending = random.unit() * 0.4;
    faults.stop_thing = random.unit() * 0.01;
    faults.vanish_thing = random.unit() < 0.6 ? 0 : random.unit() * 0.002;
    faults.pause = random.unit() < 0.5 ? 0 : random.unit() * 0.02;
    return faults;
}

}  // namespace

class History {
  public:
    History(std::uint64_t seed, Mutant mutant, bool verbose)
        : world_(seed),
          disk_(world_, clock_offset_, RetryPolicy{}, mutant),
          cloud_(world_, world_.chance(0.5) ? Uniqueness::by_name : Uniqueness::by_token),
          catalog_(catalog_with_pool(2)),
          faults_(draw_faults(world_)),
          around_{world_, disk_, cloud_, catalog_, sealer_, faults_, mutant, result_.crashes, clock_offset_},
          verbose_(verbose) {
        result_.seed = seed;
        const int processes = world_.chance(0.5) ? 1 : 2;
        around_.external_tags = world_.chance(0.5);
        around_.on_this_host = processes == 1;
        around_.on_crash = [this](Owner owner) { crashed(owner); };
        for (Owner owner = 1; owner <= processes; ++owner) {
            processes_.push_back(std::make_unique<Process>(around_, owner));
        }
        wire();
        const int clients = 2 + static_cast<int>(world_.random().below(3));
        for (int number = 0; number < clients; ++number) {
            clients_.push_back(std::make_unique<Client>(
                Client::Parts{world_, [this] { return pick(); }, result_.violations, outputs_}, number));
        }
    }

    HistoryResult run() {
        log::capture([this](std::string_view line) {
            outputs_.emplace_back(line);
            if (verbose_)
                std::fprintf(stderr, "%s %.*s\n", format_time(world_.now()).c_str(), static_cast<int>(line.size()),
                             line.data());
        });
        cloud_.plant_foreign("oct-foreign0");
        for (auto& process : processes_) process->start();
        const Duration busy = world_.between(std::chrono::seconds(60), std::chrono::seconds(240));
        for (auto& client : clients_) client->start(busy);
        world_.at(kDisturb, kWorld, [this] { disturb(); });
        run_for(busy);
        faults_.active = false;
        bool quiet = until([this] { return all_idle() && nothing_open(); });
        run_for(std::chrono::seconds(70));  // two passes of the reconciler
        quiet = quiet && until([this] { return all_idle() && nothing_open(); });
        if (!quiet) result_.violations.emplace_back("operations or requests never came to an end");
        check(Phase::served);
        if (quiet) remove_everything();
        finish();
        log::capture(nullptr);
        return std::move(result_);
    }

    ~History() {
        log::capture(nullptr);
        processes_.clear();
    }
    History(const History&) = delete;
    History& operator=(const History&) = delete;

  private:
    void wire() {
        disk_.on_notice = [this](const CommitNotice& notice) {
            world_.at(std::chrono::microseconds(200), kWorld, [this, notice] {
                for (auto& process : processes_) process->notice(notice);
            });
        };
        cloud_.on_create = [this](const Target& target) {
            if (disk_.state().resource(target.resource) == nullptr) {
                result_.violations.push_back(
                    fmt::format("{} was made before its intent was stored", target.external_name));
            }
        };
        cloud_.on_stop = [this](std::string name) {
            world_.at(std::chrono::milliseconds(5), kWorld, [this, name = std::move(name)] {
                for (auto& process : processes_) process->thing_changed(name);
            });
        };
    }

    Process* pick() {
        std::vector<Process*> alive;
        for (auto& process : processes_) {
            if (process->alive()) alive.push_back(process.get());
        }
        return alive.empty() ? nullptr : alive[world_.random().below(alive.size())];
    }

    // The death of a process. With a single one the machine's power went: what was not synced is gone, and the
    // clock may be wrong afterwards.
    void crashed(Owner owner) {
        Process& process = *processes_.at(static_cast<std::size_t>(owner) - 1);
        if (!process.alive()) return;
        result_.kills += 1;
        result_.superseded += process.counters().superseded;
        process.kill();
        for (auto& client : clients_) client->cut_off(owner);
        const bool single = processes_.size() == 1;
        if (single) {
            disk_.crash();
            if (world_.chance(0.3)) clock_offset_ = world_.between(-std::chrono::hours(1), std::chrono::hours(1));
        }
        const Duration down = world_.between(std::chrono::milliseconds(200), std::chrono::seconds(single ? 3 : 50));
        world_.at(down, kWorld, [&process] { process.start(); });
    }

    void disturb() {
        if (!faults_.active) return;
        cloud_.disturb(faults_);
        for (auto& process : processes_) {
            if (process->alive() && world_.chance(faults_.pause)) {
                world_.pause(process->owner(), world_.between(std::chrono::seconds(1), std::chrono::seconds(60)));
            }
        }
        world_.at(kDisturb, kWorld, [this] { disturb(); });
    }

    void tick() {
        world_.step();
        for (auto& process : processes_) process->poll();
    }

    void run_for(Duration duration) {
        const TimePoint end = world_.now() + duration;
        bool over = false;
        world_.at(duration, kWorld, [&over] { over = true; });
        while (!over && world_.now() <= end) tick();
    }

    bool until(const std::function<bool()>& condition) {
        const TimePoint limit = world_.now() + kPatience;
        for (std::uint64_t i = 0; world_.now() < limit; ++i) {
            if (i % 64 == 0 && condition()) return true;
            tick();
        }
        return false;
    }

    bool all_idle() const {
        for (const auto& client : clients_) {
            if (!client->idle()) return false;
        }
        for (const auto& process : processes_) {
            if (!process->alive()) return false;
        }
        return true;
    }

    bool nothing_open() const {
        OperationFilter open;
        open.only_open = true;
        return disk_.state().operations(open, {"", 1}).items.empty();
    }

    void remove_everything() {
        catalog_ = catalog_with_pool(0);
        spawn_pool_removal();
        const bool quiet = until([this] {
            for (auto& client : clients_) client->delete_everything();
            return all_idle() && nothing_open() && pool_is_empty();
        });
        if (!quiet) result_.violations.emplace_back("the removal of everything never came to an end");
        spawn_server_removal();
        if (!until([this] { return no_server_is_left() && nothing_open(); })) {
            result_.violations.emplace_back("servers that nobody lives on were not removed");
        }
        run_for(kLateEffects);
        const auto before = cloud_.things().size();
        spawn_sweep(true);
        run_for(std::chrono::seconds(5));
        if (cloud_.things().size() != before)
            result_.violations.emplace_back("a dry run of the sweep removed something");
        spawn_sweep(false);
        run_for(std::chrono::seconds(30));
        check(Phase::removed);
    }

    bool pool_is_empty() const {
        for (const PoolLevel& level : disk_.state().pool_levels()) {
            if (level.ready + level.coming > 0) return false;
        }
        return true;
    }

    bool no_server_is_left() const {
        return disk_.state()
            .host_loads(OrganizationId(kSystemOrganization), Kind::database_server, "redis")
            .empty();
    }

    void spawn_server_removal() {
        Process& process = *processes_.at(0);
        process.spawn([this, &process]() -> Task<void> {
            const CallContext admin{Caller{OrganizationId(kSystemOrganization), Role::administrator, "admin"},
                                    "cleanup"};
            ResourceFilter servers;
            servers.kind = Kind::database_server;
            const auto page = co_await process.broker().list(admin, servers, {"", 1000});
            if (!page) co_return;
            for (const Resource& server : page->items) {
                if (std::holds_alternative<resource_state::Failed>(server.state)) continue;  // as all that failed
                const auto removed = co_await process.broker().deprovision(admin, server.id);
                if (!removed) result_.violations.push_back(server.name + ": " + removed.error().message);
            }
        });
    }

    void spawn_pool_removal() {
        Process& process = *processes_.at(0);
        process.spawn([&process]() -> Task<void> {
            const CallContext admin{Caller{OrganizationId(kSystemOrganization), Role::administrator, "admin"},
                                    "cleanup"};
            ResourceFilter pooled;
            pooled.pooled = true;
            auto page = co_await process.broker().list(admin, pooled, {"", 1000});
            if (!page) co_return;
            for (const Resource& resource : page->items) {
                co_await process.broker().deprovision(admin, resource.id);
            }
        });
    }

    void spawn_sweep(bool dry_run) {
        Process& process = *processes_.at(0);
        process.spawn([this, &process, dry_run]() -> Task<void> {
            SweepOptions options;
            options.dry_run = dry_run;
            options.grace = {};
            const auto report = co_await process.sweeper().sweep(options);
            if (!report) {
                result_.violations.push_back("a sweep failed: " + report.error().message);
            } else {
                result_.swept += report->removed;
            }
        });
    }

    void check(Phase phase) {
        std::vector<const Intent*> intents;
        for (const auto& client : clients_) {
            for (const Intent& intent : client->intents()) intents.push_back(&intent);
        }
        check_invariants(phase,
                         {disk_.state(), cloud_, sealer_, intents, around_.on_this_host, disk_.most_placed(),
                          world_.now() + clock_offset_},
                         result_.violations);
        if (verbose_ && !result_.violations.empty()) tell_stories();
    }

    // What the store knows of those that a violation names.
    void tell_stories() const {
        disk_.state().for_each_resource([&](const Resource& resource) {
            const bool named = std::ranges::any_of(result_.violations, [&](const std::string& violation) {
                return violation.contains(resource.external_name);
            });
            if (!named) return;
            for (const Event& event : disk_.state().events(0, resource.id, 1000)) {
                fmt::print(stderr, "{} {} {} {}\n", format_time(event.body.at), event.body.operation.str(),
                           event.body.type, event.body.message);
            }
        });
    }

    void finish() {
        check_secrets({disk_.state(), cloud_, sealer_, {}, false, 0}, outputs_, result_.violations);
        for (const std::string& violation : cloud_.violations) result_.violations.push_back(violation);
        disk_.state().for_each_resource([&](const Resource&) { result_.resources += 1; });
        disk_.state().for_each_operation([&](const Operation&) { result_.operations += 1; });
        for (const auto& client : clients_) result_.requests += client->requests();
        for (auto& process : processes_) {
            if (process->alive()) result_.superseded += process->counters().superseded;
        }
    }

    HistoryResult result_;
    Duration clock_offset_{};
    World world_;
    Disk disk_;
    Cloud cloud_;
    Catalog catalog_;
    RecordingSealer sealer_;
    Faults faults_;
    Surroundings around_;
    std::vector<std::string> outputs_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<std::unique_ptr<Client>> clients_;
    bool verbose_;
};

HistoryResult run_history(std::uint64_t seed, Mutant mutant, bool verbose) {
    return History(seed, mutant, verbose).run();
}

}  // namespace slipway::sim
