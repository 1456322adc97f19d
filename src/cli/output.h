// Text for people: tables, and nothing that a terminal would obey.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace slipway::cli {

// Control characters become "?": labels and messages come from others.
std::string printable(std::string_view text);
// The width of the text on a terminal, where each code point takes one column.
std::size_t columns(std::string_view text);

// A JSON value as a cell: strings as they are, null as "-".
std::string cell(const json::object& from, std::string_view key);

class Table {
  public:
    explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print(std::ostream& out) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace slipway::cli
