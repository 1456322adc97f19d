// The simulation's command: many seeds, a table of what was hit, and the mutants that must be caught.
#include <array>
#include <cstdio>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/history.h"

namespace slipway::sim {
namespace {

struct Totals {
    std::uint64_t histories = 0;
    std::uint64_t failed = 0;
    std::uint64_t requests = 0;
    std::uint64_t resources = 0;
    std::uint64_t operations = 0;
    std::uint64_t kills = 0;
    std::uint64_t superseded = 0;
    std::uint64_t swept = 0;
    std::map<std::pair<std::string, std::string>, std::uint64_t> crashes;
    std::vector<std::string> messages;
};

struct Options {
    std::uint64_t seeds = 2000;
    std::uint64_t first = 1;
    std::uint64_t only = 0;
    std::uint64_t least_hits = 20;
    unsigned jobs = 2;
    Mutant mutant = Mutant::none;
    bool verbose = false;
};

std::string one_line(std::string text) {
    for (char& c : text) {
        if (c == '\n' || c == '\t') c = ' ';
    }
    return text;
}

// Lines of a worker: "H seed failed requests …", "C step point count", "V seed text".
void report(const HistoryResult& result, std::FILE* out) {
    fmt::print(out, "H\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", result.violations.empty() ? 0 : 1, result.requests,
               result.resources, result.operations, result.kills, result.superseded, result.swept);
    for (const auto& [where, count] : result.crashes) {
        fmt::print(out, "C\t{}\t{}\t{}\n", where.first, to_string(where.second), count);
    }
    for (const std::string& violation : result.violations)
        fmt::print(out, "V\tseed {}: {}\n", result.seed, one_line(violation));
}

void take(const std::string& line, Totals& totals) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, '\t');) fields.push_back(field);
    if (fields.at(0) == "H") {
        totals.histories += 1;
        totals.failed += std::stoull(fields.at(1));
        totals.requests += std::stoull(fields.at(2));
        totals.resources += std::stoull(fields.at(3));
        totals.operations += std::stoull(fields.at(4));
        totals.kills += std::stoull(fields.at(5));
        totals.superseded += std::stoull(fields.at(6));
        totals.swept += std::stoull(fields.at(7));
    } else if (fields.at(0) == "C") {
        totals.crashes[{fields.at(1), fields.at(2)}] += std::stoull(fields.at(3));
    } else {
        totals.messages.push_back(fields.at(1));
    }
}

// A worker is a process of its own, so that one that crashes names its seed and takes nothing else along.
std::pair<pid_t, int> start_worker(const Options& options, unsigned index) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return {-1, -1};
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child != 0) {
        close(ends[1]);
        return {child, ends[0]};
    }
    close(ends[0]);
    std::FILE* out = fdopen(ends[1], "w");
    for (std::uint64_t i = index; i < options.seeds; i += options.jobs) {
        fmt::print(out, "V\tseed {}: the simulation itself broke off\n", options.first + i);
        std::fflush(out);
        const HistoryResult result = run_history(options.first + i, options.mutant, options.verbose);
        fmt::print(out, "R\n");
        report(result, out);
        std::fflush(out);
        if (options.mutant != Mutant::none && !result.violations.empty()) break;
    }
    std::fclose(out);
    _exit(0);
}

void read_worker(int end, Totals& totals) {
    std::FILE* in = fdopen(end, "r");
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), in) != nullptr) {
        std::string line(buffer.data());
        if (!line.empty() && line.back() == '\n') line.pop_back();
        if (line == "R") {
            totals.messages.pop_back();  // it did not break off
        } else {
            take(line, totals);
        }
    }
    std::fclose(in);
}

Totals run_all(const Options& options) {
    std::vector<std::pair<pid_t, int>> workers;
    for (unsigned i = 0; i < options.jobs; ++i) workers.push_back(start_worker(options, i));
    Totals totals;
    for (const auto& [pid, end] : workers) {
        read_worker(end, totals);
        int status = 0;
        waitpid(pid, &status, 0);
        if (status != 0) totals.failed += 1;
    }
    return totals;
}

