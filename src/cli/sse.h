// Server-sent events, taken out of a stream that comes in pieces of any size.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace slipway::cli {

struct SentEvent {
    std::string id;    // of this one, or of the last that had one
    std::string type;  // "" where the stream names none
    std::string data;  // lines joined with line feeds
};

class SseReader {
  public:
    // False from `take` ends the reading: what is left of the piece is not looked at.
    explicit SseReader(std::function<bool(const SentEvent&)> take) : take_(std::move(take)) {}
    // False: `take` wanted no more, or an event is longer than anything we send.
    bool feed(std::string_view piece);
    [[nodiscard]] bool too_long() const { return too_long_; }

    static constexpr std::size_t kMaxEvent = 4UL * 1024 * 1024;  // bytes

  private:
    bool line(std::string_view text);

    std::function<bool(const SentEvent&)> take_;
    std::string rest_;  // of a line that has not ended yet
    bool after_return_ = false;
    SentEvent event_;
    bool has_data_ = false;
    bool too_long_ = false;
};

}  // namespace slipway::cli
