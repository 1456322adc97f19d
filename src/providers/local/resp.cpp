#include "providers/local/resp.h"

#include <charconv>

namespace slipway::local {
namespace {

constexpr std::size_t kMaxReply = 64 * 1024;

Secret encode(const std::vector<Command>& commands) {
    std::string wire;
    std::size_t size = 0;
    for (const Command& each : commands) {
        for (const Secret& word : each) size += word.reveal().size() + 32;
    }
    // One allocation: growing would leave copies of secrets behind.
    wire.reserve(size + commands.size() * 16);
    for (const Command& each : commands) {
        wire += fmt::format("*{}\r\n", each.size());
        for (const Secret& word : each) {
            wire += fmt::format("${}\r\n", word.reveal().size());
            wire += word.reveal();
            wire += "\r\n";
        }
    }
    return Secret(std::move(wire));
}

// Takes replies out of what has come in so far.
class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}
    // Empty where the reply is not whole yet.
    std::optional<std::string> next(int depth = 0) {
        const std::size_t end = text_.find("\r\n", at_);
        if (end == std::string_view::npos || end == at_ || depth > 2) return std::nullopt;
        const std::string_view line = text_.substr(at_, end - at_);
        at_ = end + 2;
        if (line.front() != '$' && line.front() != '*') return std::string(line);
        std::int64_t count = 0;
        std::from_chars(line.data() + 1, line.data() + line.size(), count);
        if (count < 0) return std::string(1, line.front());
        return line.front() == '$' ? bulk(static_cast<std::size_t>(count)) : array(count, depth);
    }

  private:
    std::optional<std::string> bulk(std::size_t size) {
        if (size > kMaxReply || text_.size() < at_ + size + 2) return std::nullopt;
        std::string text = "$" + std::string(text_.substr(at_, size));
        at_ += size + 2;
        return text;
    }
    std::optional<std::string> array(std::int64_t count, int depth) {
        std::string text = "*";
        for (std::int64_t i = 0; i < count; ++i) {
            const std::optional<std::string> element = next(depth + 1);
            if (!element) return std::nullopt;
            text += "\n" + element->substr(element->front() == '$' ? 1 : 0);
        }
        return text;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> replies_in(std::string_view text, std::size_t wanted) {
    std::vector<std::string> replies;
    Parser parser(text);
    while (replies.size() < wanted) {
        std::optional<std::string> reply = parser.next();
        if (!reply) break;
        replies.push_back(std::move(*reply));
    }
    return replies;
}

Command command(std::initializer_list<std::string_view> words) {
    Command made;
    for (const std::string_view word : words) made.emplace_back(std::string(word));
    return made;
}

Task<std::expected<std::vector<std::string>, NoReply>> exchange(std::string address, std::uint16_t port,
                                                                std::vector<Command> commands, Deadline deadline) {
    auto dialog = co_await Dialog::open(std::move(address), port, deadline);
    if (!dialog) co_return std::unexpected(dialog.error());
    const Secret wire = encode(commands);
    std::string received;
    std::vector<std::string> replies;
    bool open = co_await dialog->send(wire.reveal());
    while (open && replies.size() < commands.size() && received.size() < kMaxReply * 2) {
        open = co_await dialog->receive(received);
        replies = replies_in(received, commands.size());
    }
    // An engine that is full says so in one line and closes: that line is an answer, too.
    if (replies.empty()) co_return std::unexpected(NoReply::silent);
    replies.resize(commands.size(), replies.back());
    co_return replies;
}

}  // namespace slipway::local
