// The command line of `serve` and its environment, one word a line; "$NAME=VALUE" is a variable. After a line "%%"
// comes the file that --config names. What is accepted can be run; no error repeats the URL of a database.
#include "main/settings.h"

#include <map>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/config_check.h"
#include "fuzz/fuzz.h"
#include "main/units.h"

namespace slipway::fuzz {
namespace {

// In memory, and overwritten by the next input.
class File {
  public:
    File() : fd_(::memfd_create("config", MFD_CLOEXEC)) { check(fd_ >= 0, "there is a file in memory"); }
    [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }
    void write(std::string_view text) const {
        const bool written =
            ::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, text.data(), text.size(), 0) == std::ssize(text);
        check(written, "the file is written");
    }

  private:
    int fd_;
};

struct Run {
    std::vector<std::string> words;
    std::map<std::string, std::string, std::less<>> variables;
};

// No file of this machine is opened, whatever the words say.
Run run_of(std::string_view text, const std::string& config) {
    Run run;
    for (const std::string_view line : split(text, "\n", 200)) {
        if (line.starts_with('$')) {
            const auto parts = split(line.substr(1), "=", 2);
            if (parts.size() == 2) run.variables.emplace(parts[0], parts[1]);
            continue;
        }
        const bool after = !run.words.empty() && run.words.back() == "--config";
        if (after) run.words.push_back(config);
        if (line.starts_with("--config=")) {
            run.words.push_back("--config=" + config);
        } else if (!after) {
            run.words.emplace_back(line);
        }
    }
    if (!run.words.empty() && run.words.back() == "--config") run.words.push_back(config);
    return run;
}

// Whether the word stands where the URL of a database does, and nowhere else.
bool planted(const Run& run) {
    bool url = false;
    for (std::size_t i = 0; i < run.words.size(); ++i) {
        if (!run.words[i].contains(kCanary)) continue;
        const bool value = i > 0 && run.words[i - 1] == "--database-url";
        if (!value && !run.words[i].starts_with("--database-url=")) return false;
        url = true;
    }
    for (const auto& [name, value] : run.variables) {
        if (name != "BROKERDB" && value.contains(kCanary)) return false;
        url = url || value.contains(kCanary);
    }
    return url;
}

void check_settings(const Settings& settings) {
    check_config(settings.config);
    check(!settings.state_dir.empty(), "there is a place for the state");
    check(!settings.config.server.listen.empty(), "something is listened on");
    for (const std::string& each : settings.config.server.listen) {
        const auto at = parse_host_port(each);
        check(at.has_value(), "a listener is an address", each);
        check(at->port < settings.config.local.port_first || at->port > settings.config.local.port_last,
              "no listener is where instances are", each);
    }
}

}  // namespace

void settings(std::string_view input) {
    static const File file;
    const auto parts = split(input, "\n%%\n", 2);
    file.write(parts.size() > 1 ? parts[1] : "");
    const Run run = run_of(parts[0], file.path());
    const auto read = read_settings(run.words, [&](const char* name) -> std::optional<std::string> {
        const auto found = run.variables.find(std::string_view(name));
        return found == run.variables.end() ? std::nullopt : std::optional(found->second);
    });
    if (read) return check_settings(*read);
    const Error& error = read.error();
    check(error.code == ErrorCode::cancelled || error.code == ErrorCode::invalid_argument,
          "the error is the user's");
    check(!error.message.empty(), "it says something");
    check(error.code == ErrorCode::cancelled || !error.problems.empty(), "it says what is wrong");
    for (const FieldProblem& problem : error.problems) {
        check(!problem.field.empty() && !problem.problem.empty(), "a problem says where and what");
        check(!planted(run) || !problem.problem.contains(kCanary), "no error repeats the URL of a database",
              problem.problem);
    }
}

}  // namespace slipway::fuzz
