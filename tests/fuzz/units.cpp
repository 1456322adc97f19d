// Durations, sizes, times and addresses as people write them: what is accepted is written out and reads the same,
// and an address holds nothing but an address (it becomes a line of an engine's configuration).
#include "main/units.h"

#include "cli/output.h"
#include "domain/expiry.h"
#include "faces/native/requests.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

void check_address(std::string_view text) {
    if (!is_address(text)) {
        check(!is_loopback(text), "what is no address is no loopback address", text);
        return;
    }
    check(text.size() <= 64, "an address is short", text);
    check(text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos || text.contains('%'),
          "an address is made of digits, colons and dots", text);
    for (const char c : text) check(c > ' ' && c < 0x7f, "an address holds no white space", text);
}

// Times as the API takes them, and as the command line reads the server's.
void check_time(std::string_view text) {
    const auto taken = faces::parse_time(text);
    const auto read = slipway::cli::parse_time(text);
    if (taken) {
        check(*taken >= TimePoint(), "a time is of our age", text);
        const auto again = faces::parse_time(format_time(*taken));
        check(again && *taken - *again < std::chrono::milliseconds(1) && *taken >= *again,
              "a time is written as it is read", text);
        check(slipway::cli::parse_time(format_time(*taken)) == again,
              "the command line reads what the server writes", text);
    }
    if (read)
        check(harmless(text) && text.find_first_of("+ ") == std::string_view::npos, "a time is written in UTC",
              text);
    if (read && taken) check(*read == *taken, "both read the same", text);
}

}  // namespace

void units(std::string_view input) {
    if (const auto duration = parse_duration(input)) {
        check(duration->count() >= 0 && *duration <= std::chrono::hours(24 * 36'525), "a duration is bounded",
              input);
        check(parse_duration(format_duration(*duration)) == duration, "a duration is written as it is read", input);
        check(input.front() >= '0' && input.front() <= '9', "a duration begins with a digit", input);
    }
    if (const auto wish = parse_lifetime(input)) {
        const auto* lifetime = std::get_if<Duration>(&*wish);
        check(lifetime == nullptr || (*lifetime >= kShortestLifetime && *lifetime <= kLongestLifetime),
              "a lifetime is bounded", input);
        check(parse_lifetime(text_of(*wish)) == *wish, "a lifetime is written as it is read", input);
    }
    if (const auto size = parse_size(input)) {
        check(*size >= 0 && *size <= std::int64_t{1} << 60, "a size is bounded", input);
        check(parse_size(std::to_string(*size)) == size, "a size reads as its number of bytes", input);
        check(input.front() >= '0' && input.front() <= '9', "a size begins with a digit", input);
    }
    if (const auto at = parse_host_port(input)) {
        const std::string text = format_host_port(*at);
        const auto again = parse_host_port(text);
        check(again && again->host == at->host && again->port == at->port, "a place is written as it is read",
              text);
        check_address(at->host);
    }
    check_address(input);
    check_time(input);
}

}  // namespace slipway::fuzz
