// Machines on the command line: where their passwords come from, and what ssh is told.
#include "cli/machines.h"

#include <gmock/gmock.h>

#include "cli/cli_test_support.h"

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kMachine =
    R"({"id":"res_1","name":"web1","kind":"machine","engine":"vm","plan":"tiny","state":"ready",)"
    R"("organization":"default","username":"suitepad","address":"10.77.0.2","labels":{},)"
    R"("health":{"status":"healthy"},"created_at":"1970-01-01T00:00:00.000Z",)"
    R"("endpoint":{"scheme":"ssh","host":"10.77.0.2","port":22}})";

class MachinesTest : public CliTest {
  protected:
    MachinesTest() {
        environment.ask_secret = [this](std::string_view prompt) {
            prompts.emplace_back(prompt);
            if (typed.empty()) return std::optional<Secret>();
            std::optional<Secret> next(Secret(typed.front()));
            typed.pop_front();
            return next;
        };
        environment.read_input = [this](std::size_t) { return input; };
        environment.become = [this](const std::vector<std::string>& words) {
            became = words;
            return std::string("No such file or directory");
        };
    }
    void made() { answer(201, R"({"resource":)" + kMachine + R"(,"operation":null})"); }
    json::object body(std::size_t call = 0) const { return json::parse(calls.at(call).body)->as_object(); }
    std::string write(const std::string& text) const {
        const std::string path = place + "/password";
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

    std::vector<std::string> prompts;
    std::deque<std::string> typed;
    std::optional<std::string> input;
    std::vector<std::string> became;
    const std::vector<std::string> create{"create", "vm", "tiny", "--name", "web1", "--username", "suitepad"};
    std::vector<std::string> create_with(std::vector<std::string> more) const {
        std::vector<std::string> all = create;
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
};

TEST_F(MachinesTest, APasswordIsTypedTwice) {
    typed = {"open sesame", "open sesame"};
    made();
    EXPECT_EQ(run(create), 0) << err.str();
    EXPECT_THAT(prompts, ElementsAre("password for suitepad: ", "the same again: "));
    EXPECT_EQ(json::get_string(body(), "username"), "suitepad");
    EXPECT_EQ(json::get_string(body(), "password"), "open sesame");
    EXPECT_EQ(out.str(), "web1 is made and ready\nit is at 10.77.0.2; log in: slipway ssh web1\n");
    EXPECT_NE(field(0, "Idempotency-Key"), "");
}

TEST_F(MachinesTest, TwoThatDifferAskNothing) {
    typed = {"open sesame", "open sesane"};
    EXPECT_EQ(run(create), 2);
    EXPECT_THAT(err.str(), HasSubstr("the two passwords differ"));
    typed = {"", ""};
    EXPECT_EQ(run(create), 2);
    EXPECT_THAT(err.str(), HasSubstr("the password is empty"));
    EXPECT_TRUE(calls.empty());
}

TEST_F(MachinesTest, WhereNobodySitsItSaysHowElse) {
    EXPECT_EQ(run(create), 2);
    EXPECT_THAT(err.str(), HasSubstr("fix: --password-stdin reads it from standard input"));
    EXPECT_TRUE(calls.empty());
}

TEST_F(MachinesTest, OrComesFromStandardInputOrAFileWithoutTheEndOfItsLine) {
    for (const std::string end : {"", "\n", "\r\n"}) {
        input = " open sesame " + end;
        made();
        EXPECT_EQ(run(create_with({"--password-stdin"})), 0) << err.str();
        EXPECT_EQ(json::get_string(body(calls.size() - 1), "password"), " open sesame ");
        made();
        EXPECT_EQ(run(create_with({"--password-file", write("pässwörd" + end)})), 0) << err.str();
        EXPECT_EQ(json::get_string(body(calls.size() - 1), "password"), "pässwörd");
    }
    EXPECT_TRUE(prompts.empty());
}

TEST_F(MachinesTest, WhatCannotBeReadIsToldBeforeAnythingIsAsked) {
    EXPECT_EQ(run(create_with({"--password-stdin"})), 2);
    EXPECT_EQ(run(create_with({"--password-file", place + "/none"})), 2);
    EXPECT_THAT(err.str(), HasSubstr("none cannot be read"));
    EXPECT_EQ(run(create_with({"--password-file", place})), 2);
    EXPECT_EQ(run(create_with({"--password-file", write(std::string(5000, 'x'))})), 2);
    EXPECT_THAT(err.str(), HasSubstr("larger than 4096 bytes"));
    EXPECT_EQ(run(create_with({"--password-file", write("\n")})), 2);
    EXPECT_EQ(run(create_with({"--password-stdin", "--password-file", write("x")})), 2);
    EXPECT_THAT(err.str(), HasSubstr("exclude each other"));
    EXPECT_EQ(run({"create", "redis", "small", "--password-stdin"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("name that with --username"));
    EXPECT_TRUE(calls.empty());
}

// It would be in the list of processes and in the history of the shell.
TEST_F(MachinesTest, APasswordIsNoArgument) {
    EXPECT_EQ(run(create_with({"--password", "hunter2"})), 2);
    EXPECT_THAT(err.str(), HasSubstr("there is no option --password"));
    EXPECT_THAT(err.str(), Not(HasSubstr("hunter2")));
    EXPECT_EQ(run(create_with({"--password=hunter2"})), 2);
    EXPECT_THAT(err.str(), Not(HasSubstr("hunter2")));
}

TEST_F(MachinesTest, ADryRunAsksNobody) {
    answer(200, R"({"verb":"create","allowed":true,"steps":[],"price":{},"quotas":[]})");
    EXPECT_EQ(run({"plan", "create", "vm", "tiny", "--username", "suitepad"}), 0) << err.str();
    const json::object request = body().at("request").as_object();
    EXPECT_EQ(json::get_string(request, "username"), "suitepad");
    EXPECT_NE(json::get_string(request, "password"), "");
    EXPECT_TRUE(prompts.empty());
}

TEST_F(MachinesTest, AreListedWithTheirAddresses) {
    own();
    answer(200, R"({"resources":[)" + kMachine + R"(],"next":null})");
    EXPECT_EQ(run({"machines", "--state", "ready"}), 0) << err.str();
    EXPECT_THAT(asked(),
                ElementsAre("GET /api/v1/me",
                            "GET /api/v1/resources?kind=machine&state=ready&organization=default&limit=1000"));
    EXPECT_THAT(out.str(), HasSubstr("NAME  IP         USERNAME  STATE  PLAN  LEFT  AGE"));
    EXPECT_THAT(out.str(), HasSubstr("web1  10.77.0.2  suitepad  ready  tiny  "));
}

TEST_F(MachinesTest, HowLongTheyHaveLeftIsListed) {
    time = TimePoint(std::chrono::hours(1));
    const auto ending = [](const std::string& at) {
        std::string text = kMachine;
        return text.insert(1, R"("expires_at":")" + at + R"(",)");
    };
    own();
    answer(200, R"({"resources":[)" + ending("1970-01-01T03:30:00.000Z") + ',' +
                    ending("1970-01-01T00:30:00.000Z") + ',' + kMachine + R"(],"next":null})");
    EXPECT_EQ(run({"machines"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("web1  10.77.0.2  suitepad  ready  tiny  2h"));
    EXPECT_THAT(out.str(), HasSubstr("web1  10.77.0.2  suitepad  ready  tiny  0s"));
    EXPECT_THAT(out.str(), HasSubstr("web1  10.77.0.2  suitepad  ready  tiny  -"));
}

TEST_F(MachinesTest, AreShownWithAddressAndLogin) {
    answer(200, kMachine);
    EXPECT_EQ(run({"show", "web1"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("10.77.0.2"));
    EXPECT_THAT(out.str(), HasSubstr("suitepad"));
}

TEST_F(MachinesTest, SshIsToldWhoAndWhereAndUnderWhichNameItKnowsTheKey) {
    answer(200, kMachine);
    EXPECT_EQ(run({"ssh", "web1"}), 1);
    EXPECT_THAT(became, ElementsAre("ssh", "-o", "HostKeyAlias=slipway-res_1", "-o", "CheckHostIP=no", "-l",
                                    "suitepad", "-p", "22", "--", "10.77.0.2"));
    EXPECT_THAT(err.str(), HasSubstr("ssh cannot be started: No such file or directory"));
    EXPECT_THAT(err.str(), HasSubstr("apt-get install openssh-client"));
    answer(200, kMachine);
    EXPECT_EQ(run({"ssh", "web1", "--user", "root", "--", "uname", "-a", "--json"}), 1);
    ASSERT_EQ(became.size(), 14U);
    EXPECT_EQ(became[6], "root");
    EXPECT_EQ(std::vector<std::string>(became.end() - 3, became.end()),
              (std::vector<std::string>{"uname", "-a", "--json"}));
}

TEST_F(MachinesTest, SshIsNotStartedForWhatCannotBeLoggedInTo) {
    answer(200, R"({"id":"res_2","name":"cache1","kind":"cache","endpoint":{"host":"h","port":1}})");
    EXPECT_EQ(run({"ssh", "cache1"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("cache1 is no machine"));
    answer(200, R"({"id":"res_1","name":"web1","kind":"machine","state":"provisioning","endpoint":null})");
    EXPECT_EQ(run({"ssh", "web1"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("web1 is provisioning: nothing can be reached there"));
    // A server that is not what it should be does not make ssh run something.
    answer(200, R"({"id":"res_1","name":"web1","kind":"machine","state":"ready",)"
                R"("endpoint":{"host":"-oProxyCommand=reboot","port":22}})");
    EXPECT_EQ(run({"ssh", "web1"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("is at no address"));
    EXPECT_TRUE(became.empty());
}

}  // namespace
}  // namespace slipway::cli
