#include "cli/sse.h"

namespace slipway::cli {

// Lines end with a line feed, a carriage return, or both; the two may come in different pieces.
bool SseReader::feed(std::string_view piece) {
    for (const char c : piece) {
        const bool pair = std::exchange(after_return_, c == '\r') && c == '\n';
        if (pair) continue;
        if (c != '\r' && c != '\n') {
            rest_ += c;
            too_long_ = rest_.size() + event_.data.size() > kMaxEvent;
            if (too_long_) return false;
            continue;
        }
        const std::string text = std::exchange(rest_, {});
        if (!line(text)) return false;
    }
    return true;
}

bool SseReader::line(std::string_view text) {
    if (text.empty()) {
        const bool go = !has_data_ || take_(event_);
        event_.type.clear();
        event_.data.clear();
        has_data_ = false;
        return go;
    }
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);  // empty: a comment
    std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "id") event_.id = value;
    if (name == "event") event_.type = value;
    if (name == "data") {
        if (has_data_) event_.data += '\n';
        event_.data += value;
        has_data_ = true;
    }
    return true;
}

}  // namespace slipway::cli
