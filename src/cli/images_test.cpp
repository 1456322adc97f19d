// The commands about machine images, with images that are made up.
#include "cli/images.h"

#include <gmock/gmock.h>

#include "cli/cli_test_support.h"
#include "cli/completion.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

class SomeImages final : public LocalImages {
  public:
    [[nodiscard]] bool valid_name(std::string_view name) const override { return !name.contains('/'); }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> recipes() const override {
        return {{"tiny", "small"}, {"debian", "whole"}};
    }
    Result<json::array> list(const std::string& state_dir) override {
        note("list", state_dir);
        return json::array{image(), json::object{{"name", "worn"}, {"problem", "disk.qcow2 does not exist"}}};
    }
    Result<json::object> show(const std::string& state_dir, const std::string& name) override {
        note("show " + name, state_dir);
        if (problem) return slipway::fail(*problem);
        if (name == "worn") return json::object{{"name", "worn"}, {"problem", "disk.qcow2 does not exist"}};
        return image();
    }
    Status check(const std::string& state_dir, const std::string& name) override {
        note("check " + name, state_dir);
        return problem ? Status(slipway::fail(*problem)) : Status();
    }
    Result<json::object> build(const std::string& state_dir, const std::string& name,
                               const LongWork& work) override {
        note("build " + name, state_dir);
        work.say("downloading the kernel");
        work.say("making the disk");
        if (problem) return slipway::fail(*problem);
        return image();
    }
    Result<json::object> import(const std::string& state_dir, const ImageOptions& options,
                                const LongWork&) override {
        note("import " + options.name + " " + options.file + options.url + " " + options.sha256, state_dir);
        if (problem) return slipway::fail(*problem);
        return image();
    }
    Status remove(const std::string& state_dir, const std::string& name) override {
        note("remove " + name, state_dir);
        return problem ? Status(slipway::fail(*problem)) : Status();
    }

    std::vector<std::string> asked;
    std::optional<Error> problem;

  private:
    void note(const std::string& what, const std::string& state_dir) { asked.push_back(what + " in " + state_dir); }
    static json::object image() {
        return json::
            parse(R"({"name":"tiny","seed":"slipway","problem":null,"directory":"/state/images/tiny@0123456789abcdef",)"
                  R"("disk":{"file":"disk.qcow2","bytes":7995392,"virtual_bytes":67108864,"sha256":"00ff"},)"
                  R"("kernel":{"file":"vmlinuz","bytes":14190528,"sha256":"11ff"},"cmdline":"quiet",)"
                  R"("initrd":{"file":"initrd","bytes":1254737,"sha256":"22ff"},"made_at":"2016-05-20T04:28:03.758Z",)"
                  R"("made_from":"linux-image 6.1"})")
                ->get_object();
    }
};

class ImagesTest : public CliTest {
  protected:
    ImagesTest() { environment.images = &images; }
    SomeImages images;
};

TEST_F(ImagesTest, AreListedWithTheirState) {
    time = *parse_time("2016-05-20T06:30:00Z");
    EXPECT_EQ(run({"images", "ls", "--state-dir", "/state"}), 0) << err.str();
    EXPECT_EQ(out.str(),
              "IMAGE  STATE    SEED     BOOTS BY    DISK      SIZE  CONTAINERS  AGE\n"
              "tiny   ok       slipway  kernel    64 MiB  22.4 MiB  no          2h\n"
              "worn   damaged  -        -              -         -  no          -\n");
    EXPECT_EQ(images.asked, std::vector<std::string>{"list in /state"});
    EXPECT_EQ(run({"images", "ls", "-o", "name"}), 0);
    EXPECT_EQ(out.str(), "tiny\nworn\n");
    EXPECT_EQ(images.asked.back(), "list in " + place + "/.local/state/slipway");
    EXPECT_EQ(run({"images", "ls", "--json"}), 0);
    const auto parsed = json::parse(out.str());
    ASSERT_TRUE(parsed && parsed->is_array());
    EXPECT_EQ(parsed->get_array().size(), 2U);
}

