#include "faces/harbourmaster/media_types.h"

#include <array>

#include "base/text.h"

namespace slipway::faces {
namespace {

// What stands before the separator; `text` goes on behind it.
std::string_view take(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    const std::string_view head = trimmed(text.substr(0, at));
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
    return head;
}

// "q=0", "q=0.000": not acceptable. Any other weight is above 0.
bool weight_is_zero(std::string_view parameters) {
    while (!parameters.empty()) {
        std::string_view value = take(parameters, ';');
        const std::string_view name = take(value, '=');
        if (!http::equal_ignoring_case(name, "q")) continue;
        const std::string_view weight = trimmed(value);
        return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
    }
    return false;
}

// From the least specific to the most.
constexpr std::array<std::string_view, 3> kRanges{"*/*", "application/*", "application/json"};

}  // namespace

bool announces_body(const http::Headers& headers) {
    if (headers.get("transfer-encoding")) return true;
    const auto length = headers.get("content-length");
    return length && trimmed(*length).find_first_not_of('0') != std::string_view::npos;
}

bool is_json(std::string_view content_type) {
    return http::equal_ignoring_case(take(content_type, ';'), "application/json");
}

bool accepts_json(const http::Headers& headers) {
    std::size_t best = 0;
    bool accepted = false;
    for (std::string_view field : headers.all("accept")) {
        while (!field.empty()) {
            std::string_view parameters = take(field, ',');
            const std::string_view range = take(parameters, ';');
            for (std::size_t i = best; i < kRanges.size(); ++i) {
                if (!http::equal_ignoring_case(range, kRanges[i])) continue;
                best = i;
                accepted = !weight_is_zero(parameters);
            }
        }
    }
    return accepted;
}

}  // namespace slipway::faces
