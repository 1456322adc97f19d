#include "images/image_store.h"

#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/temporary_directory_test_support.h"
#include "images/image_test_support.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Result<bool> unused(const fs::path&) { return false; }
Result<bool> used(const fs::path&) { return true; }

std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class StoreTest : public testing::Test {
  protected:
    // Installs an image of that disk.
    Result<Image> install(const std::string& disk, const std::string& name = "tiny") {
        auto draft = store.begin(random);
        if (!draft) return fail(draft.error());
        Image image = put_example_files(draft->image(), disk);
        image.name = name;
        return store.install(std::move(*draft), image);
    }
    std::string disk_of(const std::string& name = "tiny") {
        const auto found = store.find(name);
        return found ? text_of(found->path_of(found->disk)) : found.error().message;
    }
    std::vector<std::string> entries() const {
        std::vector<std::string> all;
        for (const auto& each : fs::directory_iterator(directory)) all.push_back(each.path().filename());
        std::ranges::sort(all);
        return all;
    }

    TemporaryDirectory place;
    fs::path directory = place.path() / "images";
    ImageStore store{directory};
    SeededRandom random{1};
};

TEST_F(StoreTest, AnImageIsFoundUnderItsName) {
    EXPECT_TRUE(store.list()->empty()) << "before there is anything";
    EXPECT_EQ(store.find("tiny").error().code, ErrorCode::not_found);
    const auto made = install("one");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, *store.find("tiny"));
    EXPECT_EQ(made->directory.parent_path(), directory);
    EXPECT_EQ(made->directory.filename(), "tiny@" + content_id(*made));
    EXPECT_EQ(entries(), (std::vector<std::string>{"tiny", made->directory.filename()})) << "and no draft is left";
    EXPECT_EQ(text_of(directory / "tiny" / "disk.qcow2"), "one") << "also by the link";
    EXPECT_EQ(store.find("Tiny").error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(store.find("../images/tiny").error().code, ErrorCode::invalid_argument);
}

TEST_F(StoreTest, OthersMayReadItWhateverTheUmaskSays) {
    const mode_t former = ::umask(0077);
    const auto made = install("one");
    ::umask(former);
    ASSERT_TRUE(made);
    const auto mode = [](const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); };
    EXPECT_EQ(mode(directory), 0755U);
    EXPECT_EQ(mode(made->directory), 0755U);
    for (const auto& each : fs::directory_iterator(made->directory))
        EXPECT_EQ(mode(each.path()), 0644U) << each.path();
}

// What rests on a build must never see it change: neither by the next build of the name, nor by the third.
TEST_F(StoreTest, AnotherBuildOfTheSameNameLeavesTheFormerOneAlone) {
    const auto first = install("one");
    const auto second = install("two");
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->directory, second->directory);
    EXPECT_EQ(disk_of(), "two");
    EXPECT_EQ(text_of(first->path_of(first->disk)), "one");
    EXPECT_EQ(store.list()->size(), 1U);
    EXPECT_EQ(*store.prune(used, random), 0U);
    EXPECT_EQ(text_of(first->path_of(first->disk)), "one");
    EXPECT_EQ(*store.prune(unused, random), 1U);
    EXPECT_FALSE(fs::exists(first->directory));
    EXPECT_EQ(disk_of(), "two") << "what has the name is not pruned";
}

TEST_F(StoreTest, TheSameContentAgainIsTheBuildThatIsThere) {
    const auto first = install("one");
    const auto inode = [&] {
        struct stat facts{};
        ::stat(first->path_of(first->disk).c_str(), &facts);
        return facts.st_ino;
    };
    const auto before = inode();
    const auto again = install("one");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->directory, first->directory);
    EXPECT_EQ(inode(), before);
    EXPECT_EQ(entries().size(), 2U);
}

TEST_F(StoreTest, ADamagedBuildIsToldAndMadeWholeByTheSameContent) {
    const auto first = install("one");
    fs::resize_file(first->path_of(first->disk), 1);
    EXPECT_THAT(store.find("tiny").error().message, HasSubstr("disk.qcow2 has 1 bytes"));
    const auto list = store.list();
    ASSERT_EQ(list->size(), 1U);
    EXPECT_EQ(list->front().image.error().code, ErrorCode::storage);
    ASSERT_TRUE(install("one"));
    EXPECT_EQ(disk_of(), "one");
    // Also where only a checksum sees it.
    std::ofstream(first->path_of(first->disk)) << "two";
    ASSERT_TRUE(install("one"));
    EXPECT_EQ(disk_of(), "one");
    EXPECT_EQ(entries().size(), 2U);
}

