// Plans of machines in the configuration, and the one that the EC2 API makes.
#include "main/machine_plans.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_directory_test_support.h"
#include "main/config.h"
#include "main/config_test_support.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;

TEST(MachineConfig, MachinesAreMadeOfAnImageWithinLimits) {
    const auto config = parse_config(R"(
[[plan]]
kind = "machine"
engine = "vm"
name = "web"
price_per_hour = "0.02 EUR"
[plan.parameters]
image = "debian"
cpus = 2
memory = "1gb"
disk = "8gb"

[[plan]]
kind = "machine"
engine = "container"
name = "light"
parameters.image = "tiny"

[[plan]]
kind = "machine"
engine = "vm"
name = "none"
provider = "dummy"
parameters.image = "tiny"

[ec2]
engine = "container"
plan = "light"
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    const Plan& web = config->plans.at(0);
    EXPECT_EQ(web.kind, Kind::machine);
    EXPECT_EQ(web.provider, "libvirt");
    EXPECT_FALSE(web.password) << "its owner brings one";
    EXPECT_EQ(web.parameters,
              (json::object{{"image", "debian"}, {"cpus", 2}, {"memory", 1LL << 30}, {"disk", 8LL << 30}}));
    const Plan& light = config->plans.at(1);
    EXPECT_EQ(light.provider, "lxc");
    EXPECT_EQ(light.parameters,
              (json::object{{"image", "tiny"}, {"cpus", 1}, {"memory", 128LL << 20}, {"disk", 256LL << 20}}));
    EXPECT_EQ(config->plans.at(2).provider, "dummy");
    EXPECT_EQ(config->ec2.engine, "container");
    EXPECT_EQ(config->ec2.plan, "light");
}

// Who has plans of other things only need not say anything of machines.
TEST(MachineConfig, PlansWithoutMachinesAreNoProblemOfTheEc2Api) {
    const auto config = parse_config("[[plan]]\nname = \"small\"\n", "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->ec2.plan, "tiny");
    EXPECT_TRUE(std::ranges::none_of(config->plans, [](const Plan& plan) { return plan.kind == Kind::machine; }));
}

const std::string kPlan = "[[plan]]\nname = \"a\"\nkind = \"machine\"\nengine = \"vm\"\n";

class WrongMachineConfig : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongMachineConfig, IsRefusedWithItsPlaceAndWhatIsAllowed) {
    const auto config = parse_config(GetParam().text, "x.toml");
    ASSERT_FALSE(config);
    EXPECT_THAT(told(config.error()), HasSubstr(std::string(GetParam().place) + ": "));
    EXPECT_THAT(told(config.error()), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongMachineConfig,
    ::testing::Values(
        Wrong{"[[plan]]\nname = \"a\"\nprovider = \"libvirt\"\n", "x.toml:3: plan[0].provider",
              "libvirt makes machines only"},
        Wrong{"[[plan]]\nname = \"a\"\nkind = \"machine\"\n", "x.toml:3: plan[0].kind",
              "must be \"cache\" for engine redis"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"vm\"\n", "x.toml:3: plan[0].engine",
              "must be \"machine\" for engine vm"},
        Wrong{"[[plan]]\nname = \"a\"\nkind = \"machine\"\nengine = \"mysql\"\n", "x.toml:3: plan[0].kind",
              "must be \"database-server\""},
        Wrong{kPlan + "provider = \"lxc\"\nparameters.image = \"tiny\"\n", "x.toml:5: plan[0].provider",
              "must be \"libvirt\" or \"dummy\" for machines of engine vm"},
        Wrong{kPlan + "provider = \"local\"\nparameters.image = \"tiny\"\n", "x.toml:5: plan[0].provider",
              "must be \"libvirt\" or \"dummy\""},
        Wrong{kPlan + "pool = 1\nparameters.image = \"tiny\"\n", "x.toml:5: plan[0].pool",
              "must be 0: a machine gets the login of whoever asks for it"},
        Wrong{"[pool]\nvm.tiny = 1\n", "x.toml:2: pool.vm.tiny", "must be 0: a machine gets the login"},
        Wrong{kPlan, "x.toml:1: plan[0].parameters", "must name an image"},
        Wrong{kPlan + "parameters.cpus = 1\n", "x.toml:5: plan[0].parameters.image", "is required"},
        Wrong{kPlan + "parameters.image = \"../etc\"\n", "x.toml:5: plan[0].parameters.image",
              "must be 1 to 63 of a-z 0-9 . _ -"},
        Wrong{kPlan + "parameters.image = \"..\"\n", "x.toml:5: plan[0].parameters.image", "begin with none of"},
        Wrong{kPlan + "[plan.parameters]\nimage = \"tiny\"\ncpus = 65\n", "x.toml:7: plan[0].parameters.cpus",
              "from 1 to 64"},
        Wrong{kPlan + "[plan.parameters]\nimage = \"tiny\"\nmemory = \"63mb\"\n",
              "x.toml:7: plan[0].parameters.memory", "from 67108864 to"},
        Wrong{kPlan + "[plan.parameters]\nimage = \"tiny\"\ndisk = \"1kb\"\n", "x.toml:7: plan[0].parameters.disk",
              "from 67108864 to"},
        Wrong{kPlan + "[plan.parameters]\nimage = \"tiny\"\npassword = true\n",
              "x.toml:7: plan[0].parameters.password", "known here: cpus, disk, image, memory"},
        Wrong{kPlan + "[plan.parameters]\nimage = \"tiny\"\nwarm = \"yes\"\n", "x.toml:7: plan[0].parameters.warm",
              "must be true or false"},
        Wrong{"[[plan]]\nkind = \"machine\"\nengine = \"container\"\nname = \"a\"\nparameters = {image = \"tiny\", "
              "warm = "
              "true}\n",
              "x.toml:5: plan[0].parameters.warm", "is for virtual machines (engine vm)"},
        Wrong{kPlan + "host_plan = \"small\"\nparameters.image = \"tiny\"\n", "x.toml:5: plan[0].host_plan",
              "is not a setting"},
        Wrong{"[ec2]\nplan = \"huge\"\n", "x.toml:2: ec2.plan",
              "there is no plan huge of kind machine and engine vm; there are: tiny"},
        Wrong{"[ec2]\nengine = \"container\"\n" + kPlan + "parameters.image = \"tiny\"\n", "x.toml:2: ec2.engine",
              "engine container; there are: none"},
        Wrong{"[ec2]\nengine = \"redis\"\n", "x.toml:2: ec2.engine", "\"vm\", \"container\""}));

TEST(MachinePlans, EachEngineHasAProviderOfItsOwn) {
    EXPECT_EQ(machine_provider_of("vm"), "libvirt");
    EXPECT_EQ(machine_provider_of("container"), "lxc");
    for (const Plan& plan : default_machine_plans()) {
        EXPECT_EQ(plan.provider, machine_provider_of(plan.engine));
        EXPECT_FALSE(plan.password);
        EXPECT_EQ(plan.pool, 0U);
    }
}

class PlaybookConfig : public testing::Test {
  protected:
    Result<Config> with(const std::string& lines, const std::string& before = "") const {
        const std::string text = before +
                                 "\n[[plan]]\nkind = \"machine\"\nengine = \"vm\"\nname = \"tiny\"\n"
                                 "[plan.parameters]\nimage = \"tiny\"\n" +
                                 lines;
        return parse_config(text, (directory_.path() / "slipway.toml").string());
    }
    const TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_.path() / "web.yml";
    const bool written_ = [this] { return static_cast<bool>(std::ofstream(file_) << "[]"); }();
};

TEST_F(PlaybookConfig, IsMeantFromTheConfigurationOrAbsolute) {
    for (const std::string& name : {std::string("web.yml"), std::string("./x/../web.yml"), file_.string()}) {
        const auto config = with(fmt::format("playbook = \"{}\"\n", name));
        ASSERT_TRUE(config) << told(config.error());
        EXPECT_EQ(json::get_string(config->plans.at(0).parameters, "playbook"), file_.string());
        EXPECT_EQ(json::get_int(config->plans.at(0).parameters, "playbook_limit_seconds"), 600);
    }
    const auto config = with("playbook = \"web.yml\"\nplaybook_limit = \"90s\"\n");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(json::get_int(config->plans.at(0).parameters, "playbook_limit_seconds"), 90);
}

TEST_F(PlaybookConfig, OneThatIsNotThereIsToldAtTheStart) {
    const auto config = with("playbook = \"none.yml\"\n");
    ASSERT_FALSE(config);
    EXPECT_THAT(told(config.error()), HasSubstr("playbook: there is no file "));
    EXPECT_THAT(told(with("playbook = \".\"\n").error()), HasSubstr("there is no file"));
    EXPECT_THAT(told(with("playbook = \"\"\n").error()), HasSubstr("must be the path of a file"));
}

TEST_F(PlaybookConfig, ItsTimeIsBounded) {
    EXPECT_THAT(told(with("playbook = \"web.yml\"\nplaybook_limit = \"1s\"\n").error()),
                HasSubstr("playbook_limit: "));
    EXPECT_THAT(told(with("playbook_limit = \"60s\"\n").error()), HasSubstr("is of no use without a playbook"));
    EXPECT_THAT(told(with("playbook = \"web.yml\"\nplaybook_limit = \"20m\"\n").error()),
                HasSubstr("broker.provision_limit: must be longer than the"));
    EXPECT_TRUE(with("playbook = \"web.yml\"\nplaybook_limit = \"20m\"\n",
                     "[broker]\nprovision_limit = \"30m\"\n[machines]\nplaybooks = 3\n"));
    EXPECT_THAT(told(with("", "[machines]\nplaybooks = 0\n").error()), HasSubstr("machines.playbooks"));
}

}  // namespace
}  // namespace slipway
