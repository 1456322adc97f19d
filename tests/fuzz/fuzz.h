// What the fuzz targets share. A target is one function that takes any bytes: those that a mutator makes up where
// it runs under libFuzzer (entry.cpp.in), those of the corpus in the ordinary tests (replay_test.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::fuzz {

// A property that does not hold. Nobody catches it under libFuzzer: the process aborts where it was thrown.
class Broken : public std::logic_error {
    using std::logic_error::logic_error;
};
// `seen` is printed with the property, escaped.
void check(bool holds, std::string_view property, std::string_view seen = {});

// Stands for a secret: what must not repeat the secret must not hold this word.
inline constexpr std::string_view kCanary = "CANARY";

// The parts between separators; at most `most`, the last with all the rest.
std::vector<std::string_view> split(std::string_view text, std::string_view separator, std::size_t most = 64);
std::string replaced(std::string text, std::string_view what, std::string_view with);
// Neither control characters nor their UTF-8 forms (U+0080 to U+009F): nothing that a terminal obeys.
bool harmless(std::string_view text);

// Values taken from the front of an input; zeros and empty texts once it is used up.
class Bytes {
  public:
    explicit Bytes(std::string_view input) : left_(input) {}
    [[nodiscard]] bool empty() const { return left_.empty(); }
    std::uint8_t byte();
    std::uint64_t number();  // eight bytes
    std::size_t below(std::size_t bound) { return byte() % bound; }
    bool flag() { return (byte() & 1U) != 0; }
    std::string text();  // one byte of length, then that many

  private:
    std::string_view left_;
};

struct FuzzTarget {
    std::string_view name;
    void (*run)(std::string_view input);
};
// All of them, for the replay.
std::span<const FuzzTarget> targets();

// Each is defined in the file of its name, says there what its input looks like, and throws Broken.
void agent_answers(std::string_view input);
void agent_files(std::string_view input);
void agent_requests(std::string_view input);
void backup_meta(std::string_view input);
void bodies(std::string_view input);
void cli(std::string_view input);
void config(std::string_view input);
void dumps(std::string_view input);
void engine_replies(std::string_view input);
void event_stream(std::string_view input);
void faces(std::string_view input);
void http_request(std::string_view input);
void http_target(std::string_view input);
void image_files(std::string_view input);
void keys(std::string_view input);
void names(std::string_view input);
void origins(std::string_view input);
void playbook_report(std::string_view input);
void rows(std::string_view input);
void rows_round_trip(std::string_view input);
void settings(std::string_view input);
void sql_names(std::string_view input);
void units(std::string_view input);

}  // namespace slipway::fuzz
