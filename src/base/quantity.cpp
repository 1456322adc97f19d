#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <fmt/format.h>

namespace slipway {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::array<Unit, 5> kTimes{
    {{"d", 86'400 * kSecond}, {"h", 3'600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond}, {"ms", kSecond / 1000}}};
constexpr std::array<Unit, 5> kSizes{{{"", 1}, {"b", 1}, {"kb", 1LL << 10}, {"mb", 1LL << 20}, {"gb", 1LL << 30}}};
constexpr std::int64_t kLongest = 36'525LL * 86'400 * kSecond;
constexpr std::int64_t kLargest = 1LL << 60;

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units, std::int64_t most) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || text.starts_with('-')) return std::nullopt;
    const std::string_view rest = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
    const auto unit = std::ranges::find(units, rest, &Unit::name);
    if (unit == units.end() || number > most / unit->factor) return std::nullopt;
    return number * unit->factor;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const auto micros = parse(text, kTimes, kLongest);
    if (!micros) return std::nullopt;
    return Duration(*micros);
}

std::string format_duration(Duration duration) {
    for (const Unit& unit : kTimes) {
        if (duration.count() != 0 && duration.count() % unit.factor == 0) {
            return fmt::format("{}{}", duration.count() / unit.factor, unit.name);
        }
    }
    return fmt::format("{}ms", duration.count() / (kSecond / 1000));
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return parse(lower, kSizes, kLargest);
}

}  // namespace slipway
