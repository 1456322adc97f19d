// For tests only: a root directory whose processes are stopped and whose files are removed whatever happens, a test
// program that is its own helper, and waits that have a limit.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/process.h"
#include "base/start_test_support.h"
#include "base/task.h"
#include "base/temporary_directory_test_support.h"

namespace slipway::testing {

// True once `condition` holds; false after the limit.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        ::poll(nullptr, 0, 1);
    }
    return true;
}

inline std::string file_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// Every live process, other than this one, that has a file below `directory` open. Told by /proc alone, not by the
// code under test.
inline std::vector<agent::Process> processes_below(const std::string& directory) {
    namespace fs = std::filesystem;
    std::vector<agent::Process> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const pid_t pid = std::stoi(name);
        if (pid == ::getpid()) continue;
        for (const fs::directory_entry& fd : fs::directory_iterator(entry.path() / "fd", error)) {
            std::error_code unreadable;
            if (!fs::read_symlink(fd.path(), unreadable).string().starts_with(directory + "/")) continue;
            const std::optional<agent::ProcessStat> stat = agent::read_stat(pid);
            if (stat && stat->state != 'Z') found.push_back({pid, stat->start_time});
            break;
        }
    }
    return found;
}

inline void kill_process(const agent::Process& process) {
    const UniqueFd pidfd = agent::open_pidfd(process);
    if (!pidfd) return;
    agent::send_signal(pidfd, SIGKILL);
    agent::wait_exit(pidfd, 5000);
}

class TempRoot {
  public:
    TempRoot() { ::chmod(path_.c_str(), 0755); }
    TempRoot(const TempRoot&) = delete;
    TempRoot& operator=(const TempRoot&) = delete;
    ~TempRoot() {
        for (const agent::Process& each : processes_below(path_)) kill_process(each);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    // The helper's own root, in a directory that everybody can enter.
    [[nodiscard]] std::string root() const { return path_ + "/root"; }

  private:
    TemporaryDirectory directory_;
    std::string path_ = directory_.path();
};

// Runs one coroutine to its end on `io`; fails the test after the limit.
template <class T>
T run(boost::asio::io_context& io, Task<T> task, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
    std::optional<T> result;
    start(io, into(result, std::move(task)));
    io.restart();
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!result) {
        if (std::chrono::steady_clock::now() > end) throw std::runtime_error("a coroutine did not end in time");
        if (io.run_one_for(std::chrono::milliseconds(100)) == 0) io.restart();
    }
    return std::move(*result);
}

// The test program is its own helper: `program agent [--die-at CHECKPOINT] --fd …`.
inline int main_with_agent(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "agent") {
        if (argc > 3 && std::string_view(argv[2]) == "--die-at") {
            const std::string point = argv[3];
            std::vector<char*> words{argv[0], argv[1]};
            words.insert(words.end(), argv + 4, argv + argc);
            return agent::run(static_cast<int>(words.size()), words.data(), [point](std::string_view at) {
                if (at == point) ::raise(SIGKILL);
            });
        }
        return agent::run(argc, argv);
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

}  // namespace slipway::testing
