#include "cli/output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/contains.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kGap = 2;    // columns between columns
constexpr std::size_t kLeast = 8;  // of a column that is cut
constexpr std::string_view kDots = "…";

struct Span {
    char32_t first;
    char32_t last;
};
// What terminals show two columns wide: East Asian scripts and pictures.
constexpr std::array<Span, 9> kDouble{{{0x1100, 0x115f},
                                       {0x2e80, 0xa4cf},
                                       {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60},
                                       {0xffe0, 0xffe6},
                                       {0x1f300, 0x1faff},
                                       {0x20000, 0x3fffd}}};

std::size_t width_of(char32_t c) {
    if (c >= 0x300 && c <= 0x36f) return 0;  // marks on the character before
    return std::ranges::any_of(kDouble, [c](Span span) { return c >= span.first && c <= span.last; }) ? 2 : 1;
}

// The code point at `at`, and where the next one begins. Bytes that are no UTF-8 count as one each.
std::pair<char32_t, std::size_t> code_point(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 1 || at + length > text.size()) return {lead, at + 1};
    char32_t point = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xc0U) != 0x80) return {lead, at + 1};
        point = point << 6U | (byte(at + i) & 0x3fU);
    }
    return {point, at + length};
}

// "2026" and the like: all of it, and within the bounds.
std::optional<int> number(std::string_view text, int least, int most) {
    int value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < least || value > most) {
        return std::nullopt;
    }
    return value;
}

std::string padding(std::size_t width, std::size_t used) { return std::string(width - std::min(width, used), ' '); }

}  // namespace

std::string paint(const Terminal& terminal, Colour colour, const std::string& text) {
    if (!terminal.colour || colour == Colour::none) return text;
    constexpr std::array<int, 5> kCodes{0, 31, 33, 32, 90};
    return fmt::format("\033[{}m{}\033[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

Colour colour_of_state(std::string_view state) {
    constexpr std::array<std::string_view, 4> kGood{"ready", "succeeded", "healthy", "ok"};
    constexpr std::array<std::string_view, 4> kBad{"failed", "unreachable", "problem", "foreign"};
    constexpr std::array<std::string_view, 5> kOver{"gone", "cancelled", "unknown", "no", "-"};
    if (contains(kGood, state)) return Colour::green;
    if (contains(kBad, state)) return Colour::red;
    if (contains(kOver, state)) return Colour::grey;
    return Colour::yellow;
}

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
    std::size_t wide = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto [point, next] = code_point(text, at);
        wide += width_of(point);
        at = next;
    }
    return wide;
}

std::string clip(const std::string& text, std::size_t width) {
    if (columns(text) <= width) return text;
    std::size_t wide = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto [point, next] = code_point(text, at);
        if (wide + width_of(point) + 1 > width) break;
        wide += width_of(point);
        at = next;
    }
    return text.substr(0, at) + (width > 0 ? std::string(kDots) : "");
}

std::string cell(const json::value& from) {
    if (from.is_null()) return "-";
    if (!from.is_string()) return printable(json::dump(from));
    const std::string text = printable(std::string_view(from.get_string()));
    return text.empty() ? "-" : text;
}

std::string cell(const json::object& from, std::string_view key) {
    const json::value* found = from.if_contains(key);
    return found == nullptr ? "-" : cell(*found);
}

const json::object& object_in(const json::object& from, std::string_view key) {
    static const json::object none;
    const json::value* found = from.if_contains(key);
    return found != nullptr && found->is_object() ? found->get_object() : none;
}

