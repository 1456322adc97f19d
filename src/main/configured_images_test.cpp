#include "main/configured_images.h"

#include <fstream>

#include <gmock/gmock.h>

#include "agent/testing.h"
#include "base/digest.h"
#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;

class ConfiguredImagesTest : public ::testing::Test {
  protected:
    ConfiguredImagesTest() { fs::create_directories(place_.path() / "images"); }

    // A disk with a mark in its boot sector, as any loader has it.
    ImageConfig disk(char content, const std::string& name = "disk.img") {
        std::string bytes(1024UL * 1024, '\0');
        bytes[0] = content;
        bytes[510] = '\x55';
        bytes[511] = '\xaa';
        std::ofstream(place_.path() / name, std::ios::binary) << bytes;
        return {"cloud", place_.path() / name, "", sha256(bytes)};
    }
    std::unique_ptr<ConfiguredImages> with(std::vector<ImageConfig> wanted) const {
        auto images = std::make_unique<ConfiguredImages>(std::move(wanted), place_.path(),
                                                         [](const std::string&) { return std::nullopt; });
        images->start();
        return images;
    }
    [[nodiscard]] std::string made_from() const {
        const auto image = images::ImageStore(place_.path() / "images").find("cloud");
        return image ? image->made_from : "";
    }

    TemporaryDirectory place_;
};

TEST_F(ConfiguredImagesTest, AreBroughtOnceAndLeftAloneAfterwards) {
    const ImageConfig wanted = disk('a');
    {
        const auto images = with({wanted});
        EXPECT_TRUE(eventually([&] { return images->missing("cloud").empty(); }));
    }
    EXPECT_THAT(made_from(), HasSubstr(wanted.sha256));
    const auto target = fs::read_symlink(place_.path() / "images/cloud");
    fs::remove(wanted.file);
    const auto images = with({wanted});
    EXPECT_EQ(images->missing("cloud"), "") << "it is there, wherever it came from";
    EXPECT_EQ(images->missing("another"), "") << "that is not for it to say";
    EXPECT_EQ(fs::read_symlink(place_.path() / "images/cloud"), target);
}

TEST_F(ConfiguredImagesTest, AnotherContentReplacesTheFormerOne) {
    const auto first = with({disk('a')});
    ASSERT_TRUE(eventually([&] { return first->missing("cloud").empty(); }));
    const ImageConfig other = disk('b', "other.img");
    const auto second = with({other});
    EXPECT_TRUE(eventually([&] { return made_from().contains(other.sha256); })) << made_from();
}

TEST_F(ConfiguredImagesTest, WhatCannotBeHadIsSaidAndNothingIsLeft) {
    ImageConfig wrong = disk('a');
    wrong.sha256.back() = wrong.sha256.back() == '0' ? '1' : '0';
    const auto images = with({wrong});
    EXPECT_TRUE(eventually([&] { return images->missing("cloud").contains("could not be fetched"); }));
    EXPECT_THAT(images->missing("cloud"), HasSubstr("SHA-256"));
    EXPECT_EQ(made_from(), "");
}

TEST_F(ConfiguredImagesTest, WithoutAnyNothingRuns) {
    const auto images = with({});
    EXPECT_EQ(images->missing("cloud"), "");
}

}  // namespace
}  // namespace slipway
