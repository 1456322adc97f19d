#include "faces/shown.h"

namespace slipway::faces {

std::string shown(std::string_view name) {
    constexpr std::size_t kLongest = 40;
    if (name.size() <= kLongest) return std::string(name);
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80) --end;
    return std::string(name.substr(0, end)) + "...";
}

}  // namespace slipway::faces
