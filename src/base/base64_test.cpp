#include "base/base64.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Base64, IsReadAsItIsWritten) {
    for (const std::string& bytes :
         {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string(32, '\xff')}) {
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    }
    EXPECT_EQ(to_base64("ab"), "YWI=");
}

TEST(Base64, HasOneTextForEachValue) {
    for (const std::string& bad :
         {std::string("YWI"), std::string("YWI=="), std::string("YWJ="), std::string("YW I="),
          std::string("YWI=\n"), std::string("YW_-"), std::string("Y"), std::string("YWI=YWI=")}) {
        EXPECT_FALSE(from_base64(bad)) << bad;
    }
    // Every byte in a place where a letter would do.
    int taken = 0;
    for (int byte = 0; byte < 256; ++byte)
        taken += from_base64(std::string("YW") + static_cast<char>(byte) + "j") ? 1 : 0;
    EXPECT_EQ(taken, 64);
}

}  // namespace
}  // namespace slipway
