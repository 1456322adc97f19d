// Every input that was kept, once more: in the ordinary build, without a fuzzer.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

namespace fs = std::filesystem;

fs::path corpus() { return fs::path(SLIPWAY_FUZZ_DIR) / "corpus"; }

std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

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
