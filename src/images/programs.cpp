#include "images/programs.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOutput = 1024UL * 1024;  // twice that before it is cut
constexpr std::size_t kShownLines = 15;
constexpr std::size_t kShownWidth = 300;

struct Known {
    std::string_view program;
    std::string_view package;
};
constexpr std::array kKnown{
    Known{"apt-cache", "apt"},       Known{"apt-get", "apt"},        Known{"curl", "curl"},
    Known{"debugfs", "e2fsprogs"},   Known{"dpkg-deb", "dpkg"},      Known{"e2fsck", "e2fsprogs"},
    Known{"gzip", "gzip"},           Known{"mke2fs", "e2fsprogs"},   Known{"mmdebstrap", "mmdebstrap"},
    Known{"qemu-img", "qemu-utils"}, Known{"unshare", "util-linux"},
};

std::string_view package_of(std::string_view program) {
    const auto found = std::ranges::find(kKnown, program, &Known::program);
    return found == kKnown.end() ? program : found->package;
}

// Where the system's packages put programs, and nowhere else: whose PATH this is does not matter then.
fs::path find_program(std::string_view name) {
    if (name.starts_with('/')) return name;
    for (const char* directory : {"/usr/bin", "/usr/sbin", "/bin", "/sbin"}) {
        fs::path path = fs::path(directory) / name;
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

Status missing(const std::vector<std::string_view>& programs) {
    std::set<std::string_view> packages;
    for (const std::string_view program : programs) packages.insert(package_of(program));
    return fail(ErrorCode::unavailable,
                fmt::format("{} {} not installed: apt-get install {}", fmt::join(programs, ", "),
                            programs.size() == 1 ? "is" : "are", fmt::join(packages, " ")));
}

// The last lines of what a program said, each on a line of its own; what a terminal would obey is left out.
std::string last_lines(const std::string& said) {
    std::vector<std::string> lines(1);
    for (const char c : said) {
        if (c == '\n' || c == '\r') {
            if (!lines.back().empty()) lines.emplace_back();
        } else if (lines.back().size() < kShownWidth && (c == '\t' || static_cast<unsigned char>(c) >= ' ')) {
            lines.back() += c == '\x7f' ? '?' : c;
        }
    }
    if (lines.back().empty()) lines.pop_back();
    const std::size_t from = lines.size() > kShownLines ? lines.size() - kShownLines : 0;
    std::string shown;
    for (std::size_t i = from; i < lines.size(); ++i) shown += "\n    " + lines[i];
    return shown;
}

Result<Said> outcome(const Run& what, Ended ended, std::string output) {
    const std::string name = fs::path(what.words.front()).filename();
    const std::string said = last_lines(output + "\n" + ended.complaints);
    switch (ended.how) {
        case Ended::How::not_started: return fail(ErrorCode::unavailable, ended.why);
        case Ended::How::stopped: return fail(ErrorCode::cancelled, "interrupted");
        case Ended::How::late:
            return fail(ErrorCode::timeout, fmt::format("{} was not done after {} s and was ended{}{}", name,
                                                        what.limit.count(), said.empty() ? "" : ":", said));
        case Ended::How::refused:
        case Ended::How::exited: break;
    }
    if (ended.well()) return Said{std::move(output), std::move(ended.complaints)};
    const std::string how = ended.status < 0 ? "was killed" : fmt::format("failed (status {})", ended.status);
    return fail(ErrorCode::provider_failure, fmt::format("{} {}{}{}", name, how, said.empty() ? "" : ":", said));
}

}  // namespace

Programs::Programs(const StopSign& stop, std::vector<std::string> environment)
    : stop_(stop), environment_(std::move(environment)) {
    environment_.insert(environment_.begin(),
                        {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"});
}

Status Programs::have(std::initializer_list<std::string_view> names) const {
    std::vector<std::string_view> absent;
    std::ranges::copy_if(names, std::back_inserter(absent),
                         [](std::string_view name) { return find_program(name).empty(); });
    return absent.empty() ? Status() : missing(absent);
}

Result<Said> Programs::run(const Run& what) const {
    const fs::path program = find_program(what.words.front());
    if (program.empty()) return fail(missing({what.words.front()}).error());
    Invocation invocation{what.words, environment_, "", Secret(), what.directory};
    invocation.words.front() = program;
    invocation.environment.insert(invocation.environment.end(), what.environment.begin(), what.environment.end());
    std::string output;
    Streams streams;
    streams.take = [&](std::string_view piece) {
        output += piece;
        if (output.size() > 2 * kMostOutput) output.erase(0, output.size() - kMostOutput);
        return true;
    };
    const auto until = std::chrono::steady_clock::now() + what.limit;
    return outcome(what, run_program(invocation, streams, stop_, until), std::move(output));
}

}  // namespace slipway::images
