#include "scan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace slipway::rules {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Walks over the text once and copies it, with what is to be hidden as spaces.
class Stripper {
  public:
    Stripper(std::string_view text, Keep keep) : text_(text), out_(text), keep_(keep) {}

    std::string run() {
        while (at_ < text_.size()) {
            if (ahead("//")) {
                hide_until(end_of_line_comment());
            } else if (ahead("/*")) {
                hide_until(after("*/", at_ + 2));
            } else if (text_[at_] == '"') {
                string_literal(raw_prefix() ? end_of_raw_string() : end_of_quoted('"'));
            } else if (text_[at_] == '\'' && !digit_separator()) {
                string_literal(end_of_quoted('\''));
            } else {
                ++at_;
            }
        }
        return std::move(out_);
    }

  private:
    [[nodiscard]] bool ahead(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    [[nodiscard]] std::size_t after(std::string_view what, std::size_t from) const {
        const std::size_t found = text_.find(what, from);
        return found == std::string_view::npos ? text_.size() : found + what.size();
    }
    // A backslash at the end of the line carries the comment on.
    [[nodiscard]] std::size_t end_of_line_comment() const {
        std::size_t end = text_.find('\n', at_);
        while (end != std::string_view::npos && text_[end - 1] == '\\') end = text_.find('\n', end + 1);
        return std::min(end, text_.size());
    }
    // 1'000 and 0xff'ff: the quote stands between digits of a number.
    [[nodiscard]] bool digit_separator() const {
        std::size_t begin = at_;
        while (begin > 0 && (is_word(text_[begin - 1]) || text_[begin - 1] == '\'')) --begin;
        return begin < at_ && std::isdigit(static_cast<unsigned char>(text_[begin])) != 0;
    }
    [[nodiscard]] bool raw_prefix() const {
        std::size_t begin = at_;
        while (begin > 0 && is_word(text_[begin - 1])) --begin;
        const std::string_view prefix = text_.substr(begin, at_ - begin);
        constexpr std::array<std::string_view, 5> kPrefixes{"R", "u8R", "uR", "UR", "LR"};
        return std::ranges::find(kPrefixes, prefix) != kPrefixes.end();
    }
    [[nodiscard]] std::size_t end_of_raw_string() const {
        const std::size_t paren = text_.find('(', at_);
        if (paren == std::string_view::npos) return text_.size();
        return after(")" + std::string(text_.substr(at_ + 1, paren - at_ - 1)) + "\"", paren + 1);
    }
    [[nodiscard]] std::size_t end_of_quoted(char quote) const {
        for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == '\\') {
                ++i;
            } else if (text_[i] == quote) {
                return i + 1;
            } else if (text_[i] == '\n') {
                return i;  // no literal goes over a line: it was an apostrophe in an #error or the like
            }
        }
        return text_.size();
    }
    void string_literal(std::size_t end) {
        if (keep_ == Keep::code_and_strings) {
            at_ = end;
            return;
        }
        ++at_;  // the quotes stay: they tell an empty argument from none
        hide_until(end > at_ ? end - 1 : end);
        at_ = end;
    }
    void hide_until(std::size_t end) {
        for (; at_ < end; ++at_) {
            if (text_[at_] != '\n') out_[at_] = ' ';
        }
    }

    std::string_view text_;
    std::string out_;
    Keep keep_;
    std::size_t at_ = 0;
};

// Preprocessor lines (with their continuations) as spaces.
void hide_directives(std::string& code) {
    bool directive = false;
    std::size_t begin = 0;
    while (begin < code.size()) {
        const std::size_t end = std::min(code.find('\n', begin), code.size());
        const std::string_view line = std::string_view(code).substr(begin, end - begin);
        const std::size_t first = line.find_first_not_of(" \t");
        directive = directive || (first != std::string_view::npos && line[first] == '#');
        const bool goes_on = directive && line.ends_with('\\');
        if (directive) std::fill_n(code.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, ' ');
        directive = goes_on;
        begin = end + 1;
    }
}

