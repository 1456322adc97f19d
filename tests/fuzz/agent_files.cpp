// What the helper finds in an instance's directory, which engines can write to. Four parts, separated by lines
// "%%": the lock ($ME: this process as a lock names it), meta.json, the log, and the mark of a removed instance.
// Whatever stands in them, answers can be read and say nothing of a process that is not the lock's.
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/process.h"
#include "fuzz/agent_root.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

using agent::FailureCode;

agent::Process me() {
    const auto stat = agent::read_stat(::getpid());
    check(stat.has_value(), "this process lives");
    return {::getpid(), stat->start_time};
}

void write(const std::string& path, std::string_view content) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0 && ::write(fd, content.data(), content.size()) == std::ssize(content), "a file is written", path);
    ::close(fd);
}

void check_status(const agent::InstanceStatus& status, bool held, const agent::Process& mine) {
    check(status.exists && status.name == "one", "the instance is there");
    check(status.held == held, "its lock is told of as it is");
    check(status.damage.empty() == agent::identity_of(status.meta).has_value(),
          "it is damaged or says whose it is");
    check(!status.process || (held && *status.process == mine), "no other process is named");
    const auto again = agent::status_from_json(agent::to_json(status));
    check(again.name == status.name && again.exists == status.exists && again.damage == status.damage &&
              again.meta == status.meta && again.held == status.held && again.process == status.process &&
              again.tag == status.tag,
          "a status arrives as it was sent");
}

std::string refusal(const json::object& answer) {
    const json::value* error = answer.if_contains("error");
    return error == nullptr ? "" : json::get_string(error->get_object(), "code");
}

void ask(AgentRoot& root, bool held, const agent::Process& mine) {
    const auto status = checked_answer(root.handler().handle(R"({"id":1,"verb":"status","name":"one"})"));
    check_status(agent::status_from_json(status), held, mine);
    const auto list = checked_answer(root.handler().handle(R"({"id":2,"verb":"list","after":""})"));
    check(list.at("instances").as_array().size() == 1, "it is listed");
    check_status(agent::status_from_json(list.at("instances").as_array()[0].as_object()), held, mine);
    const auto log = checked_answer(root.handler().handle(R"({"id":3,"verb":"log_tail","name":"one"})"));
    const std::string tail = json::get_string(log, "text");
    check(tail.size() <= agent::kMaxLogTail, "the end of a log is bounded");
    for (const std::string_view line : split(tail, "\n", 10'000)) check(harmless(line), "and printable", line);
    const auto removed = checked_answer(root.handler().handle(
        R"({"id":4,"verb":"remove_instance","name":"one","installation":"ins","resource":"res_1","generation":1})"));
    if (held) check(refusal(removed) == "busy" || refusal(removed) == "foreign", "what lives is not removed");
}

// A mark that cannot be read refuses every generation.
void ask_for_removed(AgentRoot& root, std::string_view mark) {
    write(root.path() + "/.gone/two", mark);
    const auto made = checked_answer(root.handler().handle(
        fmt::format(R"({{"id":5,"verb":"create_instance","name":"two","files":[],"meta":{{"installation":"ins",)"
                    R"("resource":"res_2","generation":5,"uid":{}}}}})",
                    ::geteuid())));
    std::uint64_t removed = 0;
    std::from_chars(mark.begin(), mark.end(), removed);
    const bool older = removed != 0 && removed < 5 && mark.size() <= 64;
    check(older == made.contains("made"), "a removed generation does not come back", mark);
}

}  // namespace

void agent_files(std::string_view input) {
    const auto parts = split(input, "\n%%\n", 4);
    const auto part = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string_view(); };
    AgentRoot root;
    const std::string directory = root.path() + "/one";
    check(::mkdir(directory.c_str(), 0711) == 0, "there is an instance");
    const agent::Process mine = me();
    write(directory + "/lock",
          replaced(std::string(part(0)), "$ME", fmt::format("{} {}", mine.pid, mine.start_time)));
    write(directory + "/meta.json", replaced(std::string(part(1)), "$UID", std::to_string(::geteuid())));
    write(directory + "/log", part(2));
    {
        const UniqueFd lock(::open((directory + "/lock").c_str(), O_RDWR | O_CLOEXEC));
        check(lock && agent::take_lock(lock.get()), "its lock can be taken");
        ask(root, true, mine);
    }
    ask(root, false, mine);
    ask_for_removed(root, part(3));
}

}  // namespace slipway::fuzz
