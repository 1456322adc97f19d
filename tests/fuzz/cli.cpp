// The command line against a server that answers anything. Parts are separated by lines "%%": the words, one a line
// (a first word "@80" is the width of the terminal); then the server's answers, each its status on a line ("-":
// nobody answers) and its body, over and over. Every command ends with a status that is documented, prints nothing
// that a terminal obeys, and never the key.
#include <charconv>
#include <sstream>

#include "base/json.h"
#include "cli/environment.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

constexpr std::size_t kManyCalls = 100;  // then somebody presses Ctrl-C

Result<net::HttpAnswer> answer_of(std::string_view text) {
    const auto parts = split(text, "\n", 2);
    if (parts[0] == "-") return fail(ErrorCode::unavailable, "connecting failed: Connection refused");
    net::HttpAnswer answer;
    answer.status = 200;
    std::from_chars(parts[0].begin(), parts[0].end(), answer.status);
    answer.body = parts.size() > 1 ? parts[1] : "";
    return answer;
}

// A page of a listing that brings nothing and yet says that there is more.
bool brings_nothing(const Result<net::HttpAnswer>& answer) {
    const auto parsed = answer ? json::parse(answer->body) : fail(ErrorCode::malformed, "");
    if (!parsed || !parsed->is_object()) return false;
    for (const std::string_view name : {"resources", "operations", "events", "keys", "webhooks", "organizations"}) {
        const json::value* items = parsed->get_object().if_contains(name);
        if (items != nullptr && items->is_array() && items->get_array().empty()) return true;
    }
    return false;
}

// What is said to a caller that wants the body in pieces.
void hand_on(net::HttpAnswer& answer, const std::function<bool(std::string_view)>& sink) {
    if (!sink || answer.status / 100 != 2) return;
    for (std::string_view rest = answer.body; !rest.empty();) {
        const std::string_view piece = rest.substr(0, 7);
        rest.remove_prefix(piece.size());
        if (!sink(piece)) break;
    }
    answer.body.clear();
}

struct Words {
    std::vector<std::string> words;
    std::size_t width = 0;
    bool plain = true;  // what is wrong with a word is told with the word
    bool json = false;
};

// No file of this machine is opened, and nothing is looked at that differs from machine to machine.
Words words_of(std::string_view text) {
    Words out;
    for (const std::string_view line : split(text, "\n", 40)) {
        const bool file =
            !out.words.empty() && (out.words.back() == "--key-file" || out.words.back() == "--ca-file");
        if (line.starts_with('@') && out.words.empty()) {
            std::from_chars(line.begin() + 1, line.end(), out.width);
        } else if (line.starts_with("--key-file=") || line.starts_with("--ca-file=")) {
            out.words.emplace_back(std::string(line.substr(0, line.find('='))) + "=/nonexistent");
        } else if (file) {
            out.words.emplace_back("/nonexistent");
        } else if (line != "doctor") {
            out.words.emplace_back(line);
        }
    }
    out.width = std::min<std::size_t>(out.width, 1000);
    for (const std::string& word : out.words) {
        out.plain = out.plain && harmless(word);
        out.json = out.json || word.contains("json");
    }
    return out;
}

void check_printed(const std::string& text) {
    for (const std::string_view line : split(text, "\n", SIZE_MAX)) {
        check(harmless(line), "nothing is printed that a terminal obeys", line);
    }
}

}  // namespace

void cli(std::string_view input) {
    const auto parts = split(input, "\n%%\n", 20);
    const Words words = words_of(parts[0]);
    std::ostringstream out;
    std::ostringstream err;
    TimePoint now = from_micros(1'700'000'000'000'000);
    std::size_t calls = 0;
    bool endless = false;
    const auto call = [&](const net::Origin&, const net::HttpCall& asked) -> Result<net::HttpAnswer> {
        now += std::chrono::hours(1);  // so that waiting ends
        ++calls;
        if (parts.size() < 2) return fail(ErrorCode::unavailable, "nobody is there");
        auto answer = answer_of(parts[1 + (calls - 1) % (parts.size() - 1)]);
        endless = endless || (calls >= kManyCalls && brings_nothing(answer));
        if (calls >= kManyCalls) return fail(ErrorCode::cancelled, "interrupted");
        if (answer) hand_on(*answer, asked.sink);
        return answer;
    };
    slipway::cli::Environment environment{
        .variables = {{"SLIPWAY_KEY", std::string(kCanary)}, {"HOME", "/nonexistent"}},
        .out = out,
        .err = err,
        .out_terminal = {.width = words.width, .colour = false},
        .call = call,
        .pause = [&](Duration delay) { now += delay; },
        .now = [&] { return now; },
        .interrupted = [&] { return calls >= kManyCalls; },
        .confirm = [](std::string_view question) { return std::optional(question.size() % 2 == 0); },
        .fresh_key = [] { return std::string("key-1"); }};
    const int status = slipway::cli::run(words.words, environment, {{"serve", "run the server"}});
    check((status >= 0 && status <= 6) || status == 130, "the exit status is documented");
    check(!endless, "a listing that brings nothing ends");
    check(input.contains(kCanary) || !(out.str() + err.str()).contains(kCanary), "the key is not printed",
          out.str());
    if (words.plain && !words.json) check_printed(out.str());
    if (words.plain) check_printed(err.str());
}

}  // namespace slipway::fuzz