// Removes a leading `template <...>`, attributes and words that may stand before any declaration.
std::string_view strip_leading(std::string_view head) {
    const auto skip_balanced = [&head](char open, char close) {
        std::size_t depth = 0;
        for (std::size_t i = 0; i < head.size(); ++i) {
            if (head[i] == open) ++depth;
            if (head[i] == close && --depth == 0) {
                head.remove_prefix(i + 1);
                return;
            }
        }
        head = {};
    };
    constexpr std::array<std::string_view, 6> kWords{"template",  "inline", "static",
                                                     "constexpr", "export", "typedef"};
    while (true) {
        head.remove_prefix(std::min(head.find_first_not_of(" \t\n"), head.size()));
        if (head.starts_with("[[")) {
            skip_balanced('[', ']');
            continue;
        }
        if (head.starts_with('<')) {
            skip_balanced('<', '>');
            continue;
        }
        const auto* word = std::ranges::find_if(kWords, [&](std::string_view w) {
            return head.starts_with(w) && (head.size() == w.size() || !is_word(head[w.size()]));
        });
        if (word == kWords.end()) return head;
        head.remove_prefix(word->size());
    }
}

std::string_view first_word(std::string_view head) {
    std::size_t end = 0;
    while (end < head.size() && is_word(head[end])) ++end;
    return head.substr(0, end);
}

// What a brace at namespace or class scope opens, told from what stands before it.
enum class Opens : std::uint8_t { scope, function, member_initializer, data };

struct HeadShape {
    std::optional<std::size_t> parenthesis;  // first '(' outside of <> and []
    std::optional<std::size_t> equals;       // first '=' at top level that assigns
    std::optional<std::size_t> colon;        // first ':' at top level after the parameters
    bool lambda = false;                     // '[' after the '='
};

// Whether the text ends within the name of an operator, e.g. `operator+` before its '='.
bool in_operator_name(std::string_view text) {
    const std::size_t end = text.find_last_not_of("+-*/%^&|~!<>= \t\n");
    return end != std::string_view::npos && text.substr(0, end + 1).ends_with("operator");
}

// The head of a class has no parentheses but in attributes, alignas, template arguments and base classes.
bool is_class_head(std::string_view head) {
    int angles = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
        if (head[i] == '<') ++angles;
        if (head[i] == '>') --angles;
        if (angles != 0) continue;
        if (head[i] == '=') return false;
        if (head[i] == ':' && head.substr(i).starts_with(": ")) return true;
        if (head[i] == '(') {
            const std::string_view before = head.substr(0, i);
            if (!before.ends_with("alignas") && before.rfind("[[") == std::string_view::npos) return false;
        }
    }
    return true;
}

HeadShape shape_of(std::string_view head) {
    HeadShape shape;
    int depth = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
        const char c = head[i];
        const char next = i + 1 < head.size() ? head[i + 1] : ' ';
        const char before = i > 0 ? head[i - 1] : ' ';
        if (c == '(' && depth == 0 && !shape.parenthesis) shape.parenthesis = i;
        if (c == '[' && shape.equals) shape.lambda = true;
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
        if (depth != 0) continue;
        const bool comparison = before == '=' || before == '!' || before == '<' || before == '>';
        if (c == '=' && next != '=' && !comparison && !in_operator_name(head.substr(0, i)) && !shape.parenthesis &&
            !shape.equals) {
            shape.equals = i;
        }
        if (c == ':' && next == ':') {
            ++i;
        } else if (c == ':' && shape.parenthesis && !shape.colon) {
            shape.colon = i;
        }
    }
    return shape;
}

Opens classify(std::string_view whole_head) {
    const std::string_view head = strip_leading(whole_head);
    const std::string_view word = first_word(head);
    const HeadShape shape = shape_of(head);
    if (word == "namespace" || word == "extern") {
        if (word == "namespace" || !shape.parenthesis) return Opens::scope;
    }
    if (word == "enum") return Opens::data;
    if (word == "class" || word == "struct" || word == "union") {
        if (is_class_head(head)) return Opens::scope;
    }
    if (shape.equals) return shape.lambda ? Opens::function : Opens::data;
    if (!shape.parenthesis) return Opens::data;
    const std::size_t last = head.find_last_not_of(" \t\n");
    if (shape.colon && last != std::string_view::npos && (is_word(head[last]) || head[last] == '>')) {
        return Opens::member_initializer;
    }
    return Opens::function;
}

