#include "faces/redis/names.h"

namespace slipway::faces {
namespace {

constexpr std::size_t kMaxName = 128;

}  // namespace

std::string_view instance_name(std::string_view text) {
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        text.remove_prefix(at + 1);
    } else if (text.starts_with("arn:")) {
        text.remove_prefix(text.rfind(':') + 1);
    } else if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
        text.remove_prefix(scheme + 3);
    }
    text = text.substr(0, text.find_first_of(".:/"));
    return text.size() <= kMaxName ? text : std::string_view();
}

}  // namespace slipway::faces
