// Reads one TOML table strictly: every wrong type, value out of range and unknown key becomes a problem that names
// its place and what is allowed, and reading goes on, so that all of them are told at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/clock.h"

namespace slipway {

struct ConfigProblem {
    std::size_t line = 0;
    std::string key;   // dotted, as in the file: "server.listen"
    std::string what;  // what is wrong and what is allowed
};

class TableReader {
  public:
    // `path` is the table's own key, "" for the root. Both references outlive it.
    TableReader(const toml::table& table, std::string path, std::vector<ConfigProblem>& problems)
        : table_(table), path_(std::move(path)), problems_(problems) {}

    // Each leaves `out` as it is where the key is absent or wrong.
    void text(std::string_view key, std::string& out, const std::function<std::string(const std::string&)>& check);
    void boolean(std::string_view key, bool& out);
    void duration(std::string_view key, Duration& out, Duration min, Duration max);
    void texts(std::string_view key, std::vector<std::string>& out,
               const std::function<std::string(const std::string&)>& check);
    template <class Integer>
    void integer(std::string_view key, Integer& out, std::int64_t min, std::int64_t max) {
        if (const auto value = whole(key, min, max)) out = static_cast<Integer>(*value);
    }
    // Bytes, as an integer or as text with a unit.
    std::optional<std::int64_t> size(std::string_view key, std::int64_t min, std::int64_t max);
    std::optional<std::int64_t> whole(std::string_view key, std::int64_t min, std::int64_t max);
    std::optional<std::string> one_of(std::string_view key, std::span<const std::string_view> allowed);

    // Null where it is absent or no table.
    const toml::table* table(std::string_view key);
    const toml::array* tables(std::string_view key);

    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
    [[nodiscard]] std::size_t line_of(std::string_view key) const;
    void problem(std::string_view key, std::string what);
    [[nodiscard]] const std::string& path() const { return path_; }
    // Of the file that it is read from: what relative paths in it are meant from. Empty: where we are.
    [[nodiscard]] std::filesystem::path directory() const;

    // A problem for every key that nobody asked for.
    void finish();

  private:
    const toml::node* take(std::string_view key);
    [[nodiscard]] std::string full(std::string_view key) const;

    const toml::table& table_;
    std::string path_;
    std::vector<ConfigProblem>& problems_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace slipway
