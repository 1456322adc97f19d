// A program that is run to its end: started with an argument vector and an environment of its own, fed and read
// through pipes, so that it ends when whoever started it does.
//
// Blocks: for threads of their own, never for an executor.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace slipway {

struct Invocation {
    std::vector<std::string> words;        // the first is the program's path
    std::vector<std::string> environment;  // NAME=VALUE; all that it gets, with the password's
    std::string password_name;             // the variable that holds the password
    Secret password;
    std::filesystem::path directory = {};  // where it works; empty: where we do
};

struct Streams {
    // The next piece of its standard input, valid until the next call; empty: the end. None: it has no input.
    std::function<std::string_view()> feed = {};
    // A piece of its standard output; false: enough, it is ended. None: what it says is dropped.
    std::function<bool(std::string_view)> take = {};
    // A piece of its standard error, besides what is kept of it. None: nobody listens.
    std::function<void(std::string_view)> hear = {};
};

struct Ended {
    enum class How : std::uint8_t {
        exited,       // with `status`
        not_started,  // `why` says why
        refused,      // `take` wanted no more of it
        stopped,      // from outside
        late,         // it did not end in time
    };
    How how = How::exited;
    int status = -1;         // of an exit; -1: a signal ended it
    std::string complaints;  // the last of its standard error, bounded
    std::string why;
    [[nodiscard]] bool well() const { return how == How::exited && status == 0; }
};

// Told from another thread to end what runs.
class StopSign {
  public:
    StopSign();
    ~StopSign();
    StopSign(const StopSign&) = delete;
    StopSign& operator=(const StopSign&) = delete;
    void raise();
    [[nodiscard]] bool raised() const { return raised_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }  // readable once it is raised

  private:
    std::atomic<bool> raised_ = false;
    int descriptor_ = -1;
};

// Whatever ends it takes the children of its own session along.
Ended run_program(const Invocation& what, const Streams& streams, const StopSign& stop,
                  std::chrono::steady_clock::time_point until);

}  // namespace slipway
