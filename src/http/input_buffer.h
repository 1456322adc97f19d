// Bytes received and not yet used, in one piece. Internal to this folder.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace slipway::http {

class InputBuffer {
  public:
    [[nodiscard]] std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const { return begin_ == end_; }

    // Room for at least `least` more bytes. Moves what is there: views die.
    std::span<char> prepare(std::size_t least);
    void commit(std::size_t count) { end_ += count; }
    void consume(std::size_t count);
    // Gives memory back after a large message, while nothing is held.
    void shrink();

  private:
    std::vector<char> bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace slipway::http
