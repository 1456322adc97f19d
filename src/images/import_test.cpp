#include "images/import.h"

#include <fstream>

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/temporary_directory_test_support.h"
#include "images/files.h"
#include "images/image.h"
#include "images/qcow2.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Import : public testing::Test {
  protected:
    // A disk as it is made by QEMU's own program.
    std::string make(const std::vector<std::string>& options, const std::string& name = "disk.img") {
        std::vector<std::string> words{"qemu-img", "create", "-q"};
        words.insert(words.end(), options.begin(), options.end());
        words.insert(words.end(), {place.path() / name, "8M"});
        const auto done = programs.run({.words = words, .directory = place.path()});
        EXPECT_TRUE(done) << done.error().message;
        return place.path() / name;
    }
    std::string raw_disk(const std::string& name = "raw.img") {
        std::string content(1024UL * 1024, '\0');
        content[510] = '\x55';
        content[511] = '\xaa';
        std::ofstream(place.path() / name, std::ios::binary) << content;
        return place.path() / name;
    }
    std::string put(const std::string& content) {
        std::ofstream(place.path() / "file", std::ios::binary) << content;
        return place.path() / "file";
    }
    Result<Image> import(const ImportSource& source, const std::string& name = "cloud") {
        return import_image(name, source, store, {programs, say, clock, random});
    }
    std::string refusal(const ImportSource& source) {
        const auto image = import(source);
        EXPECT_TRUE(store.list()->empty()) << "nothing is left";
        return image ? "" : image.error().message;
    }

    TemporaryDirectory place;
    StopSign stop;
    Programs programs{stop};
    std::vector<std::string> said;
    Progress say = [this](std::string_view sentence) { said.emplace_back(sentence); };
    ManualClock clock{TimePoint(std::chrono::seconds(1'000'000'000))};
    SeededRandom random{1};
    ImageStore store{place.path() / "images"};
};

TEST_F(Import, AQcow2BecomesAnImageThatBootsByItsOwnLoader) {
    const std::string disk = make({"-f", "qcow2"});
    const auto image = import({.file = disk, .url = "", .sha256 = describe_file(disk)->sha256});
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->seed, Seed::cloud_init);
    EXPECT_FALSE(image->boot);
    EXPECT_EQ(image->virtual_bytes, 8U * 1024 * 1024);
    EXPECT_EQ(image->made_at, "2001-09-09T01:46:40.000Z");
    EXPECT_THAT(image->made_from, HasSubstr("disk.img (SHA-256 "));
    EXPECT_EQ(*store.find("cloud"), *image);
    EXPECT_FALSE(said.empty());
}

TEST_F(Import, ARawDiskBecomesAQcow2) {
    const auto image = import({.file = raw_disk(), .url = "", .sha256 = ""});
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->virtual_bytes, 1024U * 1024);
    EXPECT_TRUE(is_qcow2(read_small_file(image->path_of(image->disk), 10'000'000)->substr(0, 100)));
}

// Whoever runs the machine would read those files of the host into it.
TEST_F(Import, ADiskThatNamesOtherFilesIsRefused) {
    make({"-f", "qcow2"}, "base");
    EXPECT_THAT(refusal({.file = make({"-f", "qcow2", "-b", "base", "-F", "qcow2"}), .url = "", .sha256 = ""}),
                HasSubstr("backing file"));
    EXPECT_THAT(
        refusal({.file = make({"-u", "-f", "qcow2", "-b", "/etc/shadow", "-F", "raw"}), .url = "", .sha256 = ""}),
        HasSubstr("backing file"));
    EXPECT_THAT(
        refusal(
            {.file = make({"-f", "qcow2", "-o", "data_file=data.raw,data_file_raw=on"}), .url = "", .sha256 = ""}),
        HasSubstr("data are in another file"));
    const std::string vmdk = "# Disk DescriptorFile\nversion=1\nRW 63 FLAT \"/etc/shadow\" 0\n";
    EXPECT_THAT(refusal({.file = put(vmdk), .url = "", .sha256 = ""}), HasSubstr("VMDK"));
}

