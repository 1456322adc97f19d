// The built program on a terminal of its own.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace slipway::testing {

class Typed {
  public:
    Typed(std::vector<std::string> words, const std::map<std::string, std::string>& environment,
          unsigned short width) {
        words.insert(words.begin(), "slipway");
        std::vector<std::string> variables;
        for (const auto& [name, value] : environment) variables.push_back(fmt::format("{}={}", name, value));
        const auto pointers = [](std::vector<std::string>& texts) {
            std::vector<char*> all;
            for (std::string& text : texts) all.push_back(text.data());
            all.push_back(nullptr);
            return all;
        };
        const auto arguments = pointers(words);
        const auto variable_list = pointers(variables);
        const winsize size{.ws_row = 24, .ws_col = width, .ws_xpixel = 0, .ws_ypixel = 0};
        pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
        if (pid_ == 0) {
            ::execve(SLIPWAY_PROGRAM, arguments.data(), variable_list.data());
            ::_exit(127);
        }
    }
    ~Typed() {
        if (!status_) ::kill(pid_, SIGKILL);
        end();
        ::close(terminal_);
    }
    Typed(const Typed&) = delete;
    Typed& operator=(const Typed&) = delete;

    // Reads on until the text was shown; false at the end or after the limit.
    bool shows(const std::string& text) {
        while (!shown_.contains(text)) {
            if (!read()) return shown_.contains(text);
        }
        return true;
    }
    void type(const std::string& text) const {
        EXPECT_EQ(::write(terminal_, text.data(), text.size()), std::ssize(text));
    }
    // To its end; its exit status.
    int end() {
        while (read()) {
        }
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, 0) == pid_) {
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        return status_.value_or(-1);
    }
    void signal(int number) const { EXPECT_EQ(::kill(pid_, number), 0); }
    [[nodiscard]] const std::string& shown() const { return shown_; }
    // How the terminal is set now.
    [[nodiscard]] termios modes() const {
        termios modes{};
        EXPECT_EQ(::tcgetattr(terminal_, &modes), 0);
        return modes;
    }

  private:
    bool read() {
        pollfd waited{terminal_, POLLIN, 0};
        if (::poll(&waited, 1, 30'000) <= 0) return false;
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(terminal_, buffer.data(), buffer.size());
        if (got <= 0) return false;
        shown_.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }

    int terminal_ = -1;
    pid_t pid_ = -1;
    std::optional<int> status_;
    std::string shown_;
};

}  // namespace slipway::testing
