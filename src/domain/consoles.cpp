#include "domain/consoles.h"

namespace slipway {
namespace {

constexpr std::size_t kMarkDigits = 16;
constexpr std::size_t kMostDigits = 19;  // of an offset

bool all_of(std::string_view text, std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

bool valid_console_place(std::string_view text) {
    const std::size_t hyphen = text.find('-');
    if (hyphen != kMarkDigits || !all_of(text.substr(0, hyphen), "0123456789abcdef")) return false;
    const std::string_view offset = text.substr(hyphen + 1);
    return !offset.empty() && offset.size() <= kMostDigits && all_of(offset, "0123456789");
}

}  // namespace slipway