int print_hits(const Totals& totals, std::uint64_t least) {
    int missing = 0;
    fmt::print("{:<32} {:>14} {:>14} {:>14} {:>14}\n", "step", "before commit", "after commit", "before call",
               "after call");
    std::map<std::string, std::map<std::string, std::uint64_t>> rows;
    for (const auto& [where, count] : totals.crashes) rows[where.first][where.second] = count;
    for (const auto& [step, row] : rows) {
        fmt::print("{:<32}", step);
        for (const char* point : {"before commit", "after commit", "before call", "after call"}) {
            const auto found = row.find(point);
            fmt::print(" {:>14}", found == row.end() ? "-" : fmt::format("{}", found->second));
            if (found != row.end() && found->second < least) missing += 1;
        }
        fmt::print("\n");
    }
    return missing;
}

int run_seeds(const Options& options) {
    const Totals totals = run_all(options);
    for (const std::string& message : totals.messages) fmt::print("{}\n", message);
    const int thin = options.mutant == Mutant::none ? print_hits(totals, options.least_hits) : 0;
    fmt::print("histories={} failed={} requests={} resources={} operations={} kills={} superseded={} swept={}\n",
               totals.histories, totals.failed, totals.requests, totals.resources, totals.operations, totals.kills,
               totals.superseded, totals.swept);
    if (totals.failed > 0) {
        fmt::print("FAILED: repeat one with --seed N (and --verbose)\n");
        return 1;
    }
    if (thin > 0) {
        fmt::print("FAILED: {} pairs of step and crash point were hit fewer than {} times\n", thin,
                   options.least_hits);
        return 1;
    }
    return 0;
}

int run_mutants(Options options) {
    int survived = 0;
    for (const Mutant mutant : all_mutants()) {
        options.mutant = mutant;
        const Totals totals = run_all(options);
        fmt::print("mutant {:<24} {} after {} histories{}\n", to_string(mutant),
                   totals.failed > 0 ? "caught" : "SURVIVED", totals.histories,
                   totals.messages.empty() ? "" : ": " + totals.messages[0]);
        std::fflush(stdout);
        if (totals.failed == 0) survived += 1;
    }
    fmt::print("{} passed, {} failed\n", all_mutants().size() - static_cast<std::size_t>(survived), survived);
    return survived == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
    CLI::App app{
        "Simulates whole histories of the broker from seeds, and checks that nothing is lost, doubled or left."};
    Options options;
    std::string mutant;
    bool mutants = false;
    app.add_option("--seeds", options.seeds, "how many histories");
    app.add_option("--first", options.first, "the first seed");
    app.add_option("--seed", options.only, "this one only");
    app.add_option("--jobs", options.jobs, "processes at once")->check(CLI::Range(1, 64));
    app.add_option("--least-hits", options.least_hits, "of each pair of step and crash point");
    app.add_option("--mutant", mutant, "break one rule; it must be caught (then the exit code is 0)");
    app.add_flag("--mutants", mutants, "every mutant in turn");
    app.add_flag("--verbose", options.verbose, "print the broker's log lines");
    CLI11_PARSE(app, argc, argv);
    if (mutants) return run_mutants(options);
    if (!mutant.empty()) {
        const auto parsed = parse_mutant(mutant);
        if (!parsed) {
            std::string names;
            for (const Mutant known : all_mutants()) names += fmt::format(" {}", to_string(known));
            fmt::print(stderr, "unknown mutant {}; one of:{}\n", mutant, names);
            return 2;
        }
        options.mutant = *parsed;
        const int caught = run_seeds(options);
        fmt::print("mutant {}: {}\n", mutant, caught != 0 ? "caught" : "SURVIVED");
        return caught != 0 ? 0 : 1;
    }
    if (options.only != 0) {
        options.first = options.only;
        options.seeds = options.jobs = 1;
        options.least_hits = 0;
    }
    return run_seeds(options);
}

}  // namespace
}  // namespace slipway::sim

int main(int argc, char** argv) { return slipway::sim::run(argc, argv); }
