// A value that must not be printed. It has no stream operator and no formatter, is wiped when it dies,
// and is turned into text only by the word `reveal`, which is easy to search for.
#pragma once

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace slipway {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret& other);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    [[nodiscard]] const std::string& reveal() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }
    // Compares in time that depends on the lengths only.
    [[nodiscard]] bool equals(std::string_view other) const;

  private:
    void wipe();
    std::string value_;
};

}  // namespace slipway

// Formatting a Secret is a compile error, not an accident waiting in a log line.
template <>
struct fmt::formatter<slipway::Secret> {
    formatter() = delete;
};
