// As much of memcached's text protocol as it takes to ask an engine for its figures and to empty it. Pure: reads
// what came in from outside, whatever it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/live_engines.h"

namespace slipway::local {

inline constexpr std::size_t kMaxTextLine = 1024;        // bytes; memcached's longest are below 100
inline constexpr std::size_t kMaxStatistics = 1024;      // it has about 90
inline constexpr std::size_t kMaxTextReply = 64 * 1024;  // bytes

struct TextReply {
    enum class Kind : std::uint8_t {
        incomplete,  // more has to come
        statistics,  // "STAT KEY VALUE" lines up to "END"
        line,        // one line of any other kind: "OK", "ERROR …", "SERVER_ERROR …"
        broken,      // nothing that memcached says, or more than it ever says: hang up
    };
    Kind kind = Kind::incomplete;
    std::vector<Statistic> statistics;
    std::string line;
    std::size_t size = 0;  // bytes of the reply; 0 while it is not whole
};

// The first reply in what has come in so far. Answers printable ASCII only.
TextReply read_text_reply(std::string_view text);

// The value of one of them, as a number; empty where it is not there or is no number.
std::optional<std::int64_t> number_in(const std::vector<Statistic>& statistics, std::string_view key);

}  // namespace slipway::local
