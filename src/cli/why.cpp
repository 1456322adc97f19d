// A resource's story, told for a person: how it stands, and what led there.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cli/events.h"
#include "cli/listing.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMostEvents = 10'000;
constexpr std::size_t kMostOperations = 1000;
constexpr int kReadings = 3;  // of what changes while it is read

struct Facts {
    json::object resource;
    std::vector<json::object> events;  // oldest first
    std::map<std::string, json::object, std::less<>> operations;
    bool cut = false;  // there are more events than anybody reads
};

std::vector<json::object> objects(const json::array& from) {
    std::vector<json::object> found;
    for (const json::value& one : from) {
        if (one.is_object()) found.push_back(one.get_object());
    }
    return found;
}

std::optional<TimePoint> time_in(const json::object& from, std::string_view key) {
    return parse_time(json::get_string(from, key));
}

std::string times(std::uint64_t count) { return count == 1 ? "once" : fmt::format("{} times", count); }

class Story {
  public:
    Story(Environment& environment, const Facts& facts)
        : environment_(environment), facts_(facts), now_(environment.now()) {}

    void tell(bool everything) {
        head();
        present();
        if (facts_.events.empty()) {
            environment_.out << "\nno event is on record\n";
            return;
        }
        const std::size_t from = everything ? 0 : beginning_of_the_last();
        if (from > 0) {
            environment_.out << fmt::format("\nthe last that happened ({} earlier events: --all):\n", from);
        } else {
            environment_.out << "\nwhat happened:\n";
        }
        for (std::size_t i = from; i < facts_.events.size(); ++i) event(facts_.events[i]);
        if (facts_.cut) environment_.out << fmt::format("  ... and more than {} events\n", kMostEvents);
    }

  private:
    [[nodiscard]] const json::object* operation(std::string_view id) const {
        const auto found = facts_.operations.find(id);
        return found == facts_.operations.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string ago(TimePoint at) const {
        return fmt::format("{} ({} ago)", clock_text(at), spell(now_ - at));
    }

    void head() const {
        const json::object& resource = facts_.resource;
        const std::string state = cell(resource, "state");
        const std::string health = cell(object_in(resource, "health"), "status");
        std::string line = fmt::format("{} is {}", cell(resource, "name"),
                                       paint(environment_.out_terminal, colour_of_state(state), state));
        if (state == "ready") line += " and " + paint(environment_.out_terminal, colour_of_state(health), health);
        if (const auto since = state_since(state)) line += fmt::format(", since {}", ago(*since));
        environment_.out << line << '\n';
    }

    // The last event that says so, else the last change of the record.
    [[nodiscard]] std::optional<TimePoint> state_since(const std::string& state) const {
        std::optional<TimePoint> since;
        for (const json::object& event : facts_.events) {
            if (json::get_string(event, "type") == "resource." + state) since = time_in(event, "at");
        }
        return since ? since : time_in(facts_.resource, "updated_at");
    }

    void present() const {
        const json::object& resource = facts_.resource;
        std::vector<std::pair<std::string, std::string>> fields{
            {"  what",
             fmt::format("{} {} ({})", cell(resource, "engine"), cell(resource, "plan"), cell(resource, "id"))},
            {"  reason", cell(resource, "reason")},
            {"  health", cell(object_in(resource, "health"), "detail")},
            {"  left behind", joined(resource, "remnants")}};
        const auto end = time_in(resource, "expires_at");
        if (end && json::get_string(resource, "state") != "gone") fields.emplace_back("  ends", coming(*end));
        const std::string id = json::get_string(resource, "operation");
        if (const json::object* open = operation(id)) {
            fields.emplace_back("  under way", fmt::format("{} {}: {}", cell(*open, "kind"), cell(*open, "id"),
                                                           sentence_of(*open)));
            if (const auto next = time_in(*open, "next_at")) fields.emplace_back("  next try", coming(*next));
        } else {
            fields.emplace_back("  under way", "nothing");
        }
        print_fields(environment_.out, fields);
    }

    [[nodiscard]] std::string coming(TimePoint at) const {
        if (at <= now_) return clock_text(at) + " (now)";
        return fmt::format("{} (in {})", clock_text(at), spell(at - now_));
    }

    // Where the last operation's events begin.
    [[nodiscard]] std::size_t beginning_of_the_last() const {
        std::string last;
        for (const json::object& event : facts_.events) {
            const std::string id = json::get_string(event, "operation");
            if (!id.empty()) last = id;
        }
        const auto first = std::ranges::find_if(
            facts_.events, [&](const json::object& event) { return json::get_string(event, "operation") == last; });
        return last.empty() ? 0 : static_cast<std::size_t>(first - facts_.events.begin());
    }

    // What is to be known of an operation as a whole, before its first event.
    void heading(const std::string& id) const {
        const json::object* found = operation(id);
        if (found == nullptr) return;
        const auto begun = time_in(*found, "created_at");
        const auto ended = time_in(*found, "ended_at");
        std::string line =
            fmt::format("{} {}: {}", cell(*found, "kind"), cell(*found, "id"), cell(*found, "state"));
        if (begun && ended) line += " after " + spell(*ended - *begun);
        if (const std::string by = cell(*found, "actor"); by != "-") line += ", asked for by " + by;
        environment_.out << "  " << line << '\n';
        std::size_t number = 0;
        for (const json::object& step : objects(array_in(*found, "steps"))) this->step(++number, step);
    }

    void step(std::size_t number, const json::object& step) const {
        std::string line = fmt::format("    step {}, {}: {}", number, cell(step, "kind"), cell(step, "status"));
        const std::int64_t failed = json::get_int(step, "attempts");
        if (failed > 0) line += fmt::format(", failed {}", times(static_cast<std::uint64_t>(failed)));
        if (const std::string error = cell(step, "last_error"); error != "-") line += ": " + error;
        if (const std::string id = cell(step, "provider_request_id"); id != "-") {
            line += fmt::format(" (provider request {})", id);
        }
        environment_.out << line << '\n';
    }

    void event(const json::object& event) {
        const std::string id = json::get_string(event, "operation");
        if (!id.empty() && std::exchange(operation_, id) != id) heading(id);
        const auto at = time_in(event, "at");
        const json::object* of = id.empty() ? nullptr : operation(id);
        const auto begun = of == nullptr ? std::nullopt : time_in(*of, "created_at");
        const std::string after = at && begun ? "+" + spell(*at - *begun) : "";
        std::string line = fmt::format("    {}  {:>9}  {}", at ? clock_text(*at) : cell(event, "at"), after,
                                       cell(event, "message"));
        if (const std::string request = cell(event, "provider_request_id"); request != "-") {
            line += fmt::format(" (provider request {})", request);
        }
        environment_.out << line << '\n';
    }

    Environment& environment_;
    const Facts& facts_;
    TimePoint now_;
    std::string operation_;  // whose events are being told
};

}  // namespace

