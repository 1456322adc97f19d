#include "faces/trace.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::faces {
namespace {

// Places in "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".
constexpr std::size_t kLength = 55;
constexpr std::size_t kLongest = 128;  // of a later version
constexpr std::size_t kTrace = 3;
constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kParent = 36;
constexpr std::size_t kParentDigits = 16;
constexpr std::size_t kFlags = 53;

bool hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Ids of zeros alone mean that there is none.
bool id(std::string_view text) { return hex(text) && text.find_first_not_of('0') != std::string_view::npos; }

}  // namespace

bool valid_traceparent(std::string_view text) {
    if (text.size() < kLength || text.size() > kLongest) return false;
    const std::string_view version = text.substr(0, 2);
    if (!hex(version) || version == "ff") return false;
    const bool later = version != "00";
    if (text.size() > kLength && (!later || text[kLength] != '-')) return false;
    if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; })) return false;
    return text[kTrace - 1] == '-' && id(text.substr(kTrace, kTraceDigits)) && text[kParent - 1] == '-' &&
           id(text.substr(kParent, kParentDigits)) && text[kFlags - 1] == '-' && hex(text.substr(kFlags, 2));
}

std::string trace_of(const http::Request& request) {
    const auto values = request.headers.all("traceparent");
    if (values.size() != 1 || !valid_traceparent(values.front())) return {};
    // What follows in a later version may be anything.
    return fmt::format("00{}", values.front().substr(2, kLength - 2));
}

}  // namespace slipway::faces
