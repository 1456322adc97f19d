#include "providers/playbooks/playbook.h"

#include <gmock/gmock.h>

#include "domain/machine.h"

namespace slipway::playbooks {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

Machine machine(std::string login = "web") { return {"oct-1", "10.213.0.2", 22, std::move(login)}; }

json::object host_in(const std::string& inventory) {
    const auto parsed = json::parse(inventory);
    return parsed.value().at("all").at("hosts").at("oct-1").as_object();
}

TEST(Inventory, HasTheOneHostAndNoPassword) {
    const json::object host = host_in(inventory_of(machine()));
    EXPECT_EQ(json::get_string(host, "ansible_host"), "10.213.0.2");
    EXPECT_EQ(json::get_int(host, "ansible_port"), 22);
    EXPECT_EQ(json::get_string(host, "ansible_connection"), "ssh");
    EXPECT_EQ(json::get_string(host, "ansible_password"), "{{ slipway_login_password }}");
    EXPECT_EQ(json::get_string(host, "ansible_become_password"), "{{ slipway_login_password }}");
}

// JSON is YAML, whatever stands in a text of it; and what is marked so is no template.
TEST(Inventory, WhateverTheLoginIsItStaysOneText) {
    for (const std::string login :
         {"web\n    evil: {ansible_host: elsewhere}", "\"}}}, \"evil\": {\"x\": {\"y\": \"",
          "{{ lookup('pipe', 'id') }}", "web ansible_connection=local", "!!python/object:os.system", "'; reboot; '",
          "\xc3\xa4\\", "- &a *a"}) {
        const json::object host = host_in(inventory_of(machine(login)));
        ASSERT_TRUE(host.at("ansible_user").is_object()) << login;
        EXPECT_EQ(json::get_string(host.at("ansible_user").get_object(), "__ansible_unsafe"), login);
        EXPECT_EQ(host.size(), host_in(inventory_of(machine())).size()) << login;
    }
}

TEST(LoginFile, CarriesThePasswordExactly) {
    for (const std::string password : {" both ends ", "{{ 7*7 }}", "a\"b\\c'd", "p\xc3\xa4ss", "%s$HOME`id`"}) {
        const auto parsed = json::parse(login_of(Secret(password)).reveal());
        EXPECT_EQ(json::get_string(parsed.value().at("slipway_login_password").as_object(), "__ansible_unsafe"),
                  password);
    }
}

TEST(KnownHost, IsKnownByItsName) {
    EXPECT_EQ(known_host(machine(), "ssh-ed25519 AAAA"), "oct-1 ssh-ed25519 AAAA\n");
    EXPECT_THAT(inventory_of(machine()), HasSubstr("HostKeyAlias=oct-1"));
}

class InvocationTest : public testing::Test {
  protected:
    std::string variable(std::string_view name) const {
        for (const std::string& each : what().environment) {
            if (each.starts_with(fmt::format("{}=", name))) return each.substr(name.size() + 1);
        }
        return "(absent)";
    }
    Invocation what(bool own_settings = false) const {
        return invocation_of({"/usr/bin/ansible-playbook", "/usr/bin/sshpass"}, playbook_, {directory_},
                             own_settings);
    }
    Playbook playbook_{"/etc/slipway/playbooks/web.yml", std::chrono::minutes(10)};
    std::filesystem::path directory_ = "/var/lib/slipway/playbooks/oct-1";
};

TEST_F(InvocationTest, NamesFilesAndNothingElse) {
    EXPECT_EQ(what().words,
              (std::vector<std::string>{
                  "/usr/bin/ansible-playbook", "--inventory", "/var/lib/slipway/playbooks/oct-1/inventory.json",
                  "--extra-vars", "@/var/lib/slipway/playbooks/oct-1/login", "/etc/slipway/playbooks/web.yml"}));
    EXPECT_EQ(what().directory, "/etc/slipway/playbooks");
    EXPECT_EQ(what().password_name, "");
}

TEST_F(InvocationTest, NothingOfOursIsInItsEnvironment) {
    ::setenv("SLIPWAY_TEST_CANARY", "canary", 1);
    EXPECT_THAT(what().environment, Each(Not(HasSubstr("canary"))));
    ::unsetenv("SLIPWAY_TEST_CANARY");
    EXPECT_EQ(variable("HOME"), "/var/lib/slipway/playbooks/oct-1/home");
    EXPECT_EQ(variable("ANSIBLE_NOCOWS"), "True");
    EXPECT_EQ(variable("ANSIBLE_RETRY_FILES_ENABLED"), "False");
    EXPECT_EQ(variable("ANSIBLE_HOST_KEY_CHECKING"), "True");
    EXPECT_EQ(variable("SLIPWAY_PLAYBOOK_RUN"), directory_.string());
}

TEST_F(InvocationTest, TheHostsKeyIsPinnedAndNoConnectionStays) {
    const std::string words = variable("ANSIBLE_SSH_ARGS");
    EXPECT_THAT(words, AllOf(HasSubstr("StrictHostKeyChecking=yes"), HasSubstr("ControlMaster=no"),
                             HasSubstr("-F none"), HasSubstr("PubkeyAuthentication=no")));
    EXPECT_THAT(words, HasSubstr("UserKnownHostsFile='\"/var/lib/slipway/playbooks/oct-1/known_hosts\"'"));
}

TEST_F(InvocationTest, APathIsOneWordWhateverIsInIt) {
    directory_ = "/a b/it's/100%/\"x\"";
    EXPECT_THAT(variable("ANSIBLE_SSH_ARGS"),
                HasSubstr(R"(UserKnownHostsFile='"/a b/it'"'"'s/100%%/\"x\"/known_hosts"')"));
}

TEST_F(InvocationTest, SettingsBesideThePlaybookHoldAndNoOthers) {
    EXPECT_EQ(variable("ANSIBLE_CONFIG"), "/var/lib/slipway/playbooks/oct-1/ansible.cfg");
    EXPECT_THAT(what(true).environment, Contains("ANSIBLE_CONFIG=/etc/slipway/playbooks/ansible.cfg"));
}

TEST(PlaybookOf, ComesFromThePlan) {
    Spec spec;
    EXPECT_FALSE(playbook_of(spec));
    spec.parameters = {{kPlaybook, "/etc/web.yml"}};
    EXPECT_EQ(playbook_of(spec)->limit, kPlaybookLimit);
    spec.parameters[kPlaybookSeconds] = 30;
    EXPECT_EQ(playbook_of(spec)->limit, std::chrono::seconds(30));
    EXPECT_EQ(playbook_of(spec)->name(), "web.yml");
}

TEST(Missing, IsToldWithItsFix) {
    EXPECT_FALSE(missing({"/a", "/b"}));
    EXPECT_EQ(missing({"", "/b"})->what, "ansible-playbook is not installed on the broker's host");
    EXPECT_EQ(missing({"/a", ""})->fix, "apt-get install sshpass");
    EXPECT_EQ(missing({"", ""})->fix, "apt-get install ansible-core sshpass");
}

}  // namespace
}  // namespace slipway::playbooks
