#include "images/tree.h"

#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/temporary_directory_test_support.h"
#include "images/disk.h"
#include "images/files.h"
#include "images/image.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Tree example() {
    Tree tree;
    tree.file("etc/shadow", "secret\n", 0600);
    tree.directory("tmp", 01777);
    tree.file("bin/tool", std::string(5000, 'x'), 0755);
    tree.link("sbin", "bin");
    tree.file("bin/[", "");
    return tree;
}

TEST(Tree, NodesComeAfterTheirDirectories) {
    Tree tree = example();
    tree.file("bin-other/x", "");
    std::vector<std::string> paths;
    for (const auto& [path, node] : tree.nodes()) paths.push_back(path);
    EXPECT_EQ(paths, (std::vector<std::string>{"bin", "bin-other", "bin-other/x", "bin/[", "bin/tool", "etc",
                                               "etc/shadow", "sbin", "tmp"}));
    tree.remove("bin");
    EXPECT_EQ(tree.nodes().size(), 6U) << "and what only begins with its name stays";
}

class Archives : public testing::Test {
  protected:
    // What the system's own programs find in an archive.
    std::string listing(const std::vector<std::string>& words, const std::string& archive) {
        std::string said;
        std::string_view left = archive;
        Streams streams;
        streams.feed = [&] { return std::exchange(left, std::string_view()); };
        streams.take = [&](std::string_view piece) {
            said += piece;
            return true;
        };
        const Ended ended = run_program({words, {"LC_ALL=C.UTF-8", "TZ=UTC"}, "", Secret()}, streams, stop,
                                        std::chrono::steady_clock::now() + std::chrono::seconds(30));
        EXPECT_TRUE(ended.well()) << ended.complaints << ended.why;
        return said;
    }
    std::string put(const std::string& name, const std::string& content) {
        std::ofstream(place.path() / name, std::ios::binary) << content;
        return place.path() / name;
    }

    TemporaryDirectory place;
    StopSign stop;
};

TEST_F(Archives, TarReadsOurs) {
    EXPECT_EQ(listing({"/bin/tar", "-tv", "--numeric-owner", "-f", "-"}, tar_of(example())),
              "drwxr-xr-x 0/0               0 2020-01-01 00:00 bin/\n"
              "-rw-r--r-- 0/0               0 2020-01-01 00:00 bin/[\n"
              "-rwxr-xr-x 0/0            5000 2020-01-01 00:00 bin/tool\n"
              "drwxr-xr-x 0/0               0 2020-01-01 00:00 etc/\n"
              "-rw------- 0/0               7 2020-01-01 00:00 etc/shadow\n"
              "lrwxrwxrwx 0/0               0 2020-01-01 00:00 sbin -> bin\n"
              "drwxrwxrwt 0/0               0 2020-01-01 00:00 tmp/\n");
}

TEST_F(Archives, LongPathsAreCutAtASlashOrSaidBefore) {
    Tree tree;
    const std::string path = std::string(90, 'a') + "/" + std::string(90, 'b');
    tree.file(path, "");
    tree.file(std::string(101, 'c'), "");
    tree.link("d", std::string(300, 'e'));
    const std::string listed = listing({"/bin/tar", "-tv", "-f", "-"}, tar_of(tree));
    EXPECT_THAT(listed, HasSubstr(" " + path + "\n"));
    EXPECT_THAT(listed, HasSubstr(" " + std::string(101, 'c') + "\n"));
    EXPECT_THAT(listed, HasSubstr(" d -> " + std::string(300, 'e') + "\n"));
    Tree read;
    fs::create_directory(place.path() / "long");
    ASSERT_TRUE(add_tar(read, put("long.tar", tar_of(tree)), place.path() / "long", stop));
    EXPECT_EQ(read.nodes().at("d").content, std::string(300, 'e'));
}

