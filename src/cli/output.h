// Text for people: cells, tables that fit the terminal, and nothing that a terminal would obey.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "cli/environment.h"

namespace slipway::cli {

enum class Format : std::uint8_t { table, wide, name, json };

enum class Colour : std::uint8_t { none, red, yellow, green, grey };
// The text, coloured where the terminal shows colours.
std::string paint(const Terminal& terminal, Colour colour, const std::string& text);
Colour colour_of_state(std::string_view state);

// Control characters become "?": labels and messages come from others.
std::string printable(std::string_view text);
// The width of the text on a terminal, where East Asian characters take two columns.
std::size_t columns(std::string_view text);
// The text where it is no wider, else its beginning and "…".
std::string clip(const std::string& text, std::size_t width);

// A JSON value as a cell: strings as they are, null as "-".
std::string cell(const json::value& from);
std::string cell(const json::object& from, std::string_view key);
// Empty ones where there is no such member, so that an answer of another version is shown as far as it is known.
const json::object& object_in(const json::object& from, std::string_view key);
const json::array& array_in(const json::object& from, std::string_view key);
// The strings of an array, or the names and values of an object, with commas; "-" where there are none.
std::string joined(const json::object& from, std::string_view key);

// "350 ms", "1.2 s", "3 min 20 s", "5 h 3 min", "4 d 2 h"
std::string spell(Duration duration);
// "12s", "5m", "3h", "4d": for columns
std::string brief(Duration duration);
// RFC 3339 as the API writes it; nullopt where it is not that.
std::optional<TimePoint> parse_time(std::string_view text);
// "2026-11-22 22:16:55"
std::string clock_text(TimePoint time);
// How long ago the member's time was; "-" where there is none.
std::string age(const json::object& from, std::string_view key, TimePoint now);
// How long it is until then, for columns; "0s" where it was.
std::string left(const json::object& from, std::string_view key, TimePoint now);

// "name   value" lines; what has no value ("-") is left out.
void print_fields(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& fields);

struct Column {
    std::string head;
    std::function<std::string(const json::object&)> text;
    bool only_wide = false;     // shown with `-o wide` alone
    std::uint8_t drop = 0;      // where the terminal is too narrow, the highest go first; 0 never goes
    std::size_t least = 0;      // may be cut down to this before others go, and further after; 0: never
    bool is_state = false;      // coloured by its word
    bool to_the_right = false;  // a number
};
// A member of the object as it is.
Column column(std::string head, std::string key, std::uint8_t drop = 0);
Column wide_column(std::string head, std::string key);
// What several listings have in common.
Column name_column();
Column state_column();
Column organization_column(bool everybody);  // shown to who sees more than one

// Prints rows as they come: a page of them decides how wide the columns are, later ones keep to that.
class Table {
  public:
    Table(std::ostream& out, const Terminal& terminal, std::vector<Column> columns, Format format);
    void rows(const json::array& page);
    void end();  // the heads alone, where there was no row

  private:
    void begin(const std::vector<std::vector<std::string>>& page);
    void lay_out(const std::vector<std::vector<std::string>>& page);
    void line(const std::vector<std::string>& cells, bool head);

    std::ostream& out_;
    Terminal terminal_;
    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;
    bool fits_;  // nothing is dropped or cut
    bool begun_ = false;
};

}  // namespace slipway::cli
