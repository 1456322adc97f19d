// Every figure that the server tells of itself, in the text format of Prometheus. The only place that knows the
// metrics library.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prometheus/family.h>

#include "http/server.h"
#include "ops/observer.h"
#include "store/store.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace slipway {

// The series of a few labels, found without the library's own look-up, which takes a lock, copies every label and
// hashes them all. For small closed sets: the search is linear.
template <class Key, class Series>
class SeriesCache {
  public:
    template <class Make>
    Series of(const Key& key, Make make) {
        const std::scoped_lock lock(mutex_);
        for (const auto& [known, series] : entries_) {
            if (known == key) return series;
        }
        return entries_.emplace_back(key, make()).second;
    }

  private:
    std::mutex mutex_;
    std::vector<std::pair<Key, Series>> entries_;
};

// Thread-safe. Labels are of closed sets (routes, verbs, plans, states): nothing that a request brings becomes one.
class Metrics final : public OpsObserver {
  public:
    Metrics();
    ~Metrics() override;

    void on_request(const http::RequestSummary& request);
    void on_lease(const Operation& operation, std::optional<Duration> waited, bool takeover) override;
    void on_call(const std::string& provider, std::string_view verb, std::optional<ErrorClass> failed,
                 Duration took) override;
    void on_superseded(const Operation& operation) override;
    void on_end(const Operation& operation) override;
    void on_expired(const Resource& resource) override;
    // One transaction of the store: how many commits and leases shared it, and how long it took to be on disk.
    void on_batch(std::size_t commits, Duration took);
    void on_delivery(bool delivered);
    // The end of a playbook's run; `outcome`: a constant's word.
    void on_playbook(std::string_view outcome, Duration took);

    // Of one engine, on database servers.
    struct Places {
        std::uint64_t used = 0;  // databases that are neither gone nor failed
        std::uint64_t free = 0;  // what servers that take new ones could serve beside those
    };
    // Of machines of one engine.
    struct Boots {
        std::uint64_t under_way = 0;
        std::uint64_t waiting = 0;  // for their turn
    };
    // What the engine's thread knows.
    struct OpsLevels {
        std::uint64_t operations_under_way = 0;
        std::map<std::string, Boots> boots = {};  // by engine
        std::string accelerator = "none";         // of virtual machines: "kvm", "emulation"; "none": none is run
    };
    // What is read when it is asked for.
    struct Levels {
        std::vector<PoolLevel> pools;
        std::map<std::tuple<std::string, std::string, std::string>, std::uint32_t> pool_targets;
        std::vector<Orphan> orphans;
        std::map<std::pair<OperationKind, OpenState>, std::uint64_t> open;  // as in Backlog
        Duration overdue{};                           // of the one that has been due longest; zero: none
        std::set<std::pair<Kind, std::string>> made;  // kinds and engines of plans
        std::vector<ResourceCount> resources;
        std::map<std::string, Places> places;  // by engine
        http::ServerStats http;
        OpsLevels ops;
        std::optional<TimePoint> certificate_until;
    };
    std::string render(const Levels& levels);

  private:
    template <class T>
    using Family = prometheus::Family<T>;
    using Counter = prometheus::Counter;
    using Gauge = prometheus::Gauge;
    using Histogram = prometheus::Histogram;

    struct Series {
        Counter* count = nullptr;
        Histogram* duration = nullptr;
    };
    // Provider, verb (a constant) and the error's class, if one was answered.
    using CallKey = std::tuple<std::string, std::string_view, std::optional<ErrorClass>>;
    using ResourceKey = std::tuple<Kind, std::string, std::string>;  // kind, engine, state
    // Kind and the state's name, which is a constant's.
    using EndKey = std::pair<OperationKind, std::string_view>;

    Series route(std::string_view method, std::string_view label, int status);
    void set_levels(const Levels& levels);
    void set_pools(const Levels& levels);
    void set_open(const Levels& levels);
    void set_resources(const Levels& levels);
    void set_machines(const OpsLevels& levels);
    void set_process();

    std::unique_ptr<prometheus::Registry> registry_;
    Family<Counter>& requests_;
    Family<Histogram>& request_seconds_;
    Family<Counter>& operations_;
    Family<Histogram>& operation_seconds_;
    Family<Histogram>& queue_seconds_;
    Counter& takeovers_;
    Counter& superseded_;
    Family<Counter>& expired_;
    Family<Counter>& calls_;
    Family<Histogram>& call_seconds_;
    Histogram& batch_commits_;
    Histogram& batch_seconds_;
    Counter& delivered_;
    Counter& undelivered_;
    Family<Histogram>& playbook_seconds_;
    Family<Gauge>& pools_;
    Family<Gauge>& orphans_;
    Family<Gauge>& gauges_http_;
    Gauge& under_way_;
    Family<Gauge>& open_;
    Gauge& overdue_;
    Family<Gauge>& resources_;
    Family<Gauge>& places_;
    Family<Gauge>& boots_;
    Family<Gauge>& accelerators_;
    Counter& refused_connections_;
    Counter& failed_handshakes_;
    Gauge& certificate_seconds_;
    Gauge& memory_;
    Gauge& descriptors_;
    Counter& cpu_seconds_;

    SeriesCache<OperationKind, Histogram*> queues_;
    SeriesCache<CallKey, Series> call_series_;
    SeriesCache<EndKey, Series> end_series_;
    // Requests are counted on every thread, and have many routes.
    std::shared_mutex routes_mutex_;
    std::unordered_map<std::string, Series> routes_;
    std::mutex levels_mutex_;
    std::set<ResourceKey> told_;  // what has a series: it is 0 where there is none any more
};

}  // namespace slipway
