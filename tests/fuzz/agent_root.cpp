#include "fuzz/agent_root.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

namespace fs = std::filesystem;

class Scratch {
  public:
    Scratch() {
        const char* given = ::getenv("TMPDIR");
        const std::string parent = given != nullptr && *given != '\0' ? given
                                   : fs::exists("/dev/shm")           ? "/dev/shm"
                                                                      : "/tmp";
        path_ = parent + "/slipway-fuzz-XXXXXX";
        check(::mkdtemp(path_.data()) != nullptr, "there is room for a directory", parent);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

agent::Handler make_handler(const std::string& root) {
    // Never with isolation: nothing is given to other uids, and no program is there that could be started.
    const agent::Rights rights{false, ::geteuid(), 0, 0};
    agent::Answer<agent::Instances> instances = agent::Instances::open(root, rights, 0, [](std::string_view) {});
    check(instances.has_value(), "the root can be used", instances ? "" : instances.error().message);
    return {std::move(*instances),
            {{"redis-server", ""}, {"postgres", ""}, {"mariadbd", ""}},
            {},
            [](std::string_view) {}};
}

}  // namespace

const std::string& scratch_directory() {
    static const Scratch scratch;
    return scratch.path();
}

const std::string& around_roots() {
    static const std::string path = [] {
        std::string made = scratch_directory() + "/helper";
        fs::create_directory(made);
        return made;
    }();
    return path;
}

AgentRoot::AgentRoot() : path_(around_roots() + "/root"), handler_(make_handler(path_)) {}

AgentRoot::~AgentRoot() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string AgentRoot::everything() const {
    std::set<std::string> lines;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(around_roots())) {
        struct stat seen{};
        ::lstat(entry.path().c_str(), &seen);
        std::string line = fmt::format("{} {:o} ", entry.path().string(), seen.st_mode);
        if (S_ISREG(seen.st_mode)) {
            std::ifstream in(entry.path(), std::ios::binary);
            line.append(std::istreambuf_iterator<char>(in), {});
        }
        lines.insert(std::move(line));
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
}

json::object checked_answer(const std::string& answer) {
    check(answer.size() <= agent::kMaxMessage, "an answer fits into a message");
    auto parsed = json::parse(answer);
    check(parsed && parsed->is_object(), "an answer can be read by the broker", answer);
    const json::value* error = parsed->get_object().if_contains("error");
    if (error != nullptr) {
        check(error->is_object() && agent::parse_failure_code(json::get_string(error->get_object(), "code")) &&
                  !json::get_string(error->get_object(), "message").empty(),
              "a refusal says which and why", answer);
    }
    return std::move(parsed->get_object());
}

}  // namespace slipway::fuzz
