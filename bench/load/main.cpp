// The generator of every load that scripts/bench measures, the same one for all that are compared, and of
// scripts/load. Prints one JSON object to standard output.
#include <cstdio>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <sched.h>

#include "load/disk.h"
#include "load/http_load.h"
#include "load/mix.h"
#include "load/pong.h"

namespace slipway::bench {
namespace {

constexpr double kMostSeconds = 600;

struct HttpWords {
    HttpLoad load;
    std::string paths_file;
    std::string locations_file;
    double seconds = 5;
    double warm_up = 1;
};
struct DiskWords {
    std::string directory;
    std::size_t count = 1000;
};

struct MixWords {
    MixLoad load;
    std::string key_file;
    std::string items_file;
    double seconds = 5;
};

int tell(const json::object& figures) {
    fmt::print(stdout, "{}\n", json::dump(figures));
    return 0;
}

int refuse(const Error& error) {
    fmt::print(stderr, "slipway_bench_load: {}\n", error.message);
    return 1;
}

Nanoseconds from_seconds(double seconds) { return Nanoseconds(static_cast<Nanoseconds::rep>(seconds * 1e9)); }

bool pin_to(int core) {
    cpu_set_t set{};
    CPU_SET(core, &set);
    return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

int run_http(HttpWords& words) {
    if (!words.paths_file.empty()) {
        std::ifstream in(words.paths_file);
        for (std::string line; std::getline(in, line);) {
            if (!line.empty()) words.load.paths.push_back(line);
        }
    }
    if (words.load.paths.empty()) return refuse({ErrorCode::invalid_argument, "no path was given", {}, {}});
    words.load.duration = from_seconds(words.seconds);
    words.load.warm_up = from_seconds(words.warm_up);
    words.load.keep_locations = !words.locations_file.empty();
    const auto figures = run_http_load(words.load);
    if (!figures) return refuse(figures.error());
    if (words.load.keep_locations) {
        std::ofstream out(words.locations_file);
        for (const std::string& each : figures->locations) out << each << '\n';
        if (!out.flush()) return refuse({ErrorCode::storage, "the locations cannot be written", {}, {}});
    }
    return tell(figures->to_json());
}

// A line for each create: its number, and the ids that were answered, "-" where none was.
bool write_items(const std::string& file, const std::vector<MixItem>& items) {
    const auto word = [](const std::string& id) { return id.empty() ? std::string("-") : id; };
    std::ofstream out(file);
    for (const MixItem& each : items) {
        out << each.number << ' ' << word(each.resource) << ' ' << word(each.create) << ' ' << word(each.erase)
            << '\n';
    }
    return static_cast<bool>(out.flush());
}

int run_mixed(MixWords& words) {
    std::ifstream in(words.key_file);
    if (!std::getline(in, words.load.key)) {
        return refuse({ErrorCode::invalid_argument, "the file of the key cannot be read", {}, {}});
    }
    words.load.duration = from_seconds(words.seconds);
    const auto figures = run_mix(words.load);
    if (!figures) return refuse(figures.error());
    if (!words.items_file.empty() && !write_items(words.items_file, figures->items)) {
        return refuse({ErrorCode::storage, "the items cannot be written", {}, {}});
    }
    return tell(figures->to_json());
}

int run_disk(const DiskWords& words) {
    json::object out;
    for (const bool grow : {false, true}) {
        const auto times = measure_sync(words.directory, words.count, grow);
        if (!times) return refuse(times.error());
        out[grow ? "append_us" : "overwrite_us"] = times->microseconds();
    }
    return tell(out);
}

int run_pong(const Result<Histogram>& times) {
    if (!times) return refuse(times.error());
    return tell({{"count", times->count()}, {"latency_us", times->microseconds()}});
}

void declare_http(CLI::App& app, HttpWords& words) {
    app.add_option("--port", words.load.port, "Of the server, on 127.0.0.1")->required();
    app.add_option("--method", words.load.method);
    app.add_option("--path", words.load.paths)->allow_extra_args(false);
    app.add_option("--paths", words.paths_file, "One in each line; asked in turn");
    app.add_option("--first-path", words.load.first_path, "Begin with this one of them");
    app.add_option("--body", words.load.body, "{n} in it becomes the request's number");
    app.add_option("--header", words.load.headers)->allow_extra_args(false);
    app.add_option("--expect", words.load.expected, "Statuses that are no failure")->delimiter(',');
    app.add_option("--connections", words.load.connections)->check(CLI::Range(1, 1000));
    app.add_option("--requests", words.load.requests, "At most");
    app.add_option("--warm-up", words.warm_up, "Seconds")->check(CLI::Range(0.0, kMostSeconds));
    app.add_option("--seconds", words.seconds)->check(CLI::Range(0.1, kMostSeconds));
    app.add_option("--rate", words.load.rate, "Requests a second; without one each connection asks at once again");
    app.add_option("--save-locations", words.locations_file, "Write the Location of every answer there");
}

void declare_mix(CLI::App& app, MixWords& words) {
    app.add_option("--port", words.load.port, "Of Slipway, on 127.0.0.1")->required();
    app.add_option("--key-file", words.key_file, "With an API key")->required();
    app.add_option("--prefix", words.load.prefix, "Of the Idempotency-Keys and labels")->required();
    app.add_option("--connections", words.load.connections)->check(CLI::Range(1, 4000));
    app.add_option("--rate", words.load.rate, "Requests a second")->check(CLI::Range(1.0, 100'000.0));
    app.add_option("--prepared", words.load.prepared, "Creates before the clock")->check(CLI::Range(1, 10'000));
    app.add_option("--creates", words.load.creates_percent, "Percent of the requests")->check(CLI::Range(0, 30));
    app.add_option("--deletes", words.load.deletes_percent)->check(CLI::Range(0, 30));
    app.add_option("--repeats", words.load.repeats_percent)->check(CLI::Range(0, 30));
    app.add_option("--seconds", words.seconds)->check(CLI::Range(0.1, kMostSeconds));
    app.add_option("--seed", words.load.seed);
    app.add_option("--save-items", words.items_file, "Write there what was promised for each key");
}

int run(int count, const char* const* arguments) {
    CLI::App app{"Loads and latencies for scripts/bench and scripts/load.", "slipway_bench_load"};
    app.require_subcommand(1);
    int core = -1;
    app.add_option("--core", core, "Stay on this processor");
    HttpWords http;
    CLI::App* const http_app = app.add_subcommand("http", "Ask an HTTP server");
    declare_http(*http_app, http);
    MixWords mix;
    CLI::App* const mix_app = app.add_subcommand("mix", "Creates, polls and deletes of Slipway by the clock");
    declare_mix(*mix_app, mix);
    DiskWords disk;
    CLI::App* const disk_app = app.add_subcommand("disk", "How long 4 KiB take to be on disk");
    disk_app->add_option("--dir", disk.directory)->required();
    disk_app->add_option("--count", disk.count)->check(CLI::Range(1, 100'000));
    ForkPong fork;
    CLI::App* const fork_app = app.add_subcommand("fork-pong", "Bare redis-server, fork to PONG");
    fork_app->add_option("--dir", fork.directory)->required();
    fork_app->add_option("--port", fork.port)->required();
    fork_app->add_option("--count", fork.count)->required()->check(CLI::Range(1, 10'000));
    BrokerPong broker;
    CLI::App* const broker_app = app.add_subcommand("broker-pong", "POST to PONG");
    broker_app->add_option("--port", broker.port)->required();
    broker_app->add_option("--body", broker.body)->required();
    broker_app->add_option("--key-file", broker.key, "With the administrator's key");
    broker_app->add_option("--pooled", broker.pooled, "Wait for so many in the pool before each");
    broker_app->add_option("--count", broker.count)->required()->check(CLI::Range(1, 10'000));
    CLI11_PARSE(app, count, arguments);
    if (core >= 0 && !pin_to(core)) return refuse({ErrorCode::unavailable, "no such processor", {}, {}});
    if (*http_app) return run_http(http);
    if (*mix_app) return run_mixed(mix);
    if (*disk_app) return run_disk(disk);
    if (*fork_app) return run_pong(fork_pong(fork));
    if (!broker.key.empty()) {
        std::ifstream in(broker.key);
        std::getline(in, broker.key);
    }
    return run_pong(broker_pong(broker));
}

}  // namespace
}  // namespace slipway::bench

int main(int count, char** arguments) {
    try {
        return slipway::bench::run(count, arguments);
    } catch (const std::exception& error) {
        fmt::print(stderr, "slipway_bench_load: {}\n", error.what());
        return 1;
    }
}