// Every header of 110 bytes, its name and its content begin at a multiple of four; numbers are hexadecimal digits.
TEST_F(Archives, TheInitrdHasTheFormThatTheKernelReads) {
    const std::string archive = cpio_of(example());
    EXPECT_EQ(archive.size() % 4, 0U);
    std::vector<std::string> entries;
    std::size_t at = 0;
    while (entries.empty() || !entries.back().ends_with("TRAILER!!!")) {
        ASSERT_EQ(archive.substr(at, 6), "070701") << at;
        const auto number = [&](std::size_t field) {
            return std::stoul(archive.substr(at + 6 + field * 8, 8), nullptr, 16);
        };
        const std::size_t content = number(6);
        const std::size_t name = number(11);
        const std::string path = archive.substr(at + 110, name - 1);
        EXPECT_EQ(archive[at + 110 + name - 1], '\0');
        entries.push_back(fmt::format("{:o} {}:{} {} {}", number(1), number(2), number(3), content, path));
        at = (at + 110 + name + 3) / 4 * 4;
        if (path == "etc/shadow") EXPECT_EQ(archive.substr(at, content), "secret\n");
        if (path == "sbin") EXPECT_EQ(archive.substr(at, content), "bin");
        at = (at + content + 3) / 4 * 4;
    }
    EXPECT_EQ(at, archive.size());
    EXPECT_EQ(entries,
              (std::vector<std::string>{"40755 0:0 0 bin", "100644 0:0 0 bin/[", "100755 0:0 5000 bin/tool",
                                        "40755 0:0 0 etc", "100600 0:0 7 etc/shadow", "120777 0:0 3 sbin",
                                        "41777 0:0 0 tmp", "0 0:0 0 TRAILER!!!"}));
}

