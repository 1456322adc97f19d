#include "images/image.h"

#include <fstream>

#include <gmock/gmock.h>

#include "base/json.h"
#include "base/temporary_directory_test_support.h"
#include "images/image_test_support.h"

namespace slipway::images {
namespace {

using testing::HasSubstr;

json::object good() { return json::parse(write_image(example()))->get_object(); }

// What is wrong, as `field problem`, with the document after `change`.
std::vector<std::string> faults(const std::function<void(json::object&)>& change) {
    json::object document = good();
    change(document);
    const auto read = read_image(json::dump(document));
    if (read) return {};
    std::vector<std::string> all;
    for (const FieldProblem& each : read.error().problems) all.push_back(each.field + " " + each.problem);
    if (all.empty()) all.push_back(read.error().message);
    return all;
}

json::object& part(json::object& document, std::string_view key) { return document[key].get_object(); }

TEST(ImageJson, IsReadAsItWasWritten) {
    Image image = example();
    EXPECT_EQ(read_image(write_image(image)), image);
    image.warm = true;
    EXPECT_EQ(read_image(write_image(image)), image);
    image.warm = false;
    image.boot.reset();
    image.cmdline.clear();
    image.rootfs.reset();
    image.seed = Seed::cloud_init;
    EXPECT_EQ(read_image(write_image(image)), image);
}

TEST(ImageJson, HasTheFormThatIsDocumented) {
    const auto read = read_image(R"({"format": 1, "name": "tiny", "architecture": "x86_64", "seed": "slipway",
        "disk": {"file": "disk.qcow2", "bytes": 7995392, "virtual_bytes": 67108864,
                 "sha256": "00000000000000000000000000000000000000000000000000000000000000ff"},
        "made_at": "2026-11-30T02:48:00Z", "made_from": "a test"})");
    ASSERT_TRUE(read) << in_one_line(read.error());
    EXPECT_EQ(read->virtual_bytes, 67'108'864U);
    EXPECT_FALSE(read->boot);
}

TEST(ImageJson, EveryFaultIsNamed) {
    const auto all = faults([](json::object& document) {
        document["name"] = "../tiny";
        document["architecture"] = "z80";
        document["seed"] = nullptr;
        document["made_at"] = "yesterday";
        document["extra"] = 1;
        part(document, "disk")["sha256"] = "00FF";
        part(document, "disk").erase("bytes");
        part(document, "kernel")["file"] = "../../etc/shadow";
        document.erase("initrd");
    });
    EXPECT_THAT(all, testing::UnorderedElementsAre(
                         HasSubstr("name must be 1 to 63"), HasSubstr("architecture must be"),
                         HasSubstr("seed must be"), HasSubstr("made_at must be"), HasSubstr("extra is no member"),
                         HasSubstr("disk.sha256 must have"), HasSubstr("disk.bytes is missing"),
                         HasSubstr("kernel.file must be"), HasSubstr("initrd is missing")));
}

TEST(ImageJson, HostileOnesAreRefused) {
    for (const char* text : {"", "[]", "null", "{", "{}", R"({"format":2})", R"({"format":"1"})"}) {
        EXPECT_FALSE(read_image(text)) << text;
    }
    using Change = std::function<void(json::object&)>;
    const std::vector<std::pair<std::string, Change>> changes{
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = "a/b"; }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = ".."; }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = ""; }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = "-rf"; }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = "image.json"; }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = std::string("a\0b", 3); }},
        {"disk.file", [](auto& d) { part(d, "disk")["file"] = "disk,file=x"; }},
        {"kernel.file", [](auto& d) { part(d, "kernel")["file"] = "disk.qcow2"; }},
        {"disk.bytes", [](auto& d) { part(d, "disk")["bytes"] = 0; }},
        {"disk.bytes", [](auto& d) { part(d, "disk")["bytes"] = -1; }},
        {"disk.bytes", [](auto& d) { part(d, "disk")["bytes"] = 1.5; }},
        {"disk.bytes", [](auto& d) { part(d, "disk")["bytes"] = UINT64_MAX; }},
        {"disk.virtual_bytes", [](auto& d) { part(d, "disk")["virtual_bytes"] = 513; }},
        {"disk.more", [](auto& d) { part(d, "disk")["more"] = ""; }},
        {"disk", [](auto& d) { d["disk"] = "disk.qcow2"; }},
        {"cmdline", [](auto& d) { d["cmdline"] = "quiet\ninit=/bin/sh"; }},
        {"cmdline", [](auto& d) { d["cmdline"] = std::string(1025, 'a'); }},
        {"warm", [](auto& d) { d["warm"] = "yes"; }},
        {"cmdline",
         [](auto& d) {
             d.erase("kernel");
             d.erase("initrd");
         }},
        {"rootfs.file", [](auto& d) { part(d, "rootfs")["file"] = "disk.qcow2"; }},
        {"made_from", [](auto& d) { d["made_from"] = std::string(4097, 'a'); }},
        {"made_at", [](auto& d) { d["made_at"] = "2026-11-30T02:48:00"; }},
        {"made_at", [](auto& d) { d["made_at"] = "2026-11-30T02:48:00.Z"; }},
        {"name", [](auto& d) { d.erase("name"); }},
    };
    for (const auto& [field, change] : changes) {
        const auto all = faults(change);
        ASSERT_EQ(all.size(), 1U) << field;
        EXPECT_TRUE(all.front().starts_with(field + " ")) << field << ": " << all.front();
    }
}

