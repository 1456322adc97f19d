#include "broker/selector.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/check.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxRequirements = 32;
constexpr std::size_t kMaxValues = 64;

bool word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == '/' || c == ':';
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<LabelSelector> parse() {
        LabelSelector selector;
        skip_blanks();
        while (!at_end()) {
            if (selector.requirements.size() == kMaxRequirements) {
                return expected(fmt::format("at most {} requirements", kMaxRequirements));
            }
            auto requirement = parse_requirement();
            if (!requirement) return fail(std::move(requirement.error()));
            selector.requirements.push_back(std::move(*requirement));
            skip_blanks();
            if (at_end()) break;
            if (!take(',')) return expected("a comma or the end");
            skip_blanks();
            if (at_end()) return expected("a requirement after the comma");
        }
        return selector;
    }

  private:
    using Operator = LabelRequirement::Operator;

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char look() const { return at_end() ? '\0' : text_[at_]; }
    void skip_blanks() {
        while (look() == ' ') ++at_;
    }
    bool take(char c) {
        if (look() != c || at_end()) return false;
        ++at_;
        return true;
    }
    std::string_view word() {
        const std::size_t start = at_;
        while (!at_end() && word_char(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }
    [[nodiscard]] std::unexpected<Error> expected(const std::string& what) const {
        return fail(ErrorCode::invalid_argument, fmt::format("at character {}: expected {}", at_ + 1, what));
    }

    Result<std::string> parse_key() {
        const std::size_t start = at_;
        const std::string_view key = word();
        if (valid_label_key(key)) return std::string(key);
        at_ = start;
        return expected("the name of a label: 1 to 63 of A-Z a-z 0-9 . _ - / :");
    }

    Result<LabelRequirement> parse_requirement() {
        LabelRequirement requirement;
        const bool absent = take('!');
        skip_blanks();
        auto key = parse_key();
        if (!key) return fail(std::move(key.error()));
        requirement.key = std::move(*key);
        requirement.op = absent ? Operator::absent : Operator::exists;
        if (absent) return requirement;
        skip_blanks();
        if (look() == '=' || look() == '!') return parse_comparison(std::move(requirement));
        const std::size_t start = at_;
        const std::string_view op = word();
        if (op == "in" || op == "notin") {
            requirement.op = op == "in" ? Operator::in : Operator::not_in;
            return parse_set(std::move(requirement));
        }
        at_ = start;
        if (!op.empty()) return expected("=, ==, !=, in, notin, a comma or the end");
        return requirement;
    }

    Result<LabelRequirement> parse_comparison(LabelRequirement requirement) {
        requirement.op = take('!') ? Operator::not_in : Operator::in;
        if (!take('=')) return expected("= after !");
        if (requirement.op == Operator::in) take('=');
        skip_blanks();
        requirement.values.emplace_back(word());  // may be empty, as a label's value may
        return count(std::move(requirement));
    }

    Result<LabelRequirement> parse_set(LabelRequirement requirement) {
        skip_blanks();
        if (!take('(')) return expected("( and the values");
        do {
            skip_blanks();
            requirement.values.emplace_back(word());
            skip_blanks();
        } while (take(',') && requirement.values.size() <= kMaxValues);
        if (!take(')')) return expected("a comma or )");
        return count(std::move(requirement));
    }

    Result<LabelRequirement> count(LabelRequirement requirement) {
        values_ += requirement.values.size();
        if (values_ > kMaxValues) return expected(fmt::format("at most {} values", kMaxValues));
        if (std::ranges::all_of(requirement.values, valid_label_value)) return requirement;
        return expected("values of at most 255 bytes");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t values_ = 0;
};

bool holds(const LabelRequirement& requirement, const std::map<std::string, std::string>& labels) {
    const auto label = labels.find(requirement.key);
    const bool there = label != labels.end();
    const bool listed = there && std::ranges::find(requirement.values, label->second) != requirement.values.end();
    switch (requirement.op) {
        case LabelRequirement::Operator::in: return listed;
        case LabelRequirement::Operator::not_in: return !listed;
        case LabelRequirement::Operator::exists: return there;
        case LabelRequirement::Operator::absent: return !there;
    }
    return false;
}

}  // namespace

Result<LabelSelector> parse_selector(std::string_view text) {
    if (text.size() > kMaxText) {
        return fail(ErrorCode::invalid_argument, fmt::format("must have at most {} bytes", kMaxText));
    }
    return Parser(text).parse();
}

bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels) {
    return std::ranges::all_of(selector.requirements,
                               [&](const LabelRequirement& each) { return holds(each, labels); });
}

}  // namespace slipway
