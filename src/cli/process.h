// The real world of the command line: this process's terminal, signals and connections.
#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/environment.h"

namespace slipway::cli {

// While it lives SIGINT does not end the process but is seen here; once it was seen, another one ends it. Make it
// while there is one thread.
class Interrupts {
  public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    bool seen();
    // Waits for input on the descriptor; false: interrupted, or the limit has passed.
    bool wait(int fd, std::optional<Duration> limit);
    // Readable once there is one.
    [[nodiscard]] int descriptor() const { return fd_; }
    // What the process had before: for the program that it becomes.
    void give_back();

  private:
    int fd_ = -1;
    sigset_t former_{};
    bool seen_ = false;
};

// One request; ErrorCode::cancelled where it was interrupted. `tick` is called about once a second.
Result<net::HttpAnswer> call_until_interrupted(Interrupts& interrupts, const net::Origin& origin,
                                               net::HttpCall call, const std::function<void()>& tick, int reader);
void pause_until_interrupted(Interrupts& interrupts, Duration delay, const std::function<void()>& tick);

// Does the work on a thread of its own, and shows here what it says. Where it is interrupted the work is told to
// end, and waited for all the same.
void work_until_interrupted(Interrupts& interrupts, const std::function<void(const LongWork&)>& work,
                            const std::function<void(const std::string&)>& show, const std::function<void()>& tick);

// Of a standard stream: how wide it is, and whether it wants colours (not with NO_COLOR or TERM=dumb).
Terminal terminal_of(int fd, const Environment& environment);

// Asks on standard error and reads standard input; nullopt where either is no terminal, or nobody answers.
std::optional<bool> ask_the_user(Interrupts& interrupts, std::ostream& err, std::string_view question);

// The same for a secret, which is not shown while it is typed; an empty one is an answer.
std::optional<Secret> ask_for_a_secret(Interrupts& interrupts, std::ostream& err, std::string_view prompt);

// Standard input to its end; nullopt: it cannot be read, was interrupted, or is longer than that.
std::optional<std::string> read_standard_input(Interrupts& interrupts, std::size_t most);

// Becomes the program that the first of these words names, found in PATH. Answers only where that fails, and why.
std::string become_program(Interrupts& interrupts, const std::vector<std::string>& words);

}  // namespace slipway::cli
