#include "main/metrics.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <dirent.h>
#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

namespace slipway {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

// From a poll out of memory to a caller who waits for a slow engine.
const Buckets& request_buckets() {
    static const Buckets buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
    return buckets;
}

// From a local engine to a cluster of many machines.
const Buckets& work_buckets() {
    static const Buckets buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600};
    return buckets;
}

const Buckets& batch_buckets() {
    static const Buckets buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    return buckets;
}

constexpr std::array kOperationKinds{OperationKind::provision, OperationKind::deprovision, OperationKind::update,
                                     OperationKind::repair, OperationKind::claim};
constexpr std::array kOpenStates{OpenState::queued, OpenState::blocked, OpenState::running, OpenState::waiting,
                                 OpenState::retrying};
// Those in which a resource is counted.
constexpr std::array<std::string_view, 6> kStates{"requested", "provisioning",   "ready",
                                                  "updating",  "deprovisioning", "failed"};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

template <class Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
    return builder.Name(name).Help(help).Register(registry);
}

auto& counters(prometheus::Registry& registry, const char* name, const char* help) {
    return family(prometheus::BuildCounter(), registry, name, help);
}
auto& gauges(prometheus::Registry& registry, const char* name, const char* help) {
    return family(prometheus::BuildGauge(), registry, name, help);
}
auto& histograms(prometheus::Registry& registry, const char* name, const char* help) {
    return family(prometheus::BuildHistogram(), registry, name, help);
}

// The same family each time: the registry knows it by its name.
auto& deliveries(prometheus::Registry& registry) {
    return counters(registry, "slipway_webhook_deliveries_total", "Deliveries tried, by result.");
}

// The library's counters only grow by increments.
void set_total(prometheus::Counter& counter, double total) {
    if (total > counter.Value()) counter.Increment(total - counter.Value());
}

double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    in >> size >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    struct Close {
        void operator()(DIR* dir) const { ::closedir(dir); }
    };
    const std::unique_ptr<DIR, Close> dir(::opendir("/proc/self/fd"));
    double count = 0;
    while (dir && ::readdir(dir.get()) != nullptr) count += 1;
    return count - 3;  // ".", ".." and the directory itself
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

}  // namespace

