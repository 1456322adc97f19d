#include "http/input_buffer.h"

#include <algorithm>
#include <cstring>

namespace slipway::http {

std::span<char> InputBuffer::prepare(std::size_t least) {
    if (bytes_.size() - end_ < least && begin_ > 0) {
        std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (bytes_.size() - end_ < least) bytes_.resize(end_ + least);
    return std::span(bytes_).subspan(end_);
}

void InputBuffer::consume(std::size_t count) {
    begin_ += std::min(count, end_ - begin_);
    if (begin_ == end_) begin_ = end_ = 0;
}

void InputBuffer::shrink() {
    constexpr std::size_t kKeep = 16UL * 1024;
    if (empty() && bytes_.size() > kKeep) std::vector<char>().swap(bytes_);
}

}  // namespace slipway::http
