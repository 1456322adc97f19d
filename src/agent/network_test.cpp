#include "agent/network.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/space_members.h"
#include "agent/testing.h"
#include "agent/tool.h"

namespace slipway::agent {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::make_address_v4;
using boost::asio::ip::make_network_v4;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Nobody listens there: whoever has the address refuses.
boost::system::error_code answer_of(const address_v4& address) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    boost::system::error_code error;
    socket.connect({address, 9}, error);
    return error;
}

// Each process has a network of its own: tests run at the same time.
class NetworkTest : public ::testing::Test {
  protected:
    ~NetworkTest() override {
        if (::geteuid() == 0) EXPECT_TRUE(network_.down());
    }

    static std::string text(const std::string& program, std::vector<std::string> words) {
        return run_tool("/sbin/" + program, std::move(words), 5000).value_or("");
    }
    [[nodiscard]] Tap tap(int number) const {
        const address_v4 address(subnet_.network().to_uint() + static_cast<std::uint32_t>(number));
        return {address, "52:54:00:00:00:" + fmt::format("{:02x}", number), 210'007};
    }

    const boost::asio::ip::network_v4 subnet_ = make_network_v4(fmt::format("198.19.{}.0/24", ::getpid() % 256));
    const Network network_{{"/sbin/ip", "/sbin/bridge"}, fmt::format("{:08x}", 0x7e580000 + ::getpid() % 0xffff)};
};

TEST_F(NetworkTest, ComesUpOnceHoweverOftenItIsAskedFor) {
    if (::geteuid() != 0) return;  // networks are made by root
    for (int i = 0; i < 2; ++i) {
        const Answer<void> up = network_.up(subnet_);
        ASSERT_TRUE(up) << up.error().message;
    }
    EXPECT_THAT(text("ip", {"address", "show", "dev", network_.device()}),
                HasSubstr(address_v4(subnet_.network().to_uint() + 1).to_string() + "/24"));
    EXPECT_EQ(testing::file_text("/proc/sys/net/ipv4/conf/" + network_.device() + "/forwarding"), "0\n")
        << "what comes from machines goes no further";
    EXPECT_THAT(text("ip", {"-netns", network_.space(), "link"}), HasSubstr("machines"));
    EXPECT_THAT(*network_.taps(), IsEmpty());
    ASSERT_TRUE(network_.down());
    EXPECT_THAT(text("ip", {"link"}), Not(HasSubstr(network_.device())));
    EXPECT_FALSE(std::filesystem::exists(network_.space_path()));
    ASSERT_TRUE(network_.down()) << "nothing there is fine";
}

TEST_F(NetworkTest, AMachineHasItsAddressForItselfAndReachesNoOther) {
    if (::geteuid() != 0) return;  // networks are made by root
    ASSERT_TRUE(network_.up(subnet_));
    for (int i = 0; i < 2; ++i) {
        for (const int number : {7, 8}) {
            const Answer<void> added = network_.add(tap(number));
            ASSERT_TRUE(added) << added.error().message;
        }
    }
    EXPECT_THAT(*network_.taps(), ElementsAre(tap_name(tap(7).address), tap_name(tap(8).address)));
    const std::string port =
        text("bridge", {"-netns", network_.space(), "-details", "link", "show", "dev", tap_name(tap(7).address)});
    EXPECT_THAT(port, HasSubstr("learning off"));
    EXPECT_THAT(port, HasSubstr("isolated on"));
    EXPECT_THAT(text("bridge", {"-netns", network_.space(), "fdb", "show", "dev", tap_name(tap(7).address)}),
                HasSubstr(tap(7).mac + " master machines static"));
    EXPECT_THAT(text("ip", {"neigh", "show", "dev", network_.device()}),
                HasSubstr(tap(7).address.to_string() + " lladdr " + tap(7).mac + " PERMANENT"));
    EXPECT_THAT(
        text("ip", {"-netns", network_.space(), "-details", "link", "show", "dev", tap_name(tap(7).address)}),
        HasSubstr("user 210007"));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(network_.remove(tap(7).address));
    EXPECT_THAT(*network_.taps(), ElementsAre(tap_name(tap(8).address)));
    EXPECT_THAT(text("ip", {"neigh", "show", "dev", network_.device()}), Not(HasSubstr(tap(7).mac)));
}

TEST_F(NetworkTest, RefusesASubnetThatThisHostReachesElsewhere) {
    if (::geteuid() != 0) return;  // networks are made by root
    ASSERT_TRUE(network_.up(subnet_));
    const Network another{{"/sbin/ip", "/sbin/bridge"}, "7e59" + fmt::format("{:04x}", ::getpid() % 0xffff)};
    const auto within = make_network_v4(fmt::format("{}/25", subnet_.network().to_string()));
    const Answer<void> up = another.up(within);
    ASSERT_FALSE(up);
    EXPECT_EQ(up.error().code, FailureCode::invalid);
    EXPECT_THAT(up.error().message, HasSubstr(network_.device()));
    EXPECT_THAT(up.error().message, HasSubstr("choose another one"));
    EXPECT_FALSE(std::filesystem::exists(another.space_path()));
}

// A bridge of the host's, as an administrator makes one: machines are in its network, and it keeps what it had.
TEST_F(NetworkTest, JoinsMachinesToTheHostsBridgeAndLeavesItAsItWas) {
    if (::geteuid() != 0) return;  // networks are made by root
    const std::string bridge = fmt::format("slwbr{}", ::getpid() % 100'000);
    const NetworkPrograms programs{"/sbin/ip", "/sbin/bridge"};
    const Network joined(programs, network_.device().substr(3), bridge);
    const Answer<void> without = joined.up(subnet_);
    ASSERT_FALSE(without);
    EXPECT_THAT(without.error().message, HasSubstr("this host has no bridge " + bridge));
    EXPECT_FALSE(std::filesystem::exists(joined.space_path())) << "and nothing was made for it";

    const std::string address = address_v4(subnet_.network().to_uint() + 1).to_string() + "/24";
    text("ip", {"link", "add", bridge, "type", "bridge"});
    text("ip", {"address", "add", address, "dev", bridge});
    text("ip", {"link", "set", "dev", bridge, "up"});
    ASSERT_TRUE(network_.up(make_network_v4(fmt::format("198.18.{}.0/24", ::getpid() % 256))))
        << "what was configured before";
    for (int i = 0; i < 2; ++i) {
        const Answer<void> up = joined.up(subnet_);
        ASSERT_TRUE(up) << up.error().message;
    }
    const std::string end = text("ip", {"address", "show", "dev", joined.device()});
    EXPECT_THAT(end, HasSubstr("master " + bridge));
    EXPECT_THAT(end, Not(HasSubstr("inet ")));

    // A machine: the other end of a pair, in a namespace of its own.
    const std::string machine = joined.space() + "-m";
    ASSERT_TRUE(joined.add_pair(tap(7)));
    text("ip", {"netns", "add", machine});
    text("ip", {"-netns", joined.space(), "link", "set", "dev", card_name(tap(7).address), "netns", machine});
    text("ip", {"-netns", machine, "address", "add", tap(7).address.to_string() + "/24", "dev",
                card_name(tap(7).address)});
    text("ip", {"-netns", machine, "link", "set", "dev", card_name(tap(7).address), "up"});
    EXPECT_EQ(answer_of(tap(7).address), boost::asio::error::connection_refused) << "somebody is there";

    EXPECT_TRUE(joined.remove(tap(7).address));
    text("ip", {"netns", "delete", machine});
    EXPECT_TRUE(joined.down());
    EXPECT_THAT(text("ip", {"address", "show", "dev", bridge}), HasSubstr(address));
    text("ip", {"link", "delete", "dev", bridge});
}

// What nobody knows of any more would keep the namespace for ever.
TEST_F(NetworkTest, EndsWhoIsLeftInTheNamespaceWhenItGoes) {
    if (::geteuid() != 0) return;  // networks are made by root
    ASSERT_TRUE(network_.up(subnet_));
    const std::string space = network_.space();
    std::array<const char*, 7> words{"/sbin/ip", "netns", "exec", space.c_str(), "sleep", "600", nullptr};
    pid_t left = 0;
    ASSERT_EQ(::posix_spawn(&left, words[0], nullptr, nullptr, const_cast<char**>(words.data()), environ), 0);
    const auto is_asleep = [](std::string_view line) { return line.starts_with("sleep"); };
    EXPECT_TRUE(testing::eventually(
        [&] { return testing::file_text(fmt::format("/proc/{}/cmdline", left)).starts_with("sleep"); }));
    EXPECT_EQ(end_members("/run/netns/none-of-this-name", is_asleep), 0);
    EXPECT_EQ(end_members(network_.space_path(), [](std::string_view line) { return line.starts_with("cat"); }), 0);
    ASSERT_TRUE(network_.down());
    int status = 0;
    ASSERT_EQ(::waitpid(left, &status, 0), left);
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(NetworkNames, FitWhatTheKernelTakes) {
    EXPECT_EQ(tap_name(make_address_v4("10.213.0.7")), "m0ad50007");
    const Network network{{"", ""}, "0123abcd"};
    EXPECT_LT(network.device().size(), 16U);
    const Answer<void> up = network.up(make_network_v4("10.213.0.0/24"));
    ASSERT_FALSE(up);
    EXPECT_THAT(up.error().message, HasSubstr("apt-get install iproute2"));
}

TEST_F(NetworkTest, APairIsTreatedLikeATapAndIsNewEachTime) {
    if (::geteuid() != 0) return;  // networks are made by root
    ASSERT_TRUE(network_.up(subnet_));
    const Tap first = tap(7);
    const auto link = [&](const std::string& name) {
        return text("ip", {"-netns", network_.space(), "-details", "link", "show", "dev", name});
    };
    std::string before;
    for (int i = 0; i < 2; ++i) {
        const Answer<void> added = network_.add_pair(first);
        ASSERT_TRUE(added) << added.error().message;
        EXPECT_THAT(*network_.taps(), ElementsAre(tap_name(first.address)));
        EXPECT_THAT(link(tap_name(first.address)), HasSubstr("isolated on"));
        EXPECT_THAT(link(card_name(first.address)), HasSubstr(first.mac));
        EXPECT_THAT(link(card_name(first.address)), Not(HasSubstr("master"))) << "it is for a container to take";
        EXPECT_NE(link(card_name(first.address)), before);
        before = link(card_name(first.address));
    }
    EXPECT_THAT(text("bridge", {"-netns", network_.space(), "fdb", "show", "dev", tap_name(first.address)}),
                HasSubstr(first.mac + " master machines static"));
    EXPECT_THAT(text("ip", {"neigh", "show", "dev", network_.device()}), HasSubstr(first.mac + " PERMANENT"));
    ASSERT_TRUE(network_.remove(first.address));
    EXPECT_EQ(link(card_name(first.address)), "") << "there is none";
    EXPECT_THAT(*network_.taps(), IsEmpty());
}

}  // namespace
}  // namespace slipway::agent
