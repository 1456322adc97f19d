#include "providers/local/memcached_text.h"

#include <algorithm>
#include <charconv>

namespace slipway::local {
namespace {

constexpr std::string_view kEnd = "\r\n";

bool printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

TextReply of(TextReply::Kind kind) {
    TextReply reply;
    reply.kind = kind;
    return reply;
}

// "STAT pid 17"; a value may hold spaces, and may be empty.
std::optional<Statistic> statistic_of(std::string_view line) {
    constexpr std::string_view kStart = "STAT ";
    if (!line.starts_with(kStart)) return std::nullopt;
    line.remove_prefix(kStart.size());
    const std::size_t space = line.find(' ');
    if (space == 0 || line.empty()) return std::nullopt;
    if (space == std::string_view::npos) return Statistic{std::string(line), ""};
    return Statistic{std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

}  // namespace

TextReply read_text_reply(std::string_view text) {
    std::vector<Statistic> statistics;
    std::size_t at = 0;
    for (;;) {
        const std::string_view rest = text.substr(at, kMaxTextLine + kEnd.size());
        const std::size_t size = rest.find(kEnd);
        if (size == std::string_view::npos) {
            const bool too_much = rest.size() > kMaxTextLine + 1 || text.size() > kMaxTextReply;
            return of(too_much ? TextReply::Kind::broken : TextReply::Kind::incomplete);
        }
        const std::string_view line = rest.substr(0, size);
        at += size + kEnd.size();
        if (line.empty() || !printable(line) || at > kMaxTextReply) return of(TextReply::Kind::broken);
        if (std::optional<Statistic> found = statistic_of(line)) {
            if (statistics.size() == kMaxStatistics) return of(TextReply::Kind::broken);
            statistics.push_back(std::move(*found));
            continue;
        }
        const bool end = line == "END";
        // Figures end by END and by nothing else.
        const bool amiss = !statistics.empty() || line.starts_with("STAT");
        if (amiss && !end) return of(TextReply::Kind::broken);
        TextReply reply = of(end ? TextReply::Kind::statistics : TextReply::Kind::line);
        reply.statistics = std::move(statistics);
        if (!end) reply.line = line;
        reply.size = at;
        return reply;
    }
}

std::optional<std::int64_t> number_in(const std::vector<Statistic>& statistics, std::string_view key) {
    const auto found = std::ranges::find(statistics, key, &Statistic::key);
    if (found == statistics.end()) return std::nullopt;
    const std::string& text = found->value;
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace slipway::local
