// A blocking connection to 127.0.0.1, for one question at a time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "load/answer_reader.h"
#include "load/descriptor.h"

namespace slipway::bench {

class LineClient {
  public:
    // Tries again until somebody listens, or `limit` has passed. Errors: unavailable.
    static Result<LineClient> connect(std::uint16_t port, std::chrono::nanoseconds limit);

    Status send(std::string_view bytes);
    // Up to and without "\r\n". Errors: unavailable (closed, or nothing came for 10 seconds).
    Result<std::string> line();

    struct Reply {
        int status = 0;
        std::string body;
    };
    Result<Reply> http(std::string_view method, std::string_view path, std::string_view key, std::string_view body);

  private:
    explicit LineClient(Descriptor socket) : socket_(std::move(socket)) {}
    Status receive();

    Descriptor socket_;
    std::string received_;
};

// Waits so long without using the processor.
void pause_for(std::chrono::nanoseconds time);

}  // namespace slipway::bench
