// The programs of the system that images are made with: found, run to their end, and explained where they fail.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/child.h"
#include "base/result.h"

namespace slipway::images {

// A sentence without an end, e.g. "unpacking the kernel".
using Progress = std::function<void(std::string_view sentence)>;

struct Run {
    std::vector<std::string> words;  // the first is the program's name, or its path
    std::chrono::seconds limit = std::chrono::minutes(2);
    std::filesystem::path directory = {};       // where it works
    std::vector<std::string> environment = {};  // NAME=VALUE, besides what all of them get
};

struct Said {
    std::string output;      // the last MiB of it
    std::string complaints;  // the last of its standard error
};

class Programs {
  public:
    // `stop` outlives it. `environment`: NAME=VALUE that every program gets besides PATH and the language, e.g. the
    // proxies of the user.
    explicit Programs(const StopSign& stop, std::vector<std::string> environment = {});

    // Whether all of them are there. ErrorCode::unavailable names every missing one and the packages that bring
    // them.
    [[nodiscard]] Status have(std::initializer_list<std::string_view> names) const;

    // Errors: unavailable (there is no such program), cancelled, timeout, provider_failure (it failed: the message
    // ends with the last lines of what it said).
    [[nodiscard]] Result<Said> run(const Run& what) const;

    [[nodiscard]] bool stopped() const { return stop_.raised(); }
    [[nodiscard]] const StopSign& stop() const { return stop_; }

  private:
    const StopSign& stop_;
    std::vector<std::string> environment_;
};

}  // namespace slipway::images
