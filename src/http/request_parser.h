// The HTTP/1.1 grammar: Boost.Beast's parser behind a small face, with the gaps closed that it leaves (equal
// Content-Lengths twice, transfer codings that do not end the message, Host). Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace slipway::http {

struct Refusal {
    int status = 400;
    std::string reason;  // public
};

class RequestParser {
  public:
    RequestParser();
    ~RequestParser();
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;

    // `head` is a whole head. Fills method, target and headers. After a refusal nothing is known about where the
    // next request begins: the connection must be closed.
    std::optional<Refusal> parse_head(std::string_view head, Request& into);

    // After a good head.
    [[nodiscard]] bool has_body() const;  // a body is announced and not yet read to its end
    [[nodiscard]] bool chunked() const;
    [[nodiscard]] std::optional<std::uint64_t> content_length() const;
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] bool version_1_1() const;
    // Also after a refusal, as far as it got; nullopt before any head.
    [[nodiscard]] std::optional<Method> method() const;

    enum class BodyState { more, complete, too_large, bad };
    struct Fed {
        std::size_t used = 0;  // bytes taken from the front of the input
        BodyState state = BodyState::more;
    };
    void forget();  // as before any head
    void limit_body(std::uint64_t bytes);
    // Appends to `body`, or drops the bytes where that is null.
    Fed feed(std::string_view input, std::string* body);

  private:
    class Beast;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace slipway::http
