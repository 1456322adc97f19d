#include "http/head_scanner.h"

namespace slipway::http {
namespace {

bool letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

HeadScanner::State HeadScanner::bad(std::string_view why) {
    why_ = why;
    return State::bad;
}

HeadScanner::State HeadScanner::scan(std::string_view bytes, const HeadLimits& limits) {
    for (;;) {
        const std::size_t end = bytes.find('\n', position_);
        if (end == std::string_view::npos) break;
        if (end == line_start_ || bytes[end - 1] != '\r') return bad("lines must end with CR LF");
        const std::string_view text = bytes.substr(line_start_, end - 1 - line_start_);
        position_ = line_start_ = end + 1;
        if (text.empty() && lines_ == 0) {
            skipped_ = line_start_;
            if (skipped_ > 4) return bad("a request line is expected");
            continue;
        }
        if (text.empty()) {
            return line_start_ - skipped_ > limits.head_bytes ? State::too_large : State::complete;
        }
        if (const State state = line(text, limits); state != State::incomplete) return state;
    }
    position_ = bytes.size();
    const std::size_t size = bytes.size() - skipped_;
    // A TLS or other binary client would otherwise wait for the header timeout.
    if (lines_ == 0 && size > 0 && !letter(bytes[skipped_]) && bytes[skipped_] != '\r') {
        return bad("a request line is expected");
    }
    // What may be the CR of the line's end does not count, as it does not in a line that came whole.
    const std::size_t line_size = size - (bytes.ends_with('\r') ? 1 : 0);
    if (lines_ == 0 && size > 0 && line_size > limits.line_bytes) return State::line_too_long;
    if (size > limits.head_bytes) return State::too_large;
    return State::incomplete;
}

HeadScanner::State HeadScanner::line(std::string_view text, const HeadLimits& limits) {
    if (text.find('\r') != std::string_view::npos) return bad("a lone CR is not allowed");
    if (text.find('\0') != std::string_view::npos) return bad("NUL is not allowed");
    if (text.front() == ' ' || text.front() == '\t') return bad("folded header lines are not allowed");
    if (lines_ == 0 && !letter(text.front())) return bad("a request line is expected");
    if (lines_ == 0 && text.size() > limits.line_bytes) return State::line_too_long;
    if (++lines_ > limits.fields + 1) return State::too_large;
    return State::incomplete;
}

}  // namespace slipway::http
