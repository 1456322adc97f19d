#include "command.h"

#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/spawn_parts.h"

namespace slipway::testing {
namespace {

// A file of its own for each.
std::string fresh_file(const std::string& place) {
    std::string name = place + "/output-XXXXXX";
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0) throw std::runtime_error("no file for the output");
    ::close(fd);
    return name;
}

}  // namespace

Command::Command(const std::string& program, std::vector<std::string> words,
                 const std::map<std::string, std::string>& environment, const std::string& place)
    : out_(fresh_file(place)), err_(fresh_file(place)) {
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) variables.push_back(fmt::format("{}={}", name, value));
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, out_.c_str(), O_WRONLY | O_APPEND, 0);
    ::posix_spawn_file_actions_addopen(&actions, 2, err_.c_str(), O_WRONLY | O_APPEND, 0);
    words.insert(words.begin(), program);
    const int error = ::posix_spawnp(&pid_, program.c_str(), &actions, nullptr, pointers(words).data(),
                                     pointers(variables).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error(program + " cannot be started");
}

Command::~Command() {
    if (!status_) {
        ::kill(pid_, SIGKILL);
        wait();
    }
}

void Command::signal(int number) const { ::kill(pid_, number); }

std::optional<int> Command::wait(std::chrono::milliseconds limit) {
    eventually(
        [this] {
            int status = 0;
            if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
                status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
            return status_.has_value();
        },
        limit);
    return status_;
}

std::string Command::out() const { return file_text(out_); }
std::string Command::err() const { return file_text(err_); }

bool Command::says(const std::string& text) const {
    return eventually([&] { return out().contains(text); }, std::chrono::seconds(30));
}
bool Command::complains(const std::string& text) const {
    return eventually([&] { return err().contains(text); }, std::chrono::seconds(30));
}

std::map<std::string, std::string> CliSite::environment() const {
    const std::string folder = std::filesystem::path(SLIPWAY_PROGRAM).parent_path();
    return {{"PATH", folder + ":/usr/local/bin:/usr/bin:/bin"},
            {"HOME", temp_.path()},
            {"TERM", "dumb"},
            {"SLIPWAY_URL", fmt::format("http://127.0.0.1:{}", site.port())},
            {"SLIPWAY_KEY_FILE", site.state() + "/admin.key"}};
}

std::unique_ptr<Command> CliSite::begin(std::vector<std::string> words) {
    return std::make_unique<Command>(SLIPWAY_PROGRAM, std::move(words), environment(), temp_.path());
}

int CliSite::slipway(std::vector<std::string> words) { return shell(SLIPWAY_PROGRAM, std::move(words)); }

int CliSite::shell(const std::string& program, std::vector<std::string> words, std::chrono::milliseconds limit) {
    Command command(program, std::move(words), environment(), temp_.path());
    const std::optional<int> status = command.wait(limit);
    EXPECT_TRUE(status) << program << " does not end";
    out = command.out();
    err = command.err();
    return status.value_or(-1);
}

}  // namespace slipway::testing
