#include "cli/events.h"

#include <charconv>

#include <fmt/format.h>

#include "cli/listing.h"
#include "cli/query_text.h"
#include "cli/sse.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kListed = 1000;                    // unless told otherwise
constexpr Duration kSilence = std::chrono::seconds(15);  // beyond the usual: the server says something every 15 s
constexpr Duration kFirstPause = std::chrono::milliseconds(250);
constexpr Duration kLongestPause = std::chrono::seconds(5);
constexpr Duration kMaxAway = std::chrono::minutes(5);
constexpr std::size_t kRoomForIds = 120;  // columns of a terminal

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::vector<Column> event_columns(bool of_one) {
    Column message = column("MESSAGE", "message");
    message.least = 24;
    Column resource = column("RESOURCE", "resource", 2);
    resource.only_wide = of_one;
    return {wide_column("NUMBER", "sequence"),
            column("AT", "at"),
            column("EVENT", "type"),
            std::move(resource),
            wide_column("OPERATION", "operation"),
            column("BY", "actor", 3),
            wide_column("REQUEST", "request_id"),
            wide_column("PROVIDER REQUEST", "provider_request_id"),
            std::move(message)};
}

class Follower {
  public:
    Follower(Api& api, std::string target, std::string after, const EventOptions& options, Format format)
        : api_(api),
          environment_(api.environment()),
          target_(std::move(target)),
          after_(std::move(after)),
          options_(options),
          format_(format),
          last_(number_of(after_)) {}

    Outcome<Exit> run() {
        Duration pause = kFirstPause;
        TimePoint reached = environment_.now();
        bool connected = false;
        for (;;) {
            const std::size_t before = seen_;
            const auto answer = connect();
            if (environment_.interrupted()) return Exit::interrupted;
            if (done_) return Exit::ok;
            if (strange_) {
                return fail(Exit::failed, "the server's events are not understood",
                            "use a `slipway` of the server's version");
            }
            const bool there = heard_ || (answer && answer->status / 100 == 2);
            const bool refused = answer && answer->status / 100 != 2 && answer->status < 500;
            connected = connected || there;
            if (refused || !connected) {
                return std::unexpected(answer ? api_.failure_of(*answer) : api_.failure_of(answer.error()));
            }
            if (there) reached = environment_.now();
            if (seen_ > before) pause = kFirstPause;
            if (environment_.now() - reached > kMaxAway) {
                return fail(Exit::unreachable, "the server has been away for too long",
                            fmt::format("go on with --after {}", last_));
            }
            tell_of_loss();
            environment_.pause(pause);
            pause = std::min(pause * 2, kLongestPause);
        }
    }

  private:
    Result<net::HttpAnswer> connect() {
        heard_ = false;
        SseReader reader([this](const SentEvent& event) { return take(event); });
        Request request{.method = "GET",
                        .target = target_ + (target_.contains('?') ? "&after=" : "?after=") + after_,
                        .patience = kSilence,
                        .headers = {{"Accept", "text/event-stream"}},
                        .sink = [&](std::string_view piece) {
                            heard_ = true;
                            lost_told_ = false;
                            const bool more = reader.feed(piece);
                            strange_ = strange_ || reader.too_long();
                            return more && !environment_.interrupted();
                        }};
        if (seen_ > 0) request.headers.emplace_back("Last-Event-ID", fmt::format("{}", last_));
        return api_.call(std::move(request));
    }

    // False: it is enough.
    bool take(const SentEvent& event) {
        const auto parsed = json::parse(event.data);
        strange_ = !parsed || !parsed->is_object();
        if (strange_) return false;
        const std::uint64_t number = number_of(event.id);
        if (number != 0 && number <= last_) return true;  // told already
        if (number != 0) last_ = number;
        ++seen_;
        print(parsed->get_object());
        done_ = !environment_.out.good() || (options_.limit && seen_ >= *options_.limit);
        return !done_;
    }

    void print(const json::object& event) {
        std::ostream& out = environment_.out;
        if (format_ == Format::json) {
            out << json::dump(event) << std::endl;
            return;
        }
        const std::size_t width = format_ == Format::wide ? 0 : environment_.out_terminal.width;
        // What happened matters most: where there is little room, what it happened to is named in the message
        // alone.
        const bool room = width == 0 || width >= kRoomForIds;
        const std::string resource =
            options_.name.empty() && room ? fmt::format("{:<30}  ", cell(event, "resource")) : "";
        const auto at = parse_time(json::get_string(event, "at"));
        const std::string line =
            fmt::format("{}  {:<22}  {}{}", at && width > 0 ? clock_text(*at) : cell(event, "at"),
                        cell(event, "type"), resource, cell(event, "message"));
        out << (width > 0 ? clip(line, width) : line) << std::endl;
    }

    void tell_of_loss() {
        if (std::exchange(lost_told_, true)) return;
        environment_.err << "slipway: the connection ended; trying again, from where it ended" << std::endl;
    }

    Api& api_;
    Environment& environment_;
    std::string target_;
    std::string after_;
    const EventOptions& options_;
    Format format_;
    std::uint64_t last_;
    std::size_t seen_ = 0;
    bool heard_ = false;
    bool lost_told_ = false;
    bool done_ = false;
    bool strange_ = false;
};

// The number of the last event there is: what comes after it is new, even if the connection is lost before the
// first one.
Outcome<std::string> present_cursor(Api& api, const std::string& target) {
    const auto page = api.get(target + (target.contains('?') ? "&" : "?") + "after=now&limit=1");
    if (!page) return std::unexpected(page.error());
    const std::string cursor = cell(*page, "cursor");
    return cursor == "-" ? "now" : cursor;
}

}  // namespace

Outcome<Exit> show_events(Api& api, const EventOptions& options, Format format) {
    if (options.since_start && options.after) {
        return fail(Exit::usage, "--since-start and --after exclude each other");
    }
    QueryText query("/api/v1/events");
    if (!options.name.empty()) {
        const auto resource = find_resource(api, options.name, true);
        if (!resource) return std::unexpected(resource.error());
        query.add("resource", json::get_string(*resource, "id"));
    }
    query.add("operation", options.operation);
    for (const std::string& type : options.types) query.add("type", type);
    const auto organization = organization_of(api, options.scope);
    if (!organization) return std::unexpected(organization.error());
    query.add("organization", *organization);
    if (!options.follow) {
        const Listing listing{.target = query.str(),
                              .items = "events",
                              .columns = event_columns(!options.name.empty()),
                              .name_key = "sequence",
                              .after = options.after ? fmt::format("{}", *options.after) : "",
                              .limit = options.limit.value_or(kListed),
                              .more = "raise --limit, or go on with --after NUMBER (-o wide shows the numbers)"};
        return list(api, listing, format);
    }
    std::string after = fmt::format("{}", options.after.value_or(0));
    if (!options.after && !options.since_start) {
        auto now = present_cursor(api, query.str());
        if (!now) return std::unexpected(std::move(now.error()));
        after = std::move(*now);
    }
    return Follower(api, query.str(), std::move(after), options, format).run();
}

}  // namespace slipway::cli
