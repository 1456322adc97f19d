// Query parameters with types. Every wrong and every unknown one is collected, so that a misspelt filter is an
// error and not a listing of everything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "broker/broker.h"
#include "http/message.h"

namespace slipway::faces {

class QueryReader {
  public:
    // The request must outlive it.
    explicit QueryReader(const http::Request& request) : request_(request) {}

    // Absent: nullopt. After a problem the answer is nullopt too: look at finish().
    std::optional<std::string> text(std::string_view name, std::size_t max_length = 255);
    // One that may be given several times, each with 1 to max_length bytes; at most 32 of them.
    std::vector<std::string> texts(std::string_view name, std::size_t max_length = 255);
    std::optional<bool> boolean(std::string_view name);  // "true" or "false"
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
    std::optional<std::string> one_of(std::string_view name, std::span<const std::string_view> allowed);
    // All parameters `prefix`NAME=VALUE, e.g. "label.team=web".
    std::vector<std::pair<std::string, std::string>> prefixed(std::string_view prefix);
    // ?after=CURSOR&limit=1..1000
    PageRequest page();

    // What the caller finds wrong himself.
    void problem(std::string_view name, std::string what) {
        problems_.push_back({std::string(name), std::move(what)});
    }

    // ErrorCode::invalid_argument that names every problem, and every parameter that nobody asked for.
    Status finish();

  private:
    std::optional<std::string_view> take(std::string_view name);

    const http::Request& request_;
    std::set<std::string, std::less<>> known_;
    std::vector<std::string> prefixes_;
    std::vector<FieldProblem> problems_;
};

// What a list is answered with: {`name`: items, "next": the cursor of the next page, or null}
json::object page_json(std::string_view name, json::array items, const std::string& next);

}  // namespace slipway::faces
