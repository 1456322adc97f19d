#include "main/machines_config.h"

#include <gmock/gmock.h>

#include "main/config_test_support.h"

namespace slipway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MachinesConfig, SaysHowMachinesAreRun) {
    const auto config = parse_config(
        "[machines]\nsubnet = \"10.9.0.0/20\"\nboots = 5\nacceleration = \"kvm\"\ncontainer_uids = 600000000\n",
        "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->machines.subnet, "10.9.0.0/20");
    EXPECT_EQ(config->machines.boots, 5U);
    EXPECT_EQ(config->machines.acceleration, "kvm");
    EXPECT_EQ(config->machines.container_uids, 600'000'000U);
    EXPECT_FALSE(parse_config("[machines]\ncontainer_uids = 1000\n", "x.toml")) << "people and services have these";
    for (const std::string subnet : {"10.9.0.1/24", "10.0.0.0/8", "10.9.0.0/30", "10.9.0.0", "fd00::/64"}) {
        const auto wrong = parse_config(fmt::format("[machines]\nsubnet = \"{}\"\n", subnet), "x.toml");
        ASSERT_FALSE(wrong) << subnet;
        EXPECT_THAT(told(wrong.error()), HasSubstr("must be like \"10.213.0.0/24\", from /16 to /29"));
    }
}

TEST(MachinesConfig, SaysWhichBridgeOfTheHostMachinesAreJoinedTo) {
    const auto config = parse_config(
        "[machines]\nsubnet = \"192.168.7.0/24\"\nbridge = \"br0\"\ngateway = \"192.168.7.1\"\n"
        "addresses = \"192.168.7.100-192.168.7.199\"\nnameservers = [\"192.168.7.1\", \"192.168.7.2\"]\n",
        "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    const machines::Net net = net_of(config->machines);
    EXPECT_EQ(net.bridge, "br0");
    EXPECT_EQ(net.gateway.to_string(), "192.168.7.1");
    EXPECT_EQ(net.first.to_string(), "192.168.7.100");
    EXPECT_EQ(net.last.to_string(), "192.168.7.199");
    EXPECT_EQ(net.nameservers.size(), 2U);
    const machines::Net own = net_of(MachinesConfig{});
    EXPECT_EQ(own.bridge, "") << "nothing of the host's network is touched unless somebody says so";
    EXPECT_EQ(own.gateway.to_string(), "10.213.0.1");
    EXPECT_EQ(own.first.to_string(), "10.213.0.2");
    EXPECT_EQ(own.last.to_string(), "10.213.0.254");
}

TEST(MachinesConfig, RefusesANetworkOfMachinesThatDoesNotFitTogether) {
    const auto problem = [](const std::string& lines) {
        const auto config = parse_config("[machines]\n" + lines, "x.toml");
        return config ? std::string("none") : told(config.error());
    };
    const std::string bridge = "subnet = \"192.168.7.0/24\"\nbridge = \"br0\"\ngateway = \"192.168.7.1\"\n";
    EXPECT_THAT(problem("bridge = \"br0\"\n"),
                AllOf(HasSubstr("needs machines.gateway"), HasSubstr("needs machines.addresses")));
    EXPECT_THAT(problem("bridge = \"../../etc\"\n"), HasSubstr("the name of a bridge of this host"));
    EXPECT_THAT(problem("bridge = \"a-name-of-16-byt\"\n"), HasSubstr("the name of a bridge of this host"));
    EXPECT_THAT(problem("gateway = \"10.213.0.1\"\n"), HasSubstr("of no use without machines.bridge"));
    EXPECT_THAT(problem(bridge + "addresses = \"192.168.8.2-192.168.8.9\"\n"),
                HasSubstr("addresses of machines.subnet (192.168.7.0/24)"));
    EXPECT_THAT(problem(bridge + "addresses = \"192.168.7.1-192.168.7.9\"\n"),
                HasSubstr("must not hold 192.168.7.1"));
    EXPECT_THAT(problem(bridge + "addresses = \"192.168.7.9-192.168.7.2\"\n"), HasSubstr("the lower one first"));
    EXPECT_THAT(problem("addresses = \"10.213.0.1-10.213.0.9\"\n"), HasSubstr("must not hold 10.213.0.1"));
    EXPECT_THAT(problem("nameservers = [\"dns\"]\n"), HasSubstr("nameservers[0]"));
    EXPECT_THAT(problem("nameservers = [\"9.9.9.9\", \"9.9.9.9\", \"9.9.9.9\", \"9.9.9.9\"]\n"),
                HasSubstr("must be at most 3"));
    EXPECT_EQ(problem("addresses = \"10.213.0.100-10.213.0.119\"\n"), "none");
}

TEST(MachinesConfig, NamesImagesThatTheServerBrings) {
    const std::string sum(64, 'a');
    const auto config = parse_config(
        "[[image]]\nname = \"bookworm\"\nurl = \"https://example.org/a.qcow2\"\n"
        "[[image]]\nname = \"own\"\nfile = \"images/own.raw\"\nsha256 = \"" +
            sum + "\"\n",
        "/etc/slipway/slipway.toml");
    ASSERT_TRUE(config) << told(config.error());
    ASSERT_EQ(config->images.size(), 2U);
    EXPECT_EQ(config->images[0].url, "https://example.org/a.qcow2");
    EXPECT_EQ(config->images[1].file, "/etc/slipway/images/own.raw") << "relative to the file that names it";
    EXPECT_EQ(config->images[1].sha256, sum);
    const auto problem = [](const std::string& lines) {
        const auto wrong = parse_config("[[image]]\n" + lines, "x.toml");
        return wrong ? std::string("none") : told(wrong.error());
    };
    EXPECT_THAT(problem("file = \"/a\"\n"), HasSubstr("image[0].name: is required"));
    EXPECT_THAT(problem("name = \"../x\"\nfile = \"/a\"\n"), HasSubstr("image[0].name: must be 1 to 63"));
    EXPECT_THAT(problem("name = \"a\"\n"), HasSubstr("one of file and url is needed"));
    EXPECT_THAT(problem("name = \"a\"\nfile = \"/a\"\nurl = \"https://a/b\"\n"), HasSubstr("one of file and url"));
    EXPECT_THAT(problem("name = \"a\"\nurl = \"http://a/b\"\n"), HasSubstr("its SHA-256 is needed"));
    EXPECT_THAT(problem("name = \"a\"\nurl = \"https://u:p@a/b\"\n"), HasSubstr("a URL with a password"));
    EXPECT_THAT(problem("name = \"a\"\nfile = \"/a\"\nsha256 = \"A\"\n"), HasSubstr("64 hexadecimal digits"));
    EXPECT_THAT(problem("name = \"a\"\nfile = \"/a\"\n[[image]]\nname = \"a\"\nfile = \"/b\"\n"),
                HasSubstr("is used twice: a"));
}

}  // namespace
}  // namespace slipway