TEST_F(StoreTest, WhatIsInUseIsNotRemoved) {
    const auto first = install("one");
    const auto second = install("two");
    std::vector<fs::path> asked;
    const InUse only_the_first = [&](const fs::path& build) -> Result<bool> {
        asked.push_back(build);
        return build == first->directory;
    };
    EXPECT_EQ(store.remove("tiny", only_the_first, random).error().code, ErrorCode::conflict);
    EXPECT_EQ(disk_of(), "two");
    EXPECT_THAT(asked, testing::Contains(first->directory));
    const InUse broken = [](const fs::path&) -> Result<bool> { return fail(ErrorCode::storage, "cannot look"); };
    EXPECT_EQ(store.remove("tiny", broken, random).error().message, "cannot look");
    ASSERT_TRUE(store.remove("tiny", unused, random));
    EXPECT_TRUE(entries().empty());
    EXPECT_EQ(store.remove("tiny", unused, random).error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, WhatIsHeldIsNotRemovedEither) {
    const auto first = install("one");
    {
        const auto held = store.hold(*first);
        ASSERT_TRUE(held);
        EXPECT_TRUE(store.hold(*first)) << "several at once";
        EXPECT_EQ(store.remove("tiny", unused, random).error().code, ErrorCode::conflict);
        ASSERT_TRUE(install("two"));
        EXPECT_EQ(*store.prune(unused, random), 0U);
        EXPECT_EQ(text_of(first->path_of(first->disk)), "one");
    }
    EXPECT_EQ(*store.prune(unused, random), 1U);
    EXPECT_EQ(store.hold(*first).error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, ADraftThatNobodyMakesAnyMoreIsRemovedByTheNext) {
    auto alive = store.begin(random);
    ASSERT_TRUE(alive);
    // As a process leaves them that was killed.
    fs::create_directories(directory / ".new-0123456789abcdef" / "scratch");
    fs::create_directories(directory / ".gone-0123456789abcdef");
    auto next = store.begin(random);
    ASSERT_TRUE(next);
    EXPECT_TRUE(fs::exists(alive->scratch()));
    EXPECT_FALSE(fs::exists(directory / ".new-0123456789abcdef"));
    EXPECT_FALSE(fs::exists(directory / ".gone-0123456789abcdef"));
}

TEST_F(StoreTest, WhatFailsLeavesNothing) {
    {
        auto draft = store.begin(random);
        Image image = put_example_files(draft->image());
        image.disk.bytes += 1;
        EXPECT_EQ(store.install(std::move(*draft), image).error().code, ErrorCode::storage);
    }
    {
        auto draft = store.begin(random);
        Image image = put_example_files(draft->image());
        image.name = "../tiny";
        EXPECT_EQ(store.install(std::move(*draft), image).error().code, ErrorCode::invalid_argument);
    }
    EXPECT_TRUE(entries().empty());
}

TEST_F(StoreTest, LinksToAnythingElseAreNotFollowed) {
    const auto made = install("one");
    for (const fs::path& target :
         {fs::path("/etc"), fs::path("other"), fs::path("../images") / made->directory.filename(),
          fs::path("other@0123456789abcdef")}) {
        fs::remove(directory / "tiny");
        fs::create_symlink(target, directory / "tiny");
        EXPECT_THAT(store.find("tiny").error().message, HasSubstr("no link to a build")) << target;
    }
    fs::remove(directory / "tiny");
    fs::create_directory(directory / "tiny");
    EXPECT_THAT(store.find("tiny").error().message, HasSubstr("no link to a build"));
    EXPECT_EQ(store.list()->size(), 1U);
}

TEST_F(StoreTest, ABuildOfAnotherNameIsNotTakenForThisOne) {
    const auto other = install("one", "other");
    const std::string build = "tiny@" + content_id(*other);
    fs::rename(other->directory, directory / build);
    fs::create_symlink(build, directory / "tiny");
    EXPECT_THAT(store.find("tiny").error().message, HasSubstr("says that it is other"));
}

// Names change by one rename: whoever looks meanwhile sees one build or the other, whole.
TEST_F(StoreTest, WhoeverLooksWhileANameChangesSeesOneOfTheTwo) {
    ASSERT_TRUE(install("one"));
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::atomic<int> looks = 0;
    std::jthread reader([&] {
        while (!done) {
            const auto found = store.find("tiny");
            const std::string disk = found ? text_of(found->path_of(found->disk)) : "";
            if (disk != "one" && disk != "two") ++wrong;
            ++looks;
        }
    });
    for (int i = 0; i < 50 || looks < 50; ++i) ASSERT_TRUE(install(i % 2 == 0 ? "two" : "one"));
    done = true;
    reader.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(StoreTest, InstallsRemovalsAndPruningAtOnceLeaveWholeImages) {
    const auto work = [&](std::uint64_t seed) {
        SeededRandom own(seed);
        for (int i = 0; i < 40; ++i) {
            auto draft = store.begin(own);
            if (!draft) continue;
            const Image image = put_example_files(draft->image(), std::to_string(own.below(3)));
            const auto made = store.install(std::move(*draft), image);
            if (!made) ADD_FAILURE() << made.error().message;
            static_cast<void>(store.prune(unused, own));
            if (own.below(8) == 0) static_cast<void>(store.remove("tiny", unused, own));
        }
    };
    {
        const std::jthread one(work, 1);
        const std::jthread two(work, 2);
        const std::jthread three(work, 3);
    }
    ASSERT_TRUE(install("last"));
    EXPECT_EQ(disk_of(), "last");
    static_cast<void>(store.prune(unused, random));
    EXPECT_EQ(entries().size(), 2U);
}

}  // namespace
}  // namespace slipway::images