TEST(ImageName, IsWhatADirectoryAndALinkMayBeCalled) {
    for (const char* name : {"a", "0", "tiny", "debian-12.7", "a..b", "a-"})
        EXPECT_TRUE(valid_image_name(name)) << name;
    EXPECT_TRUE(valid_image_name(std::string(63, 'a')));
    for (const char* name : {"", ".", "..", ".a", "-a", "A", "a b", "a/b", "a@b", "a_b", "ä", "a\n"}) {
        EXPECT_FALSE(valid_image_name(name)) << name;
    }
    EXPECT_FALSE(valid_image_name(std::string(64, 'a')));
}

TEST(ContentId, IsOfWhatAMachineSees) {
    const Image image = example();
    Image same = image;
    same.name = "other";
    same.made_at = "2027-01-01T00:00:00Z";
    same.made_from = "others";
    EXPECT_EQ(content_id(same), content_id(image));
    EXPECT_EQ(content_id(image).size(), 16U);
    for (const auto& change : std::vector<std::function<void(Image&)>>{
             [](Image& other) { other.cmdline += "x"; }, [](Image& other) { other.boot->initrd.sha256[0] ^= 1; },
             [](Image& other) { other.disk.sha256[0] ^= 1; }, [](Image& other) { other.seed = Seed::cloud_init; },
             [](Image& other) { other.warm = true; }, [](Image& other) { other.rootfs.reset(); },
             [](Image& other) { other.virtual_bytes += 512; }}) {
        Image other = image;
        change(other);
        EXPECT_NE(content_id(other), content_id(image));
    }
}

class OpenImage : public testing::Test {
  protected:
    OpenImage() { image = put_example(place.path()); }
    std::string message() const {
        const auto opened = open_image(place.path());
        return opened ? "" : in_one_line(opened.error());
    }
    TemporaryDirectory place;
    Image image;
};

TEST_F(OpenImage, AnswersWhatLiesThere) {
    const auto opened = open_image(place.path());
    ASSERT_TRUE(opened) << message();
    EXPECT_EQ(opened->directory, place.path());
    EXPECT_EQ(opened->path_of(opened->disk), place.path() / "disk.qcow2");
    EXPECT_TRUE(check_contents(*opened));
}

TEST_F(OpenImage, NamesTheFileThatIsNotAsItShouldBe) {
    std::filesystem::resize_file(place.path() / "vmlinuz", 1);
    EXPECT_THAT(message(), HasSubstr("vmlinuz has 1 bytes, and image.json says"));
    std::filesystem::remove(place.path() / "vmlinuz");
    EXPECT_THAT(message(), HasSubstr("vmlinuz does not exist"));
    std::filesystem::create_symlink("/etc/passwd", place.path() / "vmlinuz");
    EXPECT_THAT(message(), HasSubstr("vmlinuz is a symbolic link"));
    std::filesystem::remove(place.path() / "vmlinuz");
    std::filesystem::create_directory(place.path() / "vmlinuz");
    EXPECT_THAT(message(), HasSubstr("vmlinuz is no file"));
    std::ofstream(place.path() / "image.json") << "{}";
    EXPECT_THAT(message(), HasSubstr("image.json: describes no image: format must be 1"));
    std::filesystem::remove(place.path() / "image.json");
    EXPECT_EQ(open_image(place.path()).error().code, ErrorCode::not_found);
}

TEST_F(OpenImage, OnlyACheckSeesThatAByteChanged) {
    {
        std::fstream file(place.path() / "initrd", std::ios::in | std::ios::out);
        file.put('X');
    }
    const auto opened = open_image(place.path());
    ASSERT_TRUE(opened);
    const Status checked = check_contents(*opened);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("initrd is not what image.json says"));
}

}  // namespace
}  // namespace slipway::images
