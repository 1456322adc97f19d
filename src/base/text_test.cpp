#include "base/text.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Trimmed, TakesBlanksFromBothEndsAlone) {
    EXPECT_EQ(trimmed(" \ta b\t "), "a b");
    EXPECT_EQ(trimmed(" \t"), "");
    EXPECT_EQ(trimmed("a\n"), "a\n");
}

TEST(Utf8, KnowsTheEdgesOfEachLength) {
    EXPECT_TRUE(
        valid_utf8("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    for (const std::string_view bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                       "\xe2\x82", "\xed\xbf\xbf", "\xfe", "a\xc3"}) {
        EXPECT_FALSE(valid_utf8(bad));
    }
}

TEST(Utf8, SaysHowLongTheFirstCharacterIs) {
    EXPECT_EQ(utf8_character(""), 0U);
    EXPECT_EQ(utf8_character("ab"), 1U);
    EXPECT_EQ(utf8_character("\xc3\xa9x"), 2U);
    EXPECT_EQ(utf8_character("\xe2\x82\xacx"), 3U);
    EXPECT_EQ(utf8_character("\xf0\x90\x80\x80"), 4U);
    EXPECT_EQ(utf8_character("\xa9"), 0U);
}

}  // namespace
}  // namespace slipway