namespace {

struct Readings {
    json::object resource;
    json::array operations;
    json::array events;
    bool cut = false;
};

Outcome<Readings> read_all(Api& api, json::object resource) {
    Readings read;
    read.resource = std::move(resource);
    const std::string id = json::get_string(read.resource, "id");
    auto operations = api.all(
        {"/api/v1/operations?resource=" + net::percent_encode(id), "operations", "", kMostOperations}, read.cut);
    if (!operations) return std::unexpected(std::move(operations.error()));
    read.operations = std::move(*operations);
    auto events = api.all({api_path({"resources", id, "events"}), "events", "", kMostEvents}, read.cut);
    if (!events) return std::unexpected(std::move(events.error()));
    read.events = std::move(*events);
    return read;
}

// One moment of it: what was changed while it was being read is read again.
Outcome<Readings> read_consistently(Api& api, const std::string& name) {
    auto resource = find_resource(api, name, true);
    for (int left = kReadings;; --left) {
        if (!resource) return std::unexpected(std::move(resource.error()));
        const std::int64_t version = json::get_int(*resource, "version");
        auto read = read_all(api, std::move(*resource));
        if (!read) return read;
        resource = api.get(api_path({"resources", json::get_string(read->resource, "id")}));
        if (left == 0 || (resource && json::get_int(*resource, "version") == version)) return read;
    }
}

}  // namespace

Outcome<Exit> explain(Api& api, const std::string& name, bool everything, bool json) {
    auto read = read_consistently(api, name);
    if (!read) return std::unexpected(std::move(read.error()));
    if (json) {
        api.environment().out << json::dump(json::object{{"resource", std::move(read->resource)},
                                                         {"operations", std::move(read->operations)},
                                                         {"events", std::move(read->events)}})
                              << '\n';
        return Exit::ok;
    }
    std::vector<json::object> listed = objects(read->operations);
    Facts facts{std::move(read->resource), objects(read->events), {}, read->cut};
    for (json::object& operation : listed) {
        facts.operations.emplace(json::get_string(operation, "id"), std::move(operation));
    }
    Story(api.environment(), facts).tell(everything);
    return Exit::ok;
}

}  // namespace slipway::cli
