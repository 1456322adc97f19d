// Finds the end of a request's head in bytes that arrive piece by piece, and refuses at once what no honest
// client sends: shapes that two programs on the way could read differently. Internal to this folder.
#pragma once

#include <cstddef>
#include <string_view>

namespace slipway::http {

struct HeadLimits {
    std::size_t head_bytes = 16UL * 1024;  // request line, fields and the empty line
    std::size_t line_bytes = 8UL * 1024;   // request line
    std::size_t fields = 100;
};

class HeadScanner {
  public:
    enum class State { incomplete, complete, bad, line_too_long, too_large };

    // `bytes` begins where the request begins and only grows from call to call.
    State scan(std::string_view bytes, const HeadLimits& limits);

    // After `complete`: empty lines before the request line (RFC 9112 2.2 wants them ignored), then the head.
    [[nodiscard]] std::size_t skipped() const { return skipped_; }
    [[nodiscard]] std::size_t size() const { return line_start_ - skipped_; }
    // What was wrong, after `bad`.
    [[nodiscard]] std::string_view why() const { return why_; }

    void reset() { *this = HeadScanner(); }

  private:
    State line(std::string_view text, const HeadLimits& limits);
    State bad(std::string_view why);

    std::size_t position_ = 0;    // scanned so far
    std::size_t line_start_ = 0;  // of the line being scanned
    std::size_t skipped_ = 0;
    std::size_t lines_ = 0;
    std::string_view why_;
};

}  // namespace slipway::http
