// What the helper does for containers, without running one: ids, disks, the files of images. The rest is in
// tests/conformance/provider, with an image.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/loop.h"
#include "agent/server.h"
#include "agent/testing.h"
#include "agent/tool.h"
#include "agent/user_space.h"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;
using slipway::testing::eventually;
using slipway::testing::file_text;
using slipway::testing::TempRoot;
using ::testing::HasSubstr;

constexpr uid_t kFirst = kContainerUids;

class ContainerPartsTest : public ::testing::Test {
  protected:
    TempRoot temp_;
};

TEST_F(ContainerPartsTest, AUserSpaceMapsTheIdsThatItWasToldTo) {
    if (::geteuid() != 0) return;  // containers are made by root
    const Answer<UniqueFd> space = make_user_space(5, kFirst);
    ASSERT_TRUE(space) << space.error().message;
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::setns(space->get(), CLONE_NEWUSER) != 0) ::_exit(1);
        std::istringstream map(file_text("/proc/self/uid_map"));
        std::uint64_t inside = 0;
        std::uint64_t outside = 0;
        std::uint64_t count = 0;
        map >> inside >> outside >> count;
        ::_exit(inside == 5 && outside == kFirst && count == kIdCount ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ContainerPartsTest, ALoopDeviceGoesWithItsLastUse) {
    if (::geteuid() != 0) return;  // containers are made by root
    const std::string file = temp_.path() + "/disk";
    std::ofstream(file) << "";
    fs::resize_file(file, 1U << 20U);
    EXPECT_FALSE(has_loop(file));
    Loop loop = attach_loop(file);
    ASSERT_TRUE(loop.device) << "no loop devices (modprobe loop)";
    EXPECT_TRUE(has_loop(file));
    EXPECT_TRUE(fs::is_block_file(loop.path));
    loop.device.reset();
    EXPECT_TRUE(eventually([&] { return !has_loop(file); }));
    EXPECT_FALSE(attach_loop(temp_.path() + "/none").device);
}

class ContainerRootsTest : public ContainerPartsTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) return;
        fs::create_directories(images_);
        open();
        EXPECT_EQ(error(ask({{"verb", "check_containers"}})), "");
    }
    void open() {
        handler_.reset();
        Answer<Instances> instances = Instances::open(temp_.root(), {true, 0, 210'000, 210'010}, 0, nothing_);
        ASSERT_TRUE(instances) << instances.error().message;
        handler_.emplace(std::move(*instances),
                         std::map<std::string, std::string>{{"tar", "/bin/tar"}, {"mke2fs", "/sbin/mke2fs"}},
                         Machines::Places{temp_.root(), images_, 0, kFirst}, nothing_);
    }
    static void tar(std::vector<std::string> words) {
        const Answer<std::string> done = run_tool("/bin/tar", std::move(words), 5000);
        ASSERT_TRUE(done) << done.error().message;
    }
    [[nodiscard]] std::string tar_of(const std::string& image) const {
        fs::create_directories(images_ + "/" + image);
        return images_ + "/" + image + "/rootfs.tar";
    }
    [[nodiscard]] std::string unpacked(const std::string& image) const { return temp_.root() + "/.roots/" + image; }
    json::object ask(json::object request) {
        request["id"] = 1;
        return json::parse(handler_->handle(json::dump(request)))->as_object();
    }
    static json::object whose() { return {{"installation", "ins"}, {"resource", "res_1"}, {"generation", 1}}; }
    json::object create(const std::string& name, const std::string& image) {
        json::object meta = whose();
        meta["uid"] = 210'008;
        meta["image"] = image;
        return ask({{"verb", "create_instance"},
                    {"name", name},
                    {"meta", meta},
                    {"files", json::array{}},
                    {"template", "container"},
                    {"disk", json::object{{"image", image}, {"bytes", 64 << 20}}}});
    }
    json::object about(std::string_view verb, const std::string& name) {
        json::object request = whose();
        request["verb"] = verb;
        request["name"] = name;
        return request;
    }
    static std::string error(const json::object& answer) {
        const json::value* found = answer.if_contains("error");
        return found == nullptr ? "" : json::dump(*found);
    }

    const Checkpoint nothing_ = [](std::string_view) {};
    const std::string images_ = temp_.path() + "/images";
    std::optional<Handler> handler_;
};

