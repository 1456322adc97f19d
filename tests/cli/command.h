// A command as a user gives it: the built program, or a shell that runs it, with its output in files.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "program.h"

namespace slipway::testing {

class Command {
  public:
    // `environment` is all that it gets; `place` is a directory for its output.
    Command(const std::string& program, std::vector<std::string> words,
            const std::map<std::string, std::string>& environment, const std::string& place);
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    void signal(int number) const;
    // Its exit status, or 128 + the signal; nullopt where it lives on after the limit.
    std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(30));
    // What it has said so far.
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;
    // Whether it comes to say that.
    [[nodiscard]] bool says(const std::string& text) const;
    [[nodiscard]] bool complains(const std::string& text) const;
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    std::string out_;
    std::string err_;
    pid_t pid_ = 0;
    std::optional<int> status_;
};

// A server with real engines, and whoever asks it from the command line.
class CliSite : public ::testing::Test {
  protected:
    Site site;

    [[nodiscard]] std::map<std::string, std::string> environment() const;
    // Runs `slipway WORDS` to its end; its output is in `out` and `err` then.
    int slipway(std::vector<std::string> words);
    std::unique_ptr<Command> begin(std::vector<std::string> words);
    // Runs a script in a shell to its end, as `slipway` does; the program is in its PATH.
    int shell(const std::string& program, std::vector<std::string> words,
              std::chrono::milliseconds limit = std::chrono::seconds(30));

    std::string out;
    std::string err;

  private:
    TempRoot temp_;
};

}  // namespace slipway::testing
