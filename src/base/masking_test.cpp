#include "base/masking.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Mask, TakesOutWhatIsSecretHoweverItIsWritten) {
    const Mask mask({Secret("pä\"s'\\w"), Secret("other")});
    EXPECT_EQ(mask.apply("a pä\"s'\\w b other"), "a ******** b ********");
    EXPECT_EQ(mask.apply(R"({"x": "pä\"s'\\w"})"), R"({"x": "********"})");
    EXPECT_EQ(mask.apply(R"({"x": "p\u00e4\"s'\\w"})"), R"({"x": "********"})");
    EXPECT_EQ(mask.apply(R"('pä"s'"'"'\w')"), "'********'");
    EXPECT_EQ(mask.apply(R"('pä"s\'\\w')"), "'********'");
}

TEST(Mask, OneThatIsPartOfAnotherLeavesNoneOfIt) {
    const Mask mask({Secret("word"), Secret("password1")});
    EXPECT_EQ(mask.apply("password1 word"), "******** ********");
}

TEST(Mask, WhatIsOutsideOfTheFirstPlaneIsWrittenAsAPair) {
    EXPECT_EQ(Mask({Secret("\xf0\x9f\x94\x91key")}).apply(R"("\ud83d\udd11key")"), "\"********\"");
}

TEST(Mask, WhatIsTooShortWouldTellMoreThanItHides) {
    EXPECT_EQ(Mask({Secret("abc"), Secret("")}).apply("abcabc"), "abcabc");
    EXPECT_EQ(Mask().apply("text"), "text");
}

}  // namespace
}  // namespace slipway
