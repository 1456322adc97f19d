#include "cli/output.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::cli {

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control characters too, and some terminals obey them.
        const bool c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1) ++i;
        if (c1 || c < 0x20 || c == 0x7f) {
            out += '?';
        } else {
            out += text[i];
        }
    }
    return out;
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

std::string cell(const json::object& from, std::string_view key) {
    const json::value* found = from.if_contains(key);
    if (found == nullptr || found->is_null()) return "-";
    if (!found->is_string()) return json::dump(*found);
    const std::string text = printable(std::string_view(found->get_string()));
    return text.empty() ? "-" : text;
}

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
    }
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line += std::string(widths[i] - columns(row[i]) + 2, ' ');
        }
        out << line << '\n';
    }
}

}  // namespace slipway::cli
