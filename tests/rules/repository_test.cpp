// The rules over the whole repository: one test a rule, every violation named with file and line.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "rules.h"

namespace slipway::rules {
namespace {

namespace fs = std::filesystem;

struct File {
    std::string path;  // relative to the repository
    std::string text;
};

std::vector<File> load(const std::vector<std::string>& folders) {
    const fs::path root(SLIPWAY_SOURCE_DIR);
    std::vector<File> files;
    for (const std::string& folder : folders) {
        if (!fs::exists(root / folder)) continue;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
            if (!entry.is_regular_file() || entry.path().string().find("__pycache__") != std::string::npos)
                continue;
            std::ifstream in(entry.path(), std::ios::binary);
            std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
            files.push_back({fs::relative(entry.path(), root).string(), std::move(text)});
        }
    }
    std::ranges::sort(files, {}, &File::path);
    return files;
}

bool is_cpp(const File& file) { return file.path.ends_with(".cpp") || file.path.ends_with(".h"); }

std::vector<File> cpp_files() {
    std::vector<File> files = load({"src", "tests", "bench"});
    std::erase_if(files, [](const File& file) { return !is_cpp(file); });
    return files;
}

void expect_none(const std::vector<File>& files, const std::function<Violations(const File&)>& rule) {
    EXPECT_GT(files.size(), 10U) << "the repository was not found at " << SLIPWAY_SOURCE_DIR;
    for (const File& file : files) {
        for (const Violation& violation : rule(file)) {
            ADD_FAILURE() << fmt::format("{}:{}: {}", file.path, violation.line, violation.what);
        }
    }
}

TEST(Repository, IncludesFollowTheLayering) {
    expect_none(cpp_files(), [](const File& file) { return check_includes(file.path, file.text); });
}

TEST(Repository, FilesAreShortEnoughToRead) {
    std::vector<File> files = load({"src", "tests", "bench", "scripts", "cmake"});
    // Recorded answers and other data are not read from top to bottom.
    std::erase_if(files, [](const File& file) {
        return !is_cpp(file) && !file.path.ends_with(".py") && !file.path.starts_with("scripts/");
    });
    expect_none(files, [](const File& file) { return check_length(file.text); });
}

TEST(Repository, FunctionsAreShortEnoughToRead) {
    expect_none(cpp_files(), [](const File& file) { return check_functions(file.text); });
}

TEST(Repository, NothingForbiddenIsCalled) {
    expect_none(cpp_files(), [](const File& file) { return check_forbidden_code(file.text); });
}

TEST(Repository, EveryNolintGivesAReason) {
    expect_none(cpp_files(), [](const File& file) { return check_nolint(file.text); });
}

// Every word that stands between `open` and `close`.
std::set<std::string> words_between(std::string_view text, std::string_view open, std::string_view close) {
    std::set<std::string> words;
    for (std::size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at)) {
        at += open.size();
        const std::size_t end = text.find(close, at);
        if (end == std::string_view::npos) break;
        words.emplace(text.substr(at, end - at));
        at = end + close.size();
    }
    return words;
}

// The first column of the table says which target reads what: one that is not in it is one that nobody knows of.
TEST(Repository, TheTableOfFuzzTargetsHasEveryTarget) {
    std::set<std::string> made;
    for (const File& file : load({"tests/fuzz"})) {
        if (file.path == "tests/fuzz/targets.cpp") made = words_between(file.text, "FuzzTarget{\"", "\"");
    }
    std::set<std::string> described;
    for (const File& file : load({"docs"})) {
        if (file.path != "docs/fuzzing.md") continue;
        std::istringstream lines(file.text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("| `"))
                described.merge(words_between(line.substr(0, line.find('|', 1)), "`", "`"));
        }
    }
    EXPECT_GT(made.size(), 10U);
    EXPECT_EQ(made, described);
}

TEST(Repository, NothingIsUnfinishedAndNoRegistryIsNamed) {
    expect_none(load({"src", "tests", "bench", "scripts", "cmake", ".ci"}),
                [](const File& file) { return check_words(file.text); });
}

}  // namespace
}  // namespace slipway::rules
