#include "base/clock.h"

#include <concepts>

#include <fmt/format.h>

namespace slipway {
namespace {

// Writes the digits of a number over the zeros before `end`. By hand: an answer has several times, and to read a
// format string for each took longer than all the rest of them.
void put_digits(std::string& out, std::size_t end, std::integral auto number) {
    for (; number > 0; number /= 10) out[--end] = static_cast<char>('0' + number % 10);
}

}  // namespace

TimePoint SystemClock::now() const {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

SteadyClock::SteadyClock() : start_(SystemClock().now()), steady_start_(std::chrono::steady_clock::now()) {}

TimePoint SteadyClock::now() const {
    return start_ + std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - steady_start_);
}

std::string format_time(TimePoint time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
    const int year = static_cast<int>(date.year());
    std::string out =
        year >= 0 && year <= 9999 ? "0000-00-00T00:00:00.000Z" : fmt::format("{:04}-00-00T00:00:00.000Z", year);
    const std::size_t rest = out.size() - 20;  // what stands after the year always has the same length
    if (rest == 4) put_digits(out, 4, year);
    put_digits(out, rest + 3, static_cast<unsigned>(date.month()));
    put_digits(out, rest + 6, static_cast<unsigned>(date.day()));
    put_digits(out, rest + 9, clock.hours().count());
    put_digits(out, rest + 12, clock.minutes().count());
    put_digits(out, rest + 15, clock.seconds().count());
    put_digits(out, rest + 19, clock.subseconds().count());
    return out;
}

}  // namespace slipway