// The word before the first parenthesis, for messages.
std::string name_in(std::string_view whole_head) {
    const std::string_view head = strip_leading(whole_head);
    const HeadShape shape = shape_of(head);
    std::size_t end = shape.equals ? *shape.equals : shape.parenthesis.value_or(head.size());
    while (end > 0 && is_space(head[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && !is_space(head[begin - 1])) --begin;
    return std::string(head.substr(begin, end - begin));
}

class FunctionFinder {
  public:
    explicit FunctionFinder(std::string code) : code_(std::move(code)) {}

    Functions run() {
        for (at_ = 0; at_ < code_.size() && result_.balanced; ++at_) step(code_[at_]);
        if (scopes_ != 0) result_.balanced = false;
        return std::move(result_);
    }

  private:
    void step(char c) {
        if (c == '(') {
            skip_to_match('(', ')');  // a brace in an argument opens nothing that counts
        } else if (c == '{') {
            open();
        } else if (c == '}') {
            if (scopes_ == 0) result_.balanced = false;
            --scopes_;
            head_ = at_ + 1;
        } else if (c == ';' || access_label(c)) {
            head_ = at_ + 1;
        }
    }

    [[nodiscard]] bool access_label(char c) const {
        if (c != ':' || (at_ + 1 < code_.size() && code_[at_ + 1] == ':')) return false;
        const std::string_view before = std::string_view(code_).substr(head_, at_ - head_);
        const std::string_view word =
            first_word(before.substr(std::min(before.find_first_not_of(" \t\n"), before.size())));
        return word == "public" || word == "private" || word == "protected";
    }

    void open() {
        const std::string_view head = std::string_view(code_).substr(head_, at_ - head_);
        const Opens opens = classify(head);
        if (opens == Opens::scope) {
            ++scopes_;
            head_ = at_ + 1;
            return;
        }
        Function function{.first_line = line_of(first_visible(head_)), .last_line = 0, .name = name_in(head)};
        skip_to_match('{', '}');
        if (opens == Opens::function) {
            function.last_line = line_of(at_);
            result_.found.push_back(std::move(function));
            head_ = at_ + 1;
        }
    }

    // Leaves at_ on the closing one.
    void skip_to_match(char open, char close) {
        std::size_t depth = 0;
        for (; at_ < code_.size(); ++at_) {
            if (code_[at_] == open) ++depth;
            if (code_[at_] == close && --depth == 0) return;
        }
        result_.balanced = false;
    }

    [[nodiscard]] std::size_t first_visible(std::size_t from) const {
        return std::min(code_.find_first_not_of(" \t\n", from), code_.size());
    }
    [[nodiscard]] std::size_t line_of(std::size_t position) const {
        return 1 + static_cast<std::size_t>(std::ranges::count(std::string_view(code_).substr(0, position), '\n'));
    }

    std::string code_;
    Functions result_;
    std::size_t at_ = 0;
    std::size_t head_ = 0;    // where the present declaration began
    std::size_t scopes_ = 0;  // open namespaces and classes
};

}  // namespace

std::string without_comments(std::string_view text, Keep keep) { return Stripper(text, keep).run(); }

std::vector<Include> includes_of(std::string_view text) {
    const std::string code = without_comments(text, Keep::code_and_strings);
    std::vector<Include> found;
    std::size_t line_number = 0;
    for (std::size_t begin = 0; begin < code.size();) {
        const std::size_t end = std::min(code.find('\n', begin), code.size());
        std::string_view line = std::string_view(code).substr(begin, end - begin);
        begin = end + 1;
        ++line_number;
        const auto take = [&line](std::string_view word) {
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            if (!line.starts_with(word)) return false;
            line.remove_prefix(word.size());
            return true;
        };
        if (!take("#") || !take("include") || !take("")) continue;
        if (line.empty() || (line.front() != '"' && line.front() != '<')) continue;
        const std::size_t close = line.find(line.front() == '"' ? '"' : '>', 1);
        if (close == std::string_view::npos) continue;
        found.push_back({line_number, std::string(line.substr(1, close - 1)), line.front() == '"'});
    }
    return found;
}

Functions functions_of(std::string_view text) {
    std::string code = without_comments(text, Keep::code);
    hide_directives(code);
    return FunctionFinder(std::move(code)).run();
}

}  // namespace slipway::rules
