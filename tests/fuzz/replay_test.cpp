// Every input that was kept, once more: in the ordinary build, without a fuzzer.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

fs::path corpus() { return fs::path(SLIPWAY_FUZZ_DIR) / "corpus"; }

std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

constexpr std::size_t kChangedInputs = 2000;  // of each target
constexpr std::size_t kLongest = 4096;        // as scripts/fuzz

// What mutators do, without looking at what is reached: the same inputs every time, on every machine.
class Changer {
  public:
    explicit Changer(std::vector<std::string> inputs) : inputs_(std::move(inputs)), random_(1) {}
    std::string next() {
        std::string text = one();
        for (std::size_t change = 0, count = 1 + below(4); change < count; ++change) change_once(text);
        text.resize(std::min(text.size(), kLongest));
        return text;
    }

  private:
    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    const std::string& one() { return inputs_[below(inputs_.size())]; }
    void change_once(std::string& text) {
        static constexpr std::string_view kOdd = "\0\x01\t\n\r\x1b \"'/\\:;<>[]{}0-9\x7f\x80\xff"sv;
        const std::size_t at = below(text.size() + 1);
        const std::size_t length = below(std::min<std::size_t>(text.size() - at, 16) + 1);
        switch (below(6)) {
            case 0: text.insert(at, 1, kOdd[below(kOdd.size())]); break;
            case 1: text.erase(at, length); break;
            case 2: text.insert(at, text.substr(at, length)); break;
            case 3: text.insert(below(text.size() + 1), one().substr(0, 64)); break;
            case 4: text.resize(at); break;
            default:
                if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1U << below(8)));
        }
    }

    std::vector<std::string> inputs_;
    std::mt19937_64 random_;
};

class FuzzReplay : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzReplay, EveryInputOfTheCorpusKeepsTheProperties) {
    std::size_t count = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(corpus() / GetParam().name)) {
        ++count;
        EXPECT_NO_THROW(GetParam().run(content(entry.path()))) << entry.path();
    }
    EXPECT_GT(count, 0U) << "a target without a corpus begins at nothing";
    // The shortest and the widest of inputs, whatever the corpus has.
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
    EXPECT_NO_THROW(GetParam().run(""));
    EXPECT_NO_THROW(GetParam().run(all_bytes));
    EXPECT_NO_THROW(GetParam().run(std::string(5000, 'a')));
}

// A fixed number of inputs that nobody has seen: what a sanitizer finds in them fails this test.
TEST_P(FuzzReplay, ChangedInputsKeepTheProperties) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(corpus() / GetParam().name)) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);  // the same order on every file system
    std::vector<std::string> inputs;
    std::ranges::transform(files, std::back_inserter(inputs), content);
    ASSERT_FALSE(inputs.empty());
    Changer changer(std::move(inputs));
    for (std::size_t i = 0; i < kChangedInputs; ++i) {
        const std::string input = changer.next();
        try {
            GetParam().run(input);
        } catch (const std::exception& error) {
            const fs::path kept = fs::temp_directory_path() / fmt::format("{}-{}", GetParam().name, i);
            std::ofstream(kept, std::ios::binary) << input;
            FAIL() << error.what() << "; the input: " << kept;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FuzzCorpus, EveryFolderBelongsToATarget) {
    std::set<std::string, std::less<>> names;
    for (const FuzzTarget& target : targets()) names.emplace(target.name);
    for (const fs::directory_entry& entry : fs::directory_iterator(corpus())) {
        EXPECT_TRUE(names.contains(entry.path().filename().string())) << entry.path();
    }
}

TEST(FuzzCorpus, IsSmallEnoughToLiveInTheRepository) {
    std::uintmax_t bytes = 0;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(corpus())) {
        if (entry.is_regular_file()) bytes += entry.file_size();
    }
    EXPECT_LT(bytes, 1'000'000U) << "take out what reaches nothing of its own";
}

TEST(Properties, AreReportedWithWhatWasSeen) {
    EXPECT_NO_THROW(check(true, "fine"));
    try {
        check(false, "never so", "a\x01");
        FAIL() << "a broken property must not pass";
    } catch (const Broken& broken) {
        EXPECT_STREQ(broken.what(), "broken: never so; seen: a\\x01");
    }
}

}  // namespace
}  // namespace slipway::fuzz
