// What engines say on their sockets, read as Redis' and as memcached's. However much of it has come in, what was
// read early stays true; nothing is made of bytes that are not there; nothing is longer than it may be.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "providers/local/memcached_text.h"
#include "providers/local/resp.h"

namespace slipway::fuzz {
namespace {

void try_redis(std::string_view input) {
    constexpr std::size_t kWanted = 8;
    const auto whole = local::replies_in(input, kWanted);
    check(whole.size() <= kWanted, "no more replies than were wanted");
    std::size_t total = 0;
    for (const std::string& reply : whole) {
        check(!reply.empty(), "a reply is never empty: its first character tells its kind", input);
        total += reply.size();
    }
    check(total <= input.size() * 2, "replies are no longer than what they came in", input);
    for (std::size_t size = 0; size < input.size(); size += 1 + size / 64) {
        const auto part = local::replies_in(input.substr(0, size), kWanted);
        check(part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin()),
              "what was read early stays true", input.substr(0, size));
    }
    const auto fewer = local::replies_in(input, 3);
    check(fewer.size() == std::min<std::size_t>(whole.size(), 3) &&
              std::equal(fewer.begin(), fewer.end(), whole.begin()),
          "how many are wanted changes none of them", input);
}

bool same(const local::TextReply& a, const local::TextReply& b) {
    return a.kind == b.kind && a.line == b.line && a.size == b.size &&
           std::ranges::equal(a.statistics, b.statistics, [](const Statistic& left, const Statistic& right) {
               return left.key == right.key && left.value == right.value;
           });
}

void try_memcached(std::string_view input) {
    using Kind = local::TextReply::Kind;
    const auto whole = local::read_text_reply(input);
    const bool complete = whole.kind == Kind::statistics || whole.kind == Kind::line;
    check(complete == (whole.size > 0) && whole.size <= input.size(), "a reply has the size of its bytes", input);
    check(whole.size <= local::kMaxTextReply && whole.statistics.size() <= local::kMaxStatistics,
          "a reply is bounded");
    check(harmless(whole.line), "a line is printable", whole.line);
    for (const Statistic& each : whole.statistics) {
        check(!each.key.empty() && harmless(each.key) && harmless(each.value), "figures are printable", input);
        static_cast<void>(local::number_in(whole.statistics, each.key));
    }
    for (std::size_t size = 0; size < input.size(); size += 1 + size / 64) {
        const auto part = local::read_text_reply(input.substr(0, size));
        check(part.kind == Kind::incomplete || same(part, whole), "what was read early stays true",
              input.substr(0, size));
    }
    if (complete)
        check(same(local::read_text_reply(input.substr(0, whole.size)), whole), "and needs no more bytes");
}

}  // namespace

void engine_replies(std::string_view input) {
    try_redis(input);
    try_memcached(input);
}

}  // namespace slipway::fuzz