Metrics::Metrics()
    : registry_(std::make_unique<prometheus::Registry>()),
      requests_(counters(*registry_, "slipway_http_requests_total", "Requests answered.")),
      request_seconds_(
          histograms(*registry_, "slipway_http_request_duration_seconds", "From the whole head to the answer.")),
      operations_(counters(*registry_, "slipway_operations_total", "Operations that ended, by kind and outcome.")),
      operation_seconds_(histograms(*registry_, "slipway_operation_duration_seconds",
                                    "From acceptance to the end, by kind and outcome.")),
      queue_seconds_(histograms(*registry_, "slipway_operation_queue_seconds",
                                "From acceptance until a worker began with it.")),
      takeovers_(counters(*registry_, "slipway_lease_takeovers_total",
                          "Operations taken over after another worker's lease had run out.")
                     .Add({})),
      superseded_(counters(*registry_, "slipway_superseded_writes_total",
                           "Writes refused because another worker had the lease.")
                      .Add({})),
      expired_(counters(*registry_, "slipway_resources_expired_total",
                        "Resources whose removal was accepted because their lifetime was over.")),
      calls_(counters(*registry_, "slipway_provider_calls_total",
                      "Calls to providers, by result: ok, or the class of the error.")),
      call_seconds_(histograms(*registry_, "slipway_provider_call_duration_seconds", "How long they took.")),
      batch_commits_(histograms(*registry_, "slipway_store_batch_commits", "Commits that shared one transaction.")
                         .Add({}, batch_buckets())),
      batch_seconds_(histograms(*registry_, "slipway_store_batch_duration_seconds",
                                "From the begin of a transaction until it was on disk.")
                         .Add({}, request_buckets())),
      delivered_(deliveries(*registry_).Add({{"result", "ok"}})),
      undelivered_(deliveries(*registry_).Add({{"result", "failed"}})),
      playbook_seconds_(histograms(*registry_, "slipway_playbook_duration_seconds",
                                   "Runs of the playbooks of plans, by outcome: done, failed, unreachable, late, "
                                   "stopped.")),
      pools_(gauges(*registry_, "slipway_pool_resources",
                    "Unclaimed resources of a plan, by level: ready, coming, target.")),
      orphans_(gauges(*registry_, "slipway_orphans", "What nobody accounts for, as the last sweep found it.")),
      gauges_http_(gauges(*registry_, "slipway_http_open", "Open now: connections, requests.")),
      under_way_(gauges(*registry_, "slipway_operations_under_way", "Operations that a worker has now.").Add({})),
      open_(gauges(*registry_, "slipway_operations_open",
                   "Operations that have not ended, by state: queued, blocked (by another), running, waiting, "
                   "retrying.")),
      overdue_(gauges(*registry_, "slipway_operation_queue_oldest_seconds",
                      "How long the operation has been due that no worker has taken for the longest time; 0: none.")
                   .Add({})),
      resources_(gauges(*registry_, "slipway_resources", "Resources by state, without those that are gone.")),
      places_(gauges(*registry_, "slipway_places", "Places of databases on servers: used, free.")),
      boots_(
          gauges(*registry_, "slipway_machine_boots", "Boots of machines: under_way, waiting (for their turn).")),
      accelerators_(gauges(*registry_, "slipway_machines_acceleration",
                           "How virtual machines are run: 1 for kvm, emulation, or none (none is run yet).")),
      refused_connections_(counters(*registry_, "slipway_http_refused_connections_total",
                                    "Connections refused because there were too many.")
                               .Add({})),
      failed_handshakes_(
          counters(*registry_, "slipway_http_failed_handshakes_total", "TLS handshakes that came to nothing.")
              .Add({})),
      certificate_seconds_(gauges(*registry_, "slipway_certificate_expiry_timestamp_seconds",
                                  "When the certificate that is served runs out; 0 without TLS.")
                               .Add({})),
      memory_(gauges(*registry_, "process_resident_memory_bytes", "Resident memory.").Add({})),
      descriptors_(gauges(*registry_, "process_open_fds", "Open file descriptors.").Add({})),
      cpu_seconds_(counters(*registry_, "process_cpu_seconds_total", "Processor time used.").Add({})) {
    for (const char* outcome : {"done", "failed", "unreachable", "late", "stopped"}) {
        playbook_seconds_.Add({{"outcome", outcome}}, work_buckets());  // seen before there is one
    }
    gauges(*registry_, "slipway_build_info", "The version that runs.").Add({{"version", SLIPWAY_VERSION}}).Set(1);
    gauges(*registry_, "process_start_time_seconds", "When the process started, since 1970.")
        .Add({})
        .Set(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
}

Metrics::~Metrics() = default;

Metrics::Series Metrics::route(std::string_view method, std::string_view label, int status) {
    const std::string key = fmt::format("{} {} {}", method, status, label);
    {
        const std::shared_lock lock(routes_mutex_);
        if (const auto found = routes_.find(key); found != routes_.end()) return found->second;
    }
    const std::unique_lock lock(routes_mutex_);
    const std::string route(label);
    Series made{
        &requests_.Add({{"method", std::string(method)}, {"route", route}, {"code", fmt::to_string(status)}}),
        &request_seconds_.Add({{"route", route}}, request_buckets())};
    routes_.emplace(key, made);
    return made;
}

void Metrics::on_request(const http::RequestSummary& request) {
    const std::string_view method = request.method ? http::to_string(*request.method) : "unknown";
    const Series of = route(method, request.label, request.status);
    of.count->Increment();
    of.duration->Observe(seconds(request.duration));
}

void Metrics::on_lease(const Operation& operation, std::optional<Duration> waited, bool takeover) {
    if (takeover) takeovers_.Increment();
    if (!waited) return;
    Histogram* const queue = queues_.of(operation.kind, [&] {
        return &queue_seconds_.Add({{"kind", std::string(to_string(operation.kind))}}, work_buckets());
    });
    queue->Observe(seconds(*waited));
}

void Metrics::on_call(const std::string& provider, std::string_view verb, std::optional<ErrorClass> failed,
                      Duration took) {
    const Series of = call_series_.of({provider, verb, failed}, [&] {
        const std::string name(verb);
        const std::string result(failed ? to_string(*failed) : "ok");
        return Series{&calls_.Add({{"provider", provider}, {"verb", name}, {"result", result}}),
                      &call_seconds_.Add({{"provider", provider}, {"verb", name}}, work_buckets())};
    });
    of.count->Increment();
    of.duration->Observe(seconds(took));
}

void Metrics::on_superseded(const Operation&) { superseded_.Increment(); }

void Metrics::on_expired(const Resource& resource) {
    expired_.Add({{"kind", std::string(to_string(resource.kind))}, {"engine", resource.engine}}).Increment();
}

void Metrics::on_end(const Operation& operation) {
    const Series of = end_series_.of({operation.kind, state_name(operation.state)}, [&] {
        const std::map<std::string, std::string> labels{{"kind", std::string(to_string(operation.kind))},
                                                        {"outcome", std::string(state_name(operation.state))}};
        return Series{&operations_.Add(labels), &operation_seconds_.Add(labels, work_buckets())};
    });
    of.count->Increment();
    of.duration->Observe(seconds(operation.updated_at - operation.created_at));
}

void Metrics::on_batch(std::size_t commits, Duration took) {
    batch_commits_.Observe(static_cast<double>(commits));
    batch_seconds_.Observe(seconds(took));
}

void Metrics::on_playbook(std::string_view outcome, Duration took) {
    playbook_seconds_.Add({{"outcome", std::string(outcome)}}, work_buckets()).Observe(seconds(took));
}

void Metrics::on_delivery(bool delivered) { (delivered ? delivered_ : undelivered_).Increment(); }

void Metrics::set_pools(const Levels& levels) {
    for (const auto& [key, target] : levels.pool_targets) {
        const auto& [kind, engine, plan] = key;
        const auto level = [&](const char* name) -> Gauge& {
            return pools_.Add({{"kind", kind}, {"engine", engine}, {"plan", plan}, {"level", name}});
        };
        const auto found = std::ranges::find_if(levels.pools, [&](const PoolLevel& each) {
            return to_string(each.kind) == kind && each.engine == engine && each.plan == plan;
        });
        const bool any = found != levels.pools.end();
        level("target").Set(target);
        level("ready").Set(any ? found->ready : 0);
        level("coming").Set(any ? found->coming : 0);
    }
}

// Every series from the start on, so that a queue that stands still can be told from one that nobody measures.
void Metrics::set_open(const Levels& levels) {
    for (const OperationKind kind : kOperationKinds) {
        for (const OpenState state : kOpenStates) {
            const auto found = levels.open.find({kind, state});
            open_.Add({{"kind", std::string(to_string(kind))}, {"state", std::string(to_string(state))}})
                .Set(found != levels.open.end() ? static_cast<double>(found->second) : 0);
        }
    }
    overdue_.Set(seconds(levels.overdue));
}

void Metrics::set_resources(const Levels& levels) {
    for (const auto& [kind, engine] : levels.made) {
        for (const std::string_view state : kStates) told_.emplace(kind, engine, state);
        expired_.Add({{"kind", std::string(to_string(kind))}, {"engine", engine}});  // 0 until one has
    }
    std::map<ResourceKey, double> counts;
    for (const ResourceKey& each : told_) counts[each] = 0;
    for (const ResourceCount& each : levels.resources) {
        counts[{each.kind, each.engine, each.state}] += static_cast<double>(each.resources);
        told_.emplace(each.kind, each.engine, each.state);
    }
    for (const auto& [key, count] : counts) {
        const auto& [kind, engine, state] = key;
        resources_.Add({{"kind", std::string(to_string(kind))}, {"engine", engine}, {"state", state}}).Set(count);
    }
    for (const auto& [engine, places] : levels.places) {
        places_.Add({{"engine", engine}, {"what", "used"}}).Set(static_cast<double>(places.used));
        places_.Add({{"engine", engine}, {"what", "free"}}).Set(static_cast<double>(places.free));
    }
}

// Every series from the start on.
void Metrics::set_machines(const OpsLevels& levels) {
    for (const char* engine : {"vm", "container"}) {
        const auto found = levels.boots.find(engine);
        const Boots boots = found == levels.boots.end() ? Boots() : found->second;
        boots_.Add({{"engine", engine}, {"what", "under_way"}}).Set(static_cast<double>(boots.under_way));
        boots_.Add({{"engine", engine}, {"what", "waiting"}}).Set(static_cast<double>(boots.waiting));
    }
    for (const char* kind : {"kvm", "emulation", "none"}) {
        accelerators_.Add({{"kind", kind}}).Set(levels.accelerator == kind ? 1 : 0);
    }
}

void Metrics::set_levels(const Levels& levels) {
    set_pools(levels);
    set_machines(levels.ops);
    set_open(levels);
    set_resources(levels);
    std::map<std::string, double> orphans{{"lost", 0}, {"gone", 0}, {"foreign", 0}};
    for (const Orphan& orphan : levels.orphans) orphans[orphan.kind] += 1;
    for (const auto& [kind, count] : orphans) orphans_.Add({{"kind", kind}}).Set(count);
    gauges_http_.Add({{"what", "connections"}}).Set(static_cast<double>(levels.http.connections));
    gauges_http_.Add({{"what", "requests"}}).Set(static_cast<double>(levels.http.handlers));
    set_total(refused_connections_, static_cast<double>(levels.http.refused));
    set_total(failed_handshakes_, static_cast<double>(levels.http.failed_handshakes));
    under_way_.Set(static_cast<double>(levels.ops.operations_under_way));
    const auto until = levels.certificate_until;
    certificate_seconds_.Set(until ? static_cast<double>(to_micros(*until)) / 1e6 : 0);
}

void Metrics::set_process() {
    memory_.Set(resident_bytes());
    descriptors_.Set(open_descriptors());
    set_total(cpu_seconds_, cpu_seconds());
}

std::string Metrics::render(const Levels& levels) {
    const std::scoped_lock lock(levels_mutex_);
    set_levels(levels);
    set_process();
    return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace slipway