TEST_F(ImagesTest, OneIsShownWithItsChecksums) {
    EXPECT_EQ(run({"images", "show", "tiny"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("disk.qcow2, 7.6 MiB, SHA-256 00ff"));
    EXPECT_THAT(out.str(), HasSubstr("vmlinuz, 13.5 MiB, SHA-256 11ff"));
    EXPECT_EQ(run({"images", "show", "tiny", "--check"}), 0);
    EXPECT_THAT(images.asked.back(), HasSubstr("check tiny"));
    EXPECT_EQ(run({"images", "show", "worn", "--check"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("worn is damaged: disk.qcow2 does not exist"));
    EXPECT_EQ(run({"images", "show", "tiny", "--json"}), 0);
    EXPECT_EQ(json::get_string(json::parse(out.str())->get_object(), "directory"),
              "/state/images/tiny@0123456789abcdef");
}

TEST_F(ImagesTest, ABuildSaysHowFarItIs) {
    EXPECT_EQ(run({"images", "build", "tiny", "--state-dir", "/state"}), 0) << err.str();
    EXPECT_EQ(err.str(), "tiny: downloading the kernel\ntiny: making the disk\n");
    EXPECT_EQ(out.str(), "tiny is built: 22.4 MiB in /state/images/tiny@0123456789abcdef\n");
    EXPECT_EQ(run({"images", "build", "tiny", "--quiet", "--json"}), 0);
    EXPECT_EQ(err.str(), "");
    EXPECT_TRUE(json::parse(out.str()));
}

TEST_F(ImagesTest, WhatFailsSaysWhyAndEndsAsDocumented) {
    using Case = std::tuple<ErrorCode, int>;
    for (const auto& [code, status] :
         {Case{ErrorCode::unavailable, 1}, Case{ErrorCode::invalid_argument, 1}, Case{ErrorCode::not_found, 3},
          Case{ErrorCode::cancelled, 130}, Case{ErrorCode::conflict, 1}}) {
        images.problem = Error{code, "the reason", "", {}};
        EXPECT_EQ(run({"images", "build", "tiny"}), status);
        EXPECT_THAT(err.str(), HasSubstr(code == ErrorCode::cancelled ? "interrupted" : "slipway: the reason"));
        EXPECT_EQ(run({"images", "import", "x", "--file", "/x"}), status);
        EXPECT_EQ(run({"images", "rm", "tiny"}), status);
        EXPECT_EQ(run({"images", "show", "tiny"}), status);
        EXPECT_EQ(out.str(), "");
    }
}

TEST_F(ImagesTest, WhatCannotBeMeantIsWrongUsage) {
    EXPECT_EQ(run({"images", "build", "windows"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("one of: tiny, debian"));
    EXPECT_EQ(run({"images", "import", "x"}), 2);
    EXPECT_EQ(run({"images", "import", "x", "--file", "/x", "--url", "https://example.org/"}), 2);
    EXPECT_EQ(run({"images", "import", "../x", "--file", "/x"}), 2);
    EXPECT_EQ(run({"images", "show", "../x"}), 2);
    EXPECT_EQ(run({"images", "rm"}), 2);
    EXPECT_EQ(run({"images"}), 2);
    EXPECT_TRUE(images.asked.empty());
    environment.images = nullptr;
    EXPECT_EQ(run({"images", "ls"}), 1);
}

TEST_F(ImagesTest, ImportsAndRemovalsAreToldInOneLine) {
    EXPECT_EQ(
        run({"images", "import", "x", "--url", "https://example.org/d", "--sha256", "00", "--state-dir", "/s"}), 0);
    EXPECT_EQ(images.asked.back(), "import x https://example.org/d 00 in /s");
    EXPECT_EQ(out.str(), "tiny is imported: 22.4 MiB in /state/images/tiny@0123456789abcdef\n");
    EXPECT_EQ(run({"images", "rm", "tiny"}), 0);
    EXPECT_EQ(out.str(), "tiny is removed\n");
    EXPECT_EQ(run({"images", "rm", "tiny", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"removed\":\"tiny\"}\n");
}

TEST_F(ImagesTest, NamesAreCompletedWithoutAServer) {
    const auto offered = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "__complete");
        EXPECT_EQ(run(std::move(words)), 0);
        return out.str();
    };
    EXPECT_EQ(offered({"images", "build", ""}), "tiny\tsmall\ndebian\twhole\n");
    EXPECT_EQ(offered({"images", "show", "--state-dir", "/state", "w"}), "worn\n");
    EXPECT_EQ(images.asked.back(), "list in /state");
    EXPECT_EQ(offered({"images", "import", "x", "--file", ""}), ":files\n");
    environment.images = nullptr;
    EXPECT_EQ(offered({"images", "rm", ""}), "");
}

TEST_F(ImagesTest, BytesAreTextForPeople) {
    EXPECT_EQ(bytes_text(0), "0 bytes");
    EXPECT_EQ(bytes_text(1023), "1023 bytes");
    EXPECT_EQ(bytes_text(64LL << 20), "64 MiB");
    EXPECT_EQ(bytes_text(1536), "1.5 KiB");
    EXPECT_EQ(bytes_text(2LL << 40), "2 TiB");
}

}  // namespace
}  // namespace slipway::cli
