#include "main/units.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

namespace slipway {
namespace {

constexpr std::int64_t kMillion = 1'000'000;  // and as many millionths in one
constexpr std::size_t kMaxZone = 15;          // characters of an interface's name

bool only_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Decimal digits to millionths, without the detour of a binary fraction: "0.012" is 12000.
std::optional<std::int64_t> parse_millionths(std::string_view text) {
    constexpr std::size_t kDecimals = 6;
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    std::string decimals(point == std::string_view::npos ? "0" : text.substr(point + 1));
    if (!only_digits(whole) || whole.size() > kDecimals || !only_digits(decimals) || decimals.size() > kDecimals) {
        return std::nullopt;
    }
    decimals.resize(kDecimals, '0');
    return std::stoll(std::string(whole)) * kMillion + std::stoll(decimals);
}

// What stands behind the '%' of an IPv6 address: the name or the number of an interface.
bool zone_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

// Asio's reading stops at a NUL and takes anything for a zone; what is accepted here stands in the lines of an
// engine's configuration.
bool address_characters(std::string_view text) {
    const std::size_t percent = std::min(text.find('%'), text.size());
    const std::string_view zone = text.substr(std::min(percent + 1, text.size()));
    return text.substr(0, percent).find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
           (percent == text.size() || (!zone.empty() && zone.size() <= kMaxZone)) &&
           std::ranges::all_of(zone, zone_character);
}

std::optional<boost::asio::ip::address> address_of(std::string_view text) {
    if (!address_characters(text)) return std::nullopt;
    boost::system::error_code error;
    auto address = boost::asio::ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    return address;
}

}  // namespace

std::optional<Price> parse_price(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto amount = parse_millionths(text.substr(0, space));
    const std::string_view currency = text.substr(space + 1);
    const bool capitals = std::ranges::all_of(currency, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!amount || currency.size() != 3 || !capitals) return std::nullopt;
    return Price{std::string(currency), *amount};
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    HostPort at;
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), at.port);
    if (port.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) return std::nullopt;
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = address_of(host);
    if (!address || address->is_v6() != bracketed) return std::nullopt;
    at.host = host;
    return at;
}

std::string format_host_port(const HostPort& at) {
    return at.host.contains(':') ? fmt::format("[{}]:{}", at.host, at.port)
                                 : fmt::format("{}:{}", at.host, at.port);
}

bool is_address(std::string_view text) { return address_of(text).has_value(); }

bool is_loopback(std::string_view address) {
    const auto parsed = address_of(address);
    return parsed && parsed->is_loopback();
}

}  // namespace slipway
