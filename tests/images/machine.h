// A virtual machine of an image, and what can be done to it from outside.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "images/image.h"

namespace slipway::testing {

// Runs a program to its end: its status (-1: it did not end by itself) and what it said.
struct Said {
    int status = -1;
    std::string out;
    std::string err;
};
Said run_to_end(std::vector<std::string> words, std::vector<std::string> environment = {},
                std::chrono::seconds limit = std::chrono::seconds(60));

// Asks until it is so, or the limit has passed.
bool eventually(const std::function<bool()>& so, std::chrono::seconds limit = std::chrono::seconds(90));

class Machine {
  public:
    // Its disk, of 256 MiB, rests on the image's and lies in `place`, which is its own.
    Machine(images::Image image, std::filesystem::path place);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // With a volume of these files beside the disk; without any where there are none.
    void start(const std::vector<std::pair<std::string, std::string>>& volume = {});
    void kill();
    // As its power button does; false: it is not off in time.
    bool press_power_button();
    [[nodiscard]] bool console_says(const std::string& text) const;
    [[nodiscard]] std::string console() const;  // of the present start
    // A command over SSH with a password; the host key that it showed is kept in known_hosts().
    [[nodiscard]] Said ssh(const std::string& login, const std::string& password, const std::string& command) const;
    [[nodiscard]] std::string known_hosts() const;

  private:
    [[nodiscard]] bool ended();

    images::Image image_;
    std::filesystem::path place_;
    std::uint16_t port_ = 0;
    pid_t pid_ = 0;
};

}  // namespace slipway::testing