TEST_F(Archives, OursIsReadAsItWasWritten) {
    Tree tree;
    const std::string tar = put("a.tar", tar_of(example()));
    fs::create_directory(place.path() / "scratch");
    ASSERT_TRUE(add_tar(tree, tar, place.path() / "scratch", stop));
    const Tree wanted = example();
    ASSERT_EQ(tree.nodes().size(), wanted.nodes().size());
    for (const auto& [path, node] : wanted.nodes()) {
        const Node& read = tree.nodes().at(path);
        EXPECT_EQ(read.type, node.type) << path;
        EXPECT_EQ(read.attributes.mode, node.attributes.mode) << path;
        EXPECT_EQ(read.attributes.time, node.attributes.time) << path;
        if (node.type == Node::Type::file) {
            EXPECT_EQ(*read_small_file(read.source, 10'000), node.content) << path;
        } else {
            EXPECT_EQ(read.content, node.content) << path;
        }
    }
}

// What is too large to be held is written piece by piece, and is the same.
TEST_F(Archives, TarIsWrittenOfFilesAsOfContents) {
    Tree held = example();
    const std::string content(70'000, 'x');
    held.file("large", content);
    Tree lying = example();
    Node node{.type = Node::Type::file, .source = put("source", content)};
    lying.put("large", node);
    ASSERT_TRUE(write_tar(lying, place.path() / "lying.tar", stop));
    EXPECT_EQ(*read_small_file(place.path() / "lying.tar", 1'000'000), tar_of(held));
    node.source = place.path() / "none";
    lying.put("large", node);
    EXPECT_EQ(write_tar(lying, place.path() / "lying.tar", stop).error().code, ErrorCode::not_found);
}

// As the programs make them that archives of root file systems come from.
TEST_F(Archives, TheFormsOfOthersAreRead) {
    const fs::path tree_place = place.path() / "tree";
    const std::string name = std::string(60, 'd') + "/" + std::string(150, 'f');
    fs::create_directories(tree_place / std::string(60, 'd'));
    std::ofstream(tree_place / name) << "content";
    fs::create_hard_link(tree_place / name, tree_place / "hard");
    fs::create_symlink(std::string(200, 't'), tree_place / "link");
    for (const char* form : {"pax", "gnu", "oldgnu"}) {
        const std::string archive =
            listing({"/bin/tar", "-c", "--sort=name", "--owner=1000", "--group=3000000", "--mtime=@1000000000",
                     std::string("--format=") + form, "-C", tree_place, "-f", "-", "."},
                    "");
        Tree tree;
        const fs::path scratch = place.path() / form;
        fs::create_directory(scratch);
        const Status added = add_tar(tree, put("b.tar", archive), scratch, stop);
        ASSERT_TRUE(added) << form << ": " << added.error().message;
        ASSERT_TRUE(tree.nodes().contains(name)) << form;
        const Node& file = tree.nodes().at(name);
        EXPECT_EQ(file.attributes.uid, 1000U);
        EXPECT_EQ(file.attributes.gid, 3'000'000U) << form;
        EXPECT_EQ(file.attributes.time, 1'000'000'000);
        EXPECT_EQ(*read_small_file(file.source, 100), "content");
        EXPECT_EQ(*read_small_file(tree.nodes().at("hard").source, 100), "content");
        EXPECT_EQ(tree.nodes().at("link").content, std::string(200, 't'));
    }
}

TEST_F(Archives, DamagedOnesAndThoseThatLeadOutAreRefused) {
    const auto fault = [&](const std::string& archive) {
        Tree tree;
        fs::create_directories(place.path() / "out");
        const Status added = add_tar(tree, put("c.tar", archive), place.path() / "out", stop);
        return added ? std::string() : added.error().message;
    };
    const std::string whole = tar_of(example());
    EXPECT_EQ(fault(whole), "");
    EXPECT_THAT(fault(""), HasSubstr("no end"));
    EXPECT_THAT(fault(whole.substr(0, 700)), HasSubstr("damaged archive"));
    EXPECT_THAT(fault(whole.substr(0, 3000)), HasSubstr("damaged archive"));
    std::string changed = whole;
    changed[3] ^= 1;
    EXPECT_THAT(fault(changed), HasSubstr("what its sum says"));
    Tree out;
    out.put("../etc/passwd", {.type = Node::Type::file, .attributes = {}, .content = "x"});
    EXPECT_THAT(fault(tar_of(out)), HasSubstr("leads out"));
}

class RootDisk : public Archives {
  protected:
    RootDisk() { fs::create_directory(scratch); }
    Status make(const Tree& tree, const fs::path& raw) {
        const FileSystem wanted{"label", "5b2f7d34-9a0c-4f6e-8d15-6c1a2e90b3d7", 16UL * 1024 * 1024};
        return make_root_disk(programs, tree, wanted, scratch, raw);
    }
    std::string look(const std::string& command, const fs::path& raw) {
        const auto said = programs.run({.words = {"debugfs", "-R", command, raw}});
        return said ? said->output : said.error().message;
    }
    fs::path scratch = place.path() / "files";
    fs::path one = place.path() / "one.raw";
    fs::path two = place.path() / "two.raw";
    Programs programs{stop};
};

TEST_F(RootDisk, HoldsTheTreeAndIsTheSameEachTime) {
    Tree tree = example();
    tree.put("var/a \"b\" c", {.type = Node::Type::file,
                               .attributes = {.mode = 0640, .uid = 1000, .gid = 3'000'000, .time = 1'000'000'000},
                               .content = "quoted"});
    ASSERT_TRUE(make(tree, one)) << make(tree, one).error().message;
    EXPECT_EQ(look("cat /etc/shadow", one), "secret\n");
    EXPECT_EQ(look("cat \"/var/a \"\"b\"\" c\"", one), "quoted");
    EXPECT_THAT(look("stat \"/var/a \"\"b\"\" c\"", one),
                testing::AllOf(HasSubstr("Mode:  0640"), HasSubstr("User:  1000"), HasSubstr("Group: 3000000"),
                               HasSubstr("mtime: 0x3b9aca00")));
    EXPECT_THAT(look("stat /etc/shadow", one), testing::AllOf(HasSubstr("Mode:  0600"), HasSubstr("User:     0")));
    EXPECT_THAT(look("stat /tmp", one), HasSubstr("Mode:  01777"));
    EXPECT_THAT(look("stat /sbin", one), HasSubstr("Fast link dest: \"bin\""));
    ASSERT_TRUE(make(tree, two));
    EXPECT_EQ(describe_file(one)->sha256, describe_file(two)->sha256);
}

TEST_F(RootDisk, WhatDoesNotFitIsSaid) {
    Tree tree;
    tree.file("large", std::string(32UL * 1024 * 1024, 'x'));
    const Status made = make(tree, one);
    ASSERT_FALSE(made) << "debugfs itself ends well";
    EXPECT_THAT(made.error().message, HasSubstr("debugfs failed"));
}

}  // namespace
}  // namespace slipway::images
