#include "providers/backups/definers.h"

#include <algorithm>
#include <optional>

#include "providers/sql/quoting.h"

namespace slipway::backups {
namespace {

// Longer than everything that stands before and in a definer: two quoted names of at most 80 and 255 characters.
constexpr std::size_t kHead = 4096;
constexpr std::string_view kDefiner = "DEFINER=";

bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

// "/*!50013 " or "/*M!100000 ": a comment that servers of this version read.
bool take_versioned(std::string_view& text) {
    std::string_view rest = text;
    if (!take(rest, "/*!") && !take(rest, "/*M!")) return false;
    const std::size_t digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || rest[digits] != ' ') return false;
    text = rest.substr(digits + 1);
    return true;
}

// `na``me`
bool take_quoted(std::string_view& text) {
    if (!text.starts_with('`')) return false;
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] != '`') continue;
        if (at + 1 < text.size() && text[at + 1] == '`') {
            ++at;
            continue;
        }
        text.remove_prefix(at + 1);
        return true;
    }
    return false;
}

// What follows "DEFINER=" where one stands in this line.
std::optional<std::string_view> after_definer(std::string_view line) {
    if (take(line, "CREATE ") || take_versioned(line)) {
        if (take(line, "CREATE*/ ") && !take_versioned(line)) return std::nullopt;
        if (take(line, kDefiner)) return line;
    }
    return std::nullopt;
}

}  // namespace

DefinerFilter::DefinerFilter(std::string_view user) : account_(sql::mysql_name(user) + "@`%`") {}

void DefinerFilter::put_head() {
    const std::optional<std::string_view> from = after_definer(head_);
    std::string_view rest = from.value_or("");
    if (!from || !take_quoted(rest) || !take(rest, "@") || !take_quoted(rest)) {
        out_ += head_;
    } else {
        out_.append(head_, 0, head_.size() - from->size());
        out_ += account_;
        out_ += rest;
    }
    head_.clear();
}

std::string_view DefinerFilter::pass(std::string_view piece) {
    out_.clear();
    while (!piece.empty()) {
        const std::size_t newline = piece.find('\n');
        const std::size_t line = newline == std::string_view::npos ? piece.size() : newline + 1;
        if (past_head_) {
            out_ += piece.substr(0, line);
            past_head_ = newline == std::string_view::npos;
            piece.remove_prefix(line);
            continue;
        }
        const std::size_t taken = std::min(line, kHead - head_.size());
        head_ += piece.substr(0, taken);
        piece.remove_prefix(taken);
        const bool whole = head_.ends_with('\n');
        if (!whole && head_.size() < kHead) break;
        put_head();
        past_head_ = !whole;
    }
    return out_;
}

std::string_view DefinerFilter::end() {
    out_.clear();
    put_head();
    return out_;
}

}  // namespace slipway::backups
