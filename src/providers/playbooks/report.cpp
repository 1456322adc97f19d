#include "providers/playbooks/report.h"

#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "base/output_lines.h"
#include "base/text.h"

namespace slipway::playbooks {
namespace {

constexpr std::size_t kMostName = 120;
constexpr std::size_t kMostWhy = 400;
constexpr std::size_t kMostErrorLines = 3;
constexpr std::array<std::string_view, 2> kTaskHeads{"TASK [", "RUNNING HANDLER ["};
constexpr std::string_view kUnreachable = "UNREACHABLE! => ";
constexpr std::string_view kFailed = "FAILED! => ";
constexpr std::string_view kItemFailed = " => ";  // of one item of a loop, where no word says it
constexpr std::string_view kError = "ERROR! ";

// "TASK [a name] *****": the name may hold brackets as well.
std::optional<std::string> task_in(std::string_view line) {
    for (const std::string_view head : kTaskHeads) {
        if (!line.starts_with(head)) continue;
        line.remove_prefix(head.size());
        return shortened(std::string(line.substr(0, line.rfind(']'))), kMostName);
    }
    return std::nullopt;
}

// The last line that says something.
std::string last_line(std::string_view text) {
    std::string last;
    OutputLines lines([&](std::string_view line) {
        if (!trimmed(line).empty()) last = plain_line(trimmed(line));
    });
    lines.feed(text);
    lines.finish();
    return last;
}

std::string words_of(const json::object& result) {
    std::string words = last_line(json::get_string(result, "msg"));
    if (words.empty()) words = last_line(json::get_string(result, "censored"));
    for (const std::string_view output : {"module_stderr", "stderr", "module_stdout", "stdout"}) {
        const std::string more = last_line(json::get_string(result, output));
        if (more.empty()) continue;
        words += words.empty() ? more : ": " + more;
        break;
    }
    return words;
}

std::string why_in(std::string_view result) {
    const auto parsed = json::parse(result);
    std::string words = parsed && parsed->is_object() ? words_of(parsed->get_object()) : plain_line(result);
    return shortened(words.empty() ? "it does not say why" : std::move(words), kMostWhy);
}

}  // namespace

std::string Report::where() const { return tasks_ == 0 ? "" : fmt::format("task {}: {}", tasks_, task_); }

void Report::read_output(std::string_view line) {
    if (recap_) {
        played_ = played_ || !trimmed(line).empty();
        return;
    }
    if (auto task = task_in(line)) {
        tasks_ += 1;
        task_ = std::move(*task);
        return;
    }
    recap_ = line.starts_with("PLAY RECAP");
    if (line == "...ignoring") trouble_.reset();
    if (!line.starts_with("fatal: [") && !line.starts_with("failed: [")) return;
    for (const std::string_view mark : {kUnreachable, kFailed, kItemFailed}) {
        const std::size_t at = line.find(mark);
        if (at == std::string_view::npos) continue;
        trouble_ = Trouble{mark == kUnreachable, where(), why_in(line.substr(at + mark.size()))};
        return;
    }
}

void Report::read_complaint(std::string_view line) {
    const bool begins = line.starts_with(kError);
    if (begins) {
        error_.clear();
        error_lines_ = 0;
        line.remove_prefix(kError.size());
    }
    if ((!begins && error_.empty()) || error_lines_ == kMostErrorLines || trimmed(line).empty()) return;
    error_lines_ += 1;
    if (!error_.empty()) error_ += ' ';
    error_ = shortened(error_ + std::string(trimmed(line)), kMostWhy);
}

}  // namespace slipway::playbooks
