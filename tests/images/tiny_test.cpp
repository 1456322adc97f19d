// What only a real machine shows: that it boots, becomes who it is told to be, and stays that without its volume.
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/temporary_directory_test_support.h"
#include "images/image_store.h"
#include "machine.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPassword = "pa ss\"w$rd`id`";

std::string hash_of(const std::string& password) {
    const Said said = run_to_end({"openssl", "passwd", "-6", "-salt", "abcdefgh", password});
    EXPECT_EQ(said.status, 0) << said.err;
    return said.out.substr(0, said.out.find('\n'));
}

std::string description(const std::string& login = "ada", const std::string& instance = "res_1") {
    return fmt::format(
        "HOSTNAME='m-1.example'\nINSTANCE='{}'\nADDRESS='10.0.2.15/"
        "24'\nGATEWAY='10.0.2.2'\nMAC='52:54:00:00:00:0A'\n"
        "LOGIN='{}'\nHASH='{}'\n",
        instance, login, hash_of(kPassword));
}

// Built once, by the program.
class Tiny : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        state = std::make_unique<TemporaryDirectory>();
        const Said built = build();
        ASSERT_EQ(built.status, 0) << built.err;
    }
    static void TearDownTestSuite() { state.reset(); }
    static Said build() {
        return run_to_end({SLIPWAY_PROGRAM, "images", "build", "tiny", "--state-dir", state->path().string()}, {},
                          std::chrono::seconds(600));
    }
    void SetUp() override {
        const auto found = images::ImageStore(state->path() / "images").find("tiny");
        ASSERT_TRUE(found) << found.error().message;
        image = *found;
    }

    static inline std::unique_ptr<TemporaryDirectory> state;
    TemporaryDirectory place;
    images::Image image;
};

TEST_F(Tiny, BecomesWhoItIsToldToBeAndStaysThatWithoutItsVolume) {
    Machine machine(image, place.path() / "m");
    machine.start({{"machine", description()}});
    ASSERT_TRUE(machine.console_says("slipway: ready after")) << machine.console();
    const Said first =
        machine.ssh("ada", kPassword, "id; hostname; df -m / | tail -n 1; echo kept >kept; cat /etc/shadow");
    EXPECT_THAT(first.out, HasSubstr("uid=1000(ada) gid=1000(ada) groups=1000(ada)\nm-1.example\n")) << first.err;
    EXPECT_THAT(first.err, HasSubstr("/etc/shadow': Permission denied"));
    const std::string key = machine.known_hosts();
    EXPECT_THAT(key, HasSubstr("ssh-ed25519 "));
    EXPECT_NE(machine.ssh("ada", "another", "true").status, 0);
    EXPECT_NE(machine.ssh("root", kPassword, "true").status, 0);
    EXPECT_EQ(machine.console().find("$6$"), std::string::npos);
    // The disk of 64 MiB was grown to 256.
    const auto size = machine.ssh("ada", kPassword, "df -m / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2");
    EXPECT_GT(std::atoi(size.out.c_str()), 200) << size.out;
    EXPECT_TRUE(machine.press_power_button());

    machine.start();
    ASSERT_TRUE(machine.console_says("slipway: ready after")) << machine.console();
    const Said second = machine.ssh("ada", kPassword, "cat kept; hostname");
    EXPECT_EQ(second.out, "kept\nm-1.example\n") << second.err;
    EXPECT_EQ(machine.known_hosts().substr(machine.known_hosts().find("ssh-")), key.substr(key.find("ssh-")));
    EXPECT_TRUE(machine.press_power_button());
}

TEST_F(Tiny, AStartThatWasCutShortIsMadeUpFor) {
    Machine machine(image, place.path() / "m");
    machine.start({{"machine", description()}});
    // Somewhere between the disk's first write and the last of them.
    ASSERT_TRUE(eventually([&] { return machine.console().contains("slipway: host key"); }));
    machine.kill();
    machine.start({{"machine", description()}});
    ASSERT_TRUE(machine.console_says("slipway: ready after")) << machine.console();
    EXPECT_EQ(machine.ssh("ada", kPassword, "echo in").out, "in\n") << machine.console();
}

TEST_F(Tiny, AHostileDescriptionIsNeverRun) {
    Machine machine(image, place.path() / "m");
    machine.start({{"machine",
                    "HOSTNAME='$(poweroff -f)'\nINSTANCE='res_1'; poweroff -f\nLOGIN='root'\nHASH='`poweroff -f`'\n"
                    "PATH='/nowhere'\npoweroff -f\nADDRESS='10.0.2.15/24;poweroff -f'\n"}});
    ASSERT_TRUE(machine.console_says("slipway: ready after")) << machine.console();
    EXPECT_THAT(machine.console(), HasSubstr("lacks INSTANCE, LOGIN or HASH"));
    EXPECT_TRUE(machine.press_power_button()) << "it was still on";
}

TEST_F(Tiny, TheSamePackagesMakeTheSameImage) {
    const Said again = build();
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(images::ImageStore(state->path() / "images").find("tiny")->directory, image.directory);
}

}  // namespace
}  // namespace slipway::testing
