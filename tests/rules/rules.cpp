#include "rules.h"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

#include "scan.h"

namespace slipway::rules {
namespace {

std::size_t line_at(std::string_view text, std::size_t position) {
    return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, position), '\n'));
}

struct Pattern {
    std::regex expression;
    std::string why;
};

Violations matches(const std::string& text, const std::vector<Pattern>& patterns) {
    Violations found;
    for (const Pattern& pattern : patterns) {
        for (std::sregex_iterator hit(text.begin(), text.end(), pattern.expression), end; hit != end; ++hit) {
            found.push_back({line_at(text, static_cast<std::size_t>(hit->position())),
                             fmt::format("{}: {}", hit->str(), pattern.why)});
        }
    }
    return found;
}

// A host name of a registry written so that this file does not hold it.
std::string host(std::string_view name, std::string_view domain) { return fmt::format("{}\\.{}", name, domain); }

std::string registry_hosts() {
    const std::vector<std::string> hosts{
        host("pypi", "org"),         host("pythonhosted", "org"), host("npmjs", "(org|com)"),
        host("crates", "io"),        host("docker", "(io|com)"),  host("ghcr", "io"),
        host("quay", "io"),          host("rubygems", "org"),     host("proxy\\.golang", "org"),
        host("deb\\.debian", "org"), host("conan", "io"),         host("gcr", "io"),
    };
    return fmt::format("\\b({})\\b", fmt::join(hosts, "|"));
}

}  // namespace

Violations check_length(std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    if (lines <= kMaxFileLines) return {};
    return {{0, fmt::format("{} lines, more than {}: split it by idea", lines, kMaxFileLines)}};
}

Violations check_functions(std::string_view text) {
    const Functions functions = functions_of(text);
    if (!functions.balanced)
        return {{0, "braces do not match (in one branch of an #if?): functions cannot be measured"}};
    Violations found;
    for (const Function& function : functions.found) {
        if (function.lines() <= kMaxFunctionLines) continue;
        found.push_back({function.first_line, fmt::format("{} has {} lines, more than {}", function.name,
                                                          function.lines(), kMaxFunctionLines)});
    }
    return found;
}

Violations check_forbidden_code(std::string_view text) {
    static const std::vector<Pattern> patterns{
        {std::regex(R"((std::|(^|[^\w.>:])(::)?)system\s*\()"), "no shell; start programs by argument vector"},
        {std::regex(R"(\bpopen\s*\()"), "no shell; start programs by argument vector"},
        {std::regex(R"(\.detach\s*\()"), "a thread that nobody joins outlives what it uses"},
        {std::regex(R"(\bstd::this_thread::sleep_\w+)"), "wait on a condition, or let the Scheduler sleep"},
        {std::regex(R"(\b(usleep|nanosleep)\s*\()"), "wait on a condition, or let the Scheduler sleep"},
        {std::regex(R"(\bGTEST_SKIP\b)"), "a missing tool is a failure, not a skip"},
        {std::regex(R"(\bDISABLED_\w*)"), "a test runs or does not exist"},
    };
    return matches(without_comments(text, Keep::code), patterns);
}

Violations check_nolint(std::string_view text) {
    static const std::regex marker(R"(NOLINT(NEXTLINE|BEGIN|END)?(\([a-zA-Z0-9.,\- ]+\))?(: *\S+ +\S+)?)");
    Violations found;
    const std::string whole(text);
    const std::string code = without_comments(text, Keep::code_and_strings);
    for (std::sregex_iterator hit(whole.begin(), whole.end(), marker), end; hit != end; ++hit) {
        const auto position = static_cast<std::size_t>(hit->position());
        const bool in_comment = code[position] == ' ';
        if (!in_comment || hit->str(1) == "END") continue;
        if (hit->str(2).empty() || hit->str(3).empty()) {
            found.push_back({line_at(text, position), "NOLINT needs its check and a reason: NOLINT(check): why"});
        }
    }
    return found;
}

Violations check_words(std::string_view text) {
    // Written apart so that this file passes its own rule.
    static const std::vector<Pattern> patterns{
        {std::regex("\\b(TO"
                    "DO|FIX"
                    "ME|XX"
                    "X)\\b"),
         "finish it, or say what is so and why"},
        {std::regex(registry_hosts()), "no package registry is named; package managers know theirs"},
    };
    return matches(std::string(text), patterns);
}

}  // namespace slipway::rules
