#include "http/sse.h"

#include <algorithm>

namespace slipway::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    std::ranges::copy_if(value, std::back_inserter(out),
                         [](char c) { return c != '\n' && c != '\r' && c != '\0'; });
    out += '\n';
}

}  // namespace

std::string sse_event(std::string_view event, std::string_view id, std::string_view data) {
    std::string out;
    out.reserve(data.size() + event.size() + id.size() + 32);
    if (!event.empty()) append_field(out, "event", event);
    if (!id.empty()) append_field(out, "id", id);
    for (;;) {
        const std::size_t end = std::min(data.find_first_of("\r\n"), data.size());
        append_field(out, "data", data.substr(0, end));
        if (end == data.size()) break;
        const bool pair = data.substr(end).starts_with("\r\n");
        data.remove_prefix(end + (pair ? 2 : 1));
    }
    out += '\n';
    return out;
}

}  // namespace slipway::http