TEST_F(ContainerRootsTest, AnImagesFilesBelongToNobodyOfThisHost) {
    if (::geteuid() != 0) return;  // containers are made by root
    const std::string from = temp_.path() + "/from";
    fs::create_directories(from + "/bin");
    std::ofstream(from + "/bin/su") << "as root";
    ASSERT_EQ(::chmod((from + "/bin/su").c_str(), 04755), 0);
    tar({"-cf", tar_of("good@1"), "-C", from, "bin"});
    ASSERT_EQ(error(create("one", "good@1")), "");
    struct stat seen{};
    ASSERT_EQ(::stat((unpacked("good@1") + "/data/bin/su").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_uid, kFirst);
    EXPECT_EQ(seen.st_mode & 07777U, 04755U) << "it is whole for who runs there";
    ASSERT_EQ(::stat(unpacked("good@1").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0700U);
    EXPECT_FALSE(fs::exists(unpacked("good@1") + "/log"));
    ASSERT_EQ(::stat((temp_.root() + "/one/data/disk").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_uid, 0U);
    EXPECT_EQ(seen.st_mode & 0777U, 0600U);
    EXPECT_EQ(seen.st_size, 64 << 20);
    EXPECT_LT(seen.st_blocks * 512, 8 << 20) << "sparse";
}

TEST_F(ContainerRootsTest, AnImageThatReachesOutReachesNothing) {
    if (::geteuid() != 0) return;  // containers are made by root
    const std::string outside = temp_.path() + "/outside";
    fs::create_directories(outside);
    const std::string from = temp_.path() + "/from";
    fs::create_directories(from + "/a");
    fs::create_directories(from + "/b/link");
    fs::create_directory_symlink(outside, from + "/a/link");
    std::ofstream(from + "/b/link/file") << "written";
    tar({"-cf", tar_of("evil@1"), "-C", from + "/a", "link"});
    tar({"-rf", tar_of("evil@1"), "-C", from + "/b", "link/file"});
    static_cast<void>(create("one", "evil@1"));
    EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(ContainerRootsTest, OneThatCannotBeUnpackedLeavesNothing) {
    if (::geteuid() != 0) return;  // containers are made by root
    std::ofstream(tar_of("broken@1")) << "no tar at all";
    EXPECT_THAT(error(create("one", "broken@1")), HasSubstr("could not be unpacked"));
    EXPECT_FALSE(fs::exists(unpacked("broken@1")));
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
    EXPECT_THAT(error(create("one", "none@1")), HasSubstr("has no rootfs.tar"));
    EXPECT_TRUE(fs::is_empty(temp_.root() + "/.roots"));
}

TEST_F(ContainerRootsTest, FilesOfAnImageThatIsGoneGoWithTheLastThatIsMadeOfThem) {
    if (::geteuid() != 0) return;  // containers are made by root
    const std::string from = temp_.path() + "/from";
    fs::create_directories(from + "/bin");
    tar({"-cf", tar_of("good@1"), "-C", from, "bin"});
    ASSERT_EQ(error(create("one", "good@1")), "");
    fs::remove_all(images_ + "/good@1");
    open();
    EXPECT_TRUE(fs::exists(unpacked("good@1"))) << "one is made of it";
    ASSERT_EQ(error(ask(about("remove_instance", "one"))), "");
    open();
    EXPECT_FALSE(fs::exists(unpacked("good@1")));
}

TEST_F(ContainerRootsTest, RefusesWhatItCannotBeTold) {
    if (::geteuid() != 0) return;  // containers are made by root
    const std::string from = temp_.path() + "/from";
    fs::create_directories(from + "/bin");
    tar({"-cf", tar_of("good@1"), "-C", from, "bin"});
    ASSERT_EQ(error(create("one", "good@1")), "");
    const auto start = [&](std::string_view key, json::value value) {
        json::object request = about("start_container", "one");
        for (const auto& [name, text] : {std::pair{"network", "0000beef"},
                                         {"subnet", "198.18.7.0/24"},
                                         {"gateway", "198.18.7.1"},
                                         {"address", "198.18.7.9"},
                                         {"mac", "52:54:00:00:00:01"},
                                         {"init", "busybox"},
                                         {"tag", "t"}}) {
            request[name] = text;
        }
        request["cpus"] = 1;
        request["memory"] = 64 << 20;
        request[key] = std::move(value);
        return error(ask(std::move(request)));
    };
    EXPECT_THAT(start("network", "../x"), HasSubstr("8 hexadecimal digits"));
    EXPECT_THAT(start("subnet", "198.18.0.0/8"), HasSubstr("from /16 to /29"));
    EXPECT_THAT(start("address", "::1"), HasSubstr("IPv4"));
    EXPECT_THAT(start("address", "198.18.8.9"), HasSubstr("not in the subnet"));
    EXPECT_THAT(start("address", "198.18.7.0"), HasSubstr("not in the subnet"));
    EXPECT_THAT(start("mac", "aa"), HasSubstr("MAC"));
    EXPECT_THAT(start("cpus", 0), HasSubstr("cpus must be from 1 to 64"));
    EXPECT_THAT(start("memory", 1), HasSubstr("memory from 67108864"));
    EXPECT_THAT(start("init", "/bin/sh"), HasSubstr("busybox or systemd"));
    EXPECT_THAT(start("resource", "res_2"), HasSubstr("belongs to something else"));
    EXPECT_THAT(start("name", "two"), HasSubstr("absent"));
    json::object end = about("end_container", "one");
    end["network"] = "0000beef";
    end["generation"] = 2;
    EXPECT_THAT(error(ask(end)), HasSubstr("belongs to something else"));
}

}  // namespace
}  // namespace slipway::agent
