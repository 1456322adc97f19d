#include "base/output_lines.h"

#include <vector>

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(OutputLines, PiecesBeginAndEndAnywhere) {
    std::vector<std::string> lines;
    OutputLines reader([&](std::string_view line) { lines.emplace_back(line); });
    for (const std::string_view piece : {"on", "e\ntwo\n\nth", "ree"}) reader.feed(piece);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
    reader.finish();
    reader.finish();
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(OutputLines, TheRestOfAnEndlessLineIsDropped) {
    std::vector<std::string> lines;
    OutputLines reader([&](std::string_view line) { lines.emplace_back(line); }, 10);
    for (int i = 0; i < 1000; ++i) reader.feed("xxx");
    reader.feed("\nnext\n");
    EXPECT_EQ(lines, (std::vector<std::string>{"xxxxxxxxxx", "next"}));
}

TEST(PlainLine, NothingInItMovesATerminal) {
    EXPECT_EQ(plain_line("\x1b[1;31mred\x1b[0m\ttab\r\x07\x7f"), "red tab");
    EXPECT_EQ(plain_line("a\xff\xc3z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
    EXPECT_EQ(plain_line("c1 \xc2\x9b"
                         "31m"),
              "c1 31m");
    EXPECT_EQ(plain_line("\x1b"), "");
    EXPECT_EQ(plain_line("\x1b[12"), "");
    EXPECT_EQ(plain_line("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(Shortened, IsCutBetweenCharacters) {
    EXPECT_EQ(shortened("abc", 3), "abc");
    EXPECT_EQ(shortened("a\xc3\xa4z", 2), "a [3 bytes more]");
}

}  // namespace
}  // namespace slipway
