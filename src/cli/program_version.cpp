#include "cli/program_version.h"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxLine = 1024;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

// Everything up to a line break, the end of the output or the deadline.
std::string read_line(int fd, std::chrono::steady_clock::time_point end) {
    std::string text;
    while (text.size() < kMaxLine && text.find('\n') == std::string::npos) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        pollfd entry{fd, POLLIN, 0};
        if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) <= 0) break;
        std::array<char, 256> bytes{};
        const ssize_t got = ::read(fd, bytes.data(), bytes.size());
        if (got <= 0) break;
        text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text.substr(0, text.find('\n'));
}

}  // namespace

std::string find_program(const std::string& name, const std::string& search_path) {
    std::size_t begin = 0;
    while (begin <= search_path.size()) {
        const std::size_t end = std::min(search_path.find(':', begin), search_path.size());
        const std::filesystem::path candidate =
            std::filesystem::path(search_path.substr(begin, end - begin)) / name;
        if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) return candidate.string();
        begin = end + 1;
    }
    return {};
}

std::optional<std::string> version_line(const std::string& program, Duration limit) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
    Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string path = program;
    std::string option = "--version";
    const std::array<char*, 3> arguments{path.data(), option.data(), nullptr};
    const std::array<char*, 1> nothing{nullptr};
    pid_t child = 0;
    const int failed = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), nothing.data());
    ::posix_spawn_file_actions_destroy(&actions);
    writing.close();
    if (failed != 0) return std::nullopt;
    std::string line = read_line(reading.get(), std::chrono::steady_clock::now() + limit);
    // It has said what we wanted, or it never will.
    ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (line.empty()) return std::nullopt;
    return line;
}

}  // namespace slipway::cli
