#include "images/image_uses.h"

#include <gtest/gtest.h>

#include "base/temporary_directory_test_support.h"

namespace slipway::images {
namespace {

TEST(ImageUses, ABuildIsInUseFromBeforeItsFirstMachineUntilAfterItsLast) {
    const TemporaryDirectory place;
    const ImageUses uses{std::filesystem::path(place.path())};
    EXPECT_FALSE(*uses.any("tiny@1"));
    ASSERT_TRUE(uses.drop("nobody")) << "none is fine";
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(uses.add("tiny@1", "a"));
    ASSERT_TRUE(uses.add("tiny@1", "b"));
    ASSERT_TRUE(uses.add("tiny@2", "c"));
    ASSERT_TRUE(uses.drop("a"));
    EXPECT_TRUE(*uses.any("tiny@1"));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(uses.drop("b"));
    EXPECT_FALSE(*uses.any("tiny@1"));
    EXPECT_TRUE(*uses.any("tiny@2"));
}

}  // namespace
}  // namespace slipway::images
