// What a program prints, as lines that may be kept and shown.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace slipway {

// Cuts pieces, which begin and end anywhere, into lines. Of a line that is longer than `most` bytes the rest is
// dropped.
class OutputLines {
  public:
    using Take = std::function<void(std::string_view line)>;  // without its end
    explicit OutputLines(Take take, std::size_t most = 64UL * 1024) : take_(std::move(take)), most_(most) {}
    void feed(std::string_view piece);
    // What is left without an end is a line as well.
    void finish();

  private:
    void add(std::string_view text);

    Take take_;
    std::size_t most_;
    std::string line_;
};

// Without control characters and the sequences by which terminals are told colours; what is no UTF-8 is replaced.
std::string plain_line(std::string_view line);

// At most so many bytes, cut between characters; what was cut off is said.
std::string shortened(std::string text, std::size_t most);

}  // namespace slipway
