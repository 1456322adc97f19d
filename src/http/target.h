// The request target: path segments and query parameters, decoded and checked. Pure, so that it can be fuzzed.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace slipway::http {

// Movable; views stay valid when it is moved. Its storage is reused by the next parse.
class Target {
  public:
    using Parameter = std::pair<std::string_view, std::string_view>;

    Target() = default;
    Target(Target&&) = default;
    Target& operator=(Target&&) = default;

    // Takes the origin form ("/a/b?c=d"), the absolute form ("http://host/a") and "*". ErrorCode::malformed on
    // anything else, on "." and ".." segments (encoded or not), an encoded slash, NUL or other control
    // characters, a wrong percent-encoding, a '#', bytes that are not UTF-8. The message never quotes the target.
    // After a failure the content is unspecified.
    Status parse(std::string_view raw);

    [[nodiscard]] const std::vector<std::string_view>& segments() const { return segments_; }
    [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
    [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
    // "/a/" has the segments {"a"} and this set. "/" has none and this unset.
    [[nodiscard]] bool trailing_slash() const { return trailing_slash_; }
    [[nodiscard]] bool asterisk() const { return asterisk_; }

  private:
    Status parse_path(std::string_view path);
    Status parse_query(std::string_view query);
    Result<std::string_view> decode(std::string_view raw, bool in_query);

    std::vector<char> text_;  // decoded characters; everything below points into it
    std::size_t used_ = 0;
    std::vector<std::string_view> segments_;
    std::vector<Parameter> parameters_;
    bool trailing_slash_ = false;
    bool asterisk_ = false;
};

}  // namespace slipway::http
