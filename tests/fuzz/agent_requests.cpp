// What the helper is asked, one message a line ($UID: the helper's own). It may be root while its client is not:
// whatever comes in, the answer is one that the client can read, a refused request changes nothing, and nothing
// appears beside the root.
#include <algorithm>
#include <array>
#include <filesystem>

#include <unistd.h>

#include "fuzz/agent_root.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

// The failures of which it is said that nothing happened.
constexpr std::array<std::string_view, 6> kHarmless{"invalid", "absent", "foreign", "gone", "busy", "unsupported"};

void check_one(AgentRoot& root, std::string_view message, std::string& before) {
    const json::object answer = checked_answer(root.handler().handle(message));
    const auto parsed = json::parse(message);
    if (parsed && parsed->is_object()) {
        check(json::get_int(answer, "id") == json::get_int(parsed->get_object(), "id"),
              "an answer has its request's id", message);
    }
    std::string after = root.everything();
    const json::value* error = answer.if_contains("error");
    if (error != nullptr) {
        const std::string code = json::get_string(error->get_object(), "code");
        const bool harmless_code = std::ranges::find(kHarmless, code) != kHarmless.end();
        check(!harmless_code || after == before, "a refused request changes nothing", message);
        check(parsed && parsed->is_object() ? true : code == "invalid", "what is no request is invalid", message);
    } else {
        const std::string verb = json::get_string(parsed->get_object(), "verb");
        const bool reads = verb == "hello" || verb == "status" || verb == "list" || verb == "log_tail";
        check(!reads || after == before, "a question changes nothing", message);
    }
    before = std::move(after);
}

}  // namespace

void agent_requests(std::string_view input) {
    AgentRoot root;
    std::string before = root.everything();
    for (const std::string_view line : split(input, "\n", 12)) {
        check_one(root, replaced(std::string(line), "$UID", std::to_string(::geteuid())), before);
    }
    std::size_t beside = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(around_roots())) ++beside;
    check(beside == 1, "nothing appears beside the root", before);
}

}  // namespace slipway::fuzz