TEST_F(Import, WhatIsNoDiskIsRefusedByWhatItIs) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "neither"},
        {"hello", "neither"},
        {std::string("\x1f\x8b\x08", 3), "gzip"},
        {std::string("\xfd") + "7zXZ", "xz"},
        {std::string("QFI\xfb\0\0\0\3", 8), "cut off"},
        {std::string("QFI\xfb\0\0\0\1", 8) + std::string(200, '\0'), "other than 2 and 3"},
        {std::string(32'769, '\0') + "CD001", "ISO 9660"},
    };
    for (const auto& [content, word] : cases) {
        EXPECT_THAT(refusal({.file = put(content), .url = "", .sha256 = ""}), HasSubstr(word));
    }
    EXPECT_THAT(refusal({.file = place.path(), .url = "", .sha256 = ""}), HasSubstr("is no file"));
    EXPECT_THAT(refusal({.file = place.path() / "absent", .url = "", .sha256 = ""}), HasSubstr("does not exist"));
}

TEST_F(Import, AChecksumThatIsAnotherIsRefused) {
    EXPECT_THAT(refusal({.file = raw_disk(), .url = "", .sha256 = std::string(64, '0')}),
                HasSubstr("not what was said"));
    EXPECT_THAT(refusal({.file = raw_disk(), .url = "", .sha256 = "00"}), HasSubstr("64 hexadecimal digits"));
    EXPECT_THAT(refusal({}), HasSubstr("either a file or a URL"));
    EXPECT_FALSE(import({.file = raw_disk(), .url = "", .sha256 = ""}, "No Name"));
}

TEST_F(Import, UrlsAreOfHttpWithoutAPassword) {
    EXPECT_EQ(fault_of_url("https://example.org/disk.qcow2?a=b", false), "");
    EXPECT_EQ(fault_of_url("http://example.org/disk.qcow2", true), "");
    EXPECT_THAT(fault_of_url("http://example.org/disk.qcow2", false), HasSubstr("SHA-256 is needed"));
    EXPECT_THAT(fault_of_url("https://me:word@example.org/", true), HasSubstr("password"));
    for (const char* url : {"file:///etc/shadow", "ftp://example.org/", "-o/etc/passwd", "", "https://",
                            "https:///a", "https://example.org/a b", "https://example.org/a\n"}) {
        EXPECT_NE(fault_of_url(url, true), "") << url;
    }
    EXPECT_THAT(refusal({.file = {}, .url = "file:///etc/shadow", .sha256 = ""}), HasSubstr("http"));
}

TEST_F(Import, WhatIsStoppedLeavesNothing) {
    stop.raise();
    EXPECT_EQ(import({.file = raw_disk(), .url = "", .sha256 = ""}).error().code, ErrorCode::cancelled);
    EXPECT_TRUE(store.list()->empty());
    EXPECT_TRUE(fs::is_empty(place.path() / "images"));
}

TEST_F(Import, TheDisksThatRestOnABuildAreFound) {
    const auto image = import({.file = raw_disk(), .url = "", .sha256 = ""});
    ASSERT_TRUE(image);
    const fs::path machines = place.path() / "state" / "machines" / "m1";
    const auto rests = [&] { return *rests_below(image->directory, place.path() / "state", {"images"}); };
    EXPECT_FALSE(rests()) << "there is no such directory";
    fs::create_directories(machines);
    std::ofstream(machines / "console.log") << "text";
    EXPECT_FALSE(rests());
    const auto overlay = programs.run({.words = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                                                 image->path_of(image->disk), machines / "disk.qcow2"}});
    ASSERT_TRUE(overlay) << overlay.error().message;
    EXPECT_TRUE(rests());
    // By a relative name, and by way of the link.
    const std::string relative = fs::relative(place.path() / "images" / "cloud" / "disk.qcow2", machines);
    ASSERT_TRUE(programs.run({.words = {"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b",
                                        relative, machines / "disk.qcow2", "8M"}}));
    EXPECT_TRUE(rests());
    EXPECT_FALSE(*rests_below(image->directory, place.path() / "state", {"machines"}));
    std::ofstream(machines / "disk.qcow2") << "QFI\xfb";
    EXPECT_TRUE(rests()) << "of a damaged one nobody knows";
    fs::remove(machines / "disk.qcow2");
    EXPECT_FALSE(rests());
}

TEST_F(Import, ProgramsThatFailOrAreMissingSaySo) {
    const Status have = programs.have({"qemu-img", "no-such-program", "mke2fs", "nor-this"});
    ASSERT_FALSE(have);
    EXPECT_EQ(have.error().message,
              "no-such-program, nor-this are not installed: apt-get install no-such-program nor-this");
    const auto failed = programs.run({.words = {"qemu-img", "info", "/nonexistent"}});
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, testing::StartsWith("qemu-img failed (status 1):\n    "));
    const auto late = programs.run({.words = {"/bin/sleep", "60"}, .limit = std::chrono::seconds(0)});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::timeout);
}

}  // namespace
}  // namespace slipway::images