const json::array& array_in(const json::object& from, std::string_view key) {
    static const json::array none;
    const json::value* found = from.if_contains(key);
    return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string joined(const json::object& from, std::string_view key) {
    std::string text;
    for (const json::value& one : array_in(from, key)) text += (text.empty() ? "" : ",") + cell(one);
    for (const auto& [name, value] : object_in(from, key)) {
        text += (text.empty() ? "" : ",") + printable(std::string_view(name)) + "=";
        if (value != json::value("")) text += cell(value);
    }
    return text.empty() ? "-" : text;
}

std::string spell(Duration duration) {
    using namespace std::chrono;
    const std::int64_t ms = std::max<std::int64_t>(duration_cast<milliseconds>(duration).count(), 0);
    const std::int64_t s = ms / 1000;
    const auto two = [](std::int64_t big, std::string_view name, std::int64_t small, std::string_view rest) {
        return small == 0 ? fmt::format("{} {}", big, name) : fmt::format("{} {} {} {}", big, name, small, rest);
    };
    if (ms < 1000) return fmt::format("{} ms", ms);
    if (s < 10 && ms % 1000 >= 100) return fmt::format("{}.{} s", s, ms % 1000 / 100);
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3600) return two(s / 60, "min", s % 60, "s");
    if (s < 86'400) return two(s / 3600, "h", s % 3600 / 60, "min");
    return two(s / 86'400, "d", s % 86'400 / 3600, "h");
}

std::string brief(Duration duration) {
    const std::int64_t s =
        std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count(), 0);
    if (s < 120) return fmt::format("{}s", s);
    if (s < 2L * 3600) return fmt::format("{}m", s / 60);
    if (s < 2L * 86'400) return fmt::format("{}h", s / 3600);
    return fmt::format("{}d", s / 86'400);
}

std::optional<TimePoint> parse_time(std::string_view text) {
    using namespace std::chrono;
    const bool shape = text.size() >= 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                       text[13] == ':' && text[16] == ':' && text.back() == 'Z';
    if (!shape) return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t size, int least, int most) {
        return number(text.substr(at, size), least, most);
    };
    const auto year = part(0, 4, 0, 9999);
    const auto month = part(5, 2, 1, 12);
    const auto day = part(8, 2, 1, 31);
    const auto hour = part(11, 2, 0, 23);
    const auto minute = part(14, 2, 0, 59);
    const auto second = part(17, 2, 0, 60);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    std::int64_t micros = 0;
    if (text[19] == '.') {
        const std::string_view fraction = text.substr(20, text.size() - 21);
        if (fraction.empty() || fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
        const auto read = number((std::string(fraction) + "000000").substr(0, 6), 0, 999'999);
        if (!read) return std::nullopt;
        micros = *read;
    } else if (text.size() != 20) {
        return std::nullopt;
    }
    const year_month_day date{std::chrono::year(*year) / *month / *day};
    if (!date.ok()) return std::nullopt;
    return TimePoint(sys_days(date)) + hours(*hour) + minutes(*minute) + seconds(*second) + microseconds(micros);
}

std::string clock_text(TimePoint time) {
    std::string text = format_time(time).substr(0, 19);
    text[10] = ' ';
    return text;
}

std::string age(const json::object& from, std::string_view key, TimePoint now) {
    const auto at = parse_time(json::get_string(from, key));
    return at ? brief(now - *at) : "-";
}

std::string left(const json::object& from, std::string_view key, TimePoint now) {
    const auto at = parse_time(json::get_string(from, key));
    return at ? brief(std::max(*at - now, Duration::zero())) : "-";
}

void print_fields(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& fields) {
    const auto says = [](const auto& field) { return field.second != "-" && !field.second.empty(); };
    std::size_t width = 0;
    for (const auto& field : fields | std::views::filter(says)) width = std::max(width, columns(field.first));
    for (const auto& [name, value] : fields | std::views::filter(says)) {
        out << name << padding(width, columns(name)) << std::string(kGap, ' ') << value << '\n';
    }
}

Column column(std::string head, std::string key, std::uint8_t drop) {
    return {.head = std::move(head),
            .text = [key = std::move(key)](const json::object& row) { return cell(row, key); },
            .drop = drop};
}

Column wide_column(std::string head, std::string key) {
    Column made = column(std::move(head), std::move(key));
    made.only_wide = true;
    return made;
}

Column name_column() {
    Column name = column("NAME", "name");
    name.least = 24;
    return name;
}

Column state_column() {
    Column state = column("STATE", "state");
    state.is_state = true;
    return state;
}

Column organization_column(bool everybody) {
    Column organization = column("ORGANIZATION", "organization");
    organization.only_wide = !everybody;
    return organization;
}

Table::Table(std::ostream& out, const Terminal& terminal, std::vector<Column> columns, Format format)
    : out_(out), terminal_(terminal), columns_(std::move(columns)), fits_(format == Format::wide) {
    if (format != Format::wide) std::erase_if(columns_, [](const Column& column) { return column.only_wide; });
}

void Table::rows(const json::array& page) {
    std::vector<std::vector<std::string>> cells;
    for (const json::value& row : page) {
        if (!row.is_object()) continue;
        std::vector<std::string>& made = cells.emplace_back();
        for (const Column& column : columns_) made.push_back(column.text(row.get_object()));
    }
    if (cells.empty()) return;
    if (!begun_) begin(cells);
    for (const auto& row : cells) line(row, false);
}

void Table::end() {
    if (!begun_) begin({});
}

void Table::begin(const std::vector<std::vector<std::string>>& page) {
    begun_ = true;
    lay_out(page);
    std::vector<std::string> heads;
    for (const Column& column : columns_) heads.push_back(column.head);
    line(heads, true);
}

// A width of 0 drops a column.
void Table::lay_out(const std::vector<std::vector<std::string>>& page) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = columns(columns_[i].head);
        for (const auto& row : page) width = std::max(width, columns(row[i]));
        widths_.push_back(width);
    }
    if (fits_ || terminal_.width == 0) return;
    const auto total = [&](bool cut) {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < widths_.size(); ++i) {
            const std::size_t least = cut && columns_[i].least > 0 ? columns_[i].least : widths_[i];
            if (widths_[i] > 0) sum += kGap + std::min(widths_[i], least);
        }
        return sum - std::min(sum, kGap);
    };
    // The one that is to give way: the first of those that may for which `weight` is greatest; none: the end.
    const auto worst = [&](const std::function<std::size_t(std::size_t)>& weight) {
        std::size_t found = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::size_t mine = widths_[i] > 0 ? weight(i) : 0;
            if (mine > 0 && (found == columns_.size() || mine > weight(found))) found = i;
        }
        return found;
    };
    while (total(true) > terminal_.width) {
        const std::size_t goes = worst([&](std::size_t i) { return columns_[i].drop; });
        if (goes == columns_.size()) break;
        widths_[goes] = 0;
    }
    while (total(false) > terminal_.width) {
        const auto surplus = [&](std::size_t i) {
            return columns_[i].least > 0 && widths_[i] > kLeast ? widths_[i] : 0;
        };
        const std::size_t cut = worst(surplus);
        if (cut == columns_.size()) break;  // as narrow as it gets
        widths_[cut] -= 1;
    }
}

void Table::line(const std::vector<std::string>& cells, bool head) {
    std::string text;
    std::size_t owed = 0;  // spaces that stand before the next cell, where there is one
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (widths_[i] == 0) continue;
        const bool cut = !fits_ && terminal_.width > 0 && columns_[i].least > 0;
        const std::string shown = cut ? clip(cells[i], widths_[i]) : cells[i];
        const std::size_t left = widths_[i] - std::min(widths_[i], columns(shown));
        text += std::string(owed + (columns_[i].to_the_right ? left : 0), ' ');
        text += columns_[i].is_state && !head ? paint(terminal_, colour_of_state(shown), shown) : shown;
        owed = kGap + (columns_[i].to_the_right ? 0 : left);
    }
    out_ << text << '\n';
}

}  // namespace slipway::cli
