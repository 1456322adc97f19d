#include "providers/machines/shape.h"

#include <gmock/gmock.h>

namespace slipway::machines {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

const Net kNet = own_net(boost::asio::ip::make_network_v4("10.213.0.0/24"));

Target target(std::uint64_t generation = 1) {
    return {InstallationId("ins_1"), ResourceId("res_1"), "oct-12345678", generation, "token", {}};
}

Spec spec() {
    Spec spec;
    spec.kind = Kind::machine;
    spec.engine = "vm";
    spec.parameters = {{"image", "tiny"},
                       {"cpus", 2},
                       {"memory", std::int64_t{128} << 20U},
                       {"disk", std::int64_t{1} << 30U},
                       {"username", "suitepad"}};
    spec.allocations = {{"address", boost::asio::ip::make_address_v4("10.213.0.7").to_uint()}};
    return spec;
}

std::string content(const std::vector<agent::FileContent>& files, std::string_view name) {
    for (const agent::FileContent& each : files) {
        if (each.file == name) return each.content;
    }
    return {};
}

TEST(Machine, IsKnownByItsResourceAndGenerationEverywhere) {
    EXPECT_THAT(mac_of(target()), MatchesRegex("52:54:00(:[0-9a-f][0-9a-f]){3}"));
    EXPECT_THAT(uuid_of(target()),
                MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_EQ(mac_of(target()), mac_of(target()));
    EXPECT_NE(mac_of(target()), mac_of(target(2))) << "made anew it is another machine";
    EXPECT_NE(uuid_of(target()), uuid_of(target(2)));
}

TEST(Machine, NamesWhatIsWrongWithItsPlan) {
    const auto problem = [](std::string_view key, json::value value) {
        Spec wrong = spec();
        wrong.parameters[key] = std::move(value);
        const auto shape = shape_of(target(), wrong, kNet);
        return shape ? std::string() : shape.error().message;
    };
    EXPECT_THAT(problem("cpus", 0), HasSubstr("cpus must be from 1 to 64"));
    EXPECT_THAT(problem("cpus", "many"), HasSubstr("cpus"));
    EXPECT_THAT(problem("memory", 1024), HasSubstr("memory must be from"));
    EXPECT_THAT(problem("disk", -1), HasSubstr("disk must be from"));
    EXPECT_THAT(problem("image", ""), HasSubstr("names no image"));
    Spec elsewhere = spec();
    elsewhere.allocations["address"] = boost::asio::ip::make_address_v4("192.0.2.7").to_uint();
    EXPECT_THAT(shape_of(target(), elsewhere, kNet).error().message, HasSubstr("not in the machines' subnet"));
}

TEST(Machine, IsToldWhoItIsWithoutItsPassword) {
    const auto shape = shape_of(target(), spec(), kNet);
    ASSERT_TRUE(shape) << shape.error().message;
    const auto files = seed_files(*shape, "$6$salt$hash");
    const std::string user_data = content(files, "user-data");
    ASSERT_TRUE(user_data.starts_with("#cloud-config\n"));
    const auto cloud = json::parse(std::string_view(user_data).substr(14));
    ASSERT_TRUE(cloud) << "JSON is YAML";
    const json::object& user = cloud->at("users").at(0).as_object();
    EXPECT_EQ(json::get_string(user, "name"), "suitepad");
    EXPECT_EQ(json::get_string(user, "passwd"), "$6$salt$hash");
    EXPECT_FALSE(json::get_bool(user, "lock_passwd", true));
    EXPECT_THAT(content(files, "meta-data"), HasSubstr(shape->uuid));
    const auto network = json::parse(content(files, "network-config"));
    ASSERT_TRUE(network);
    EXPECT_EQ(network->at("ethernets").at("eth0").at("addresses").at(0).as_string(), "10.213.0.7/24");
    EXPECT_EQ(network->at("ethernets").at("eth0").at("match").at("macaddress").as_string(), shape->mac);
    EXPECT_THAT(content(files, "machine"), HasSubstr("ADDRESS='10.213.0.7/24'\nGATEWAY='10.213.0.1'\n"));
    EXPECT_THAT(content(files, "machine"), HasSubstr("LOGIN='suitepad'\nHASH='$6$salt$hash'\n"));
}

TEST(Machine, HostileWordsStayWords) {
    Spec hostile = spec();
    hostile.parameters["username"] = "x'; reboot #\n- name: root";
    const auto shape = shape_of(target(), hostile, kNet);
    ASSERT_TRUE(shape);
    const auto files = seed_files(*shape, "$6$'\"$h");
    const auto cloud = json::parse(std::string_view(content(files, "user-data")).substr(14));
    ASSERT_TRUE(cloud);
    EXPECT_EQ(cloud->at("users").as_array().size(), 1U);
    EXPECT_EQ(cloud->at("users").at(0).at("name").as_string(), "x'; reboot #\n- name: root");
    EXPECT_THAT(content(files, "machine"), HasSubstr("HASH='$6$'\\''\"$h'\n"));
}

}  // namespace
}  // namespace slipway::machines
