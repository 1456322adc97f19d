#include "providers/playbooks/report.h"

#include <gmock/gmock.h>

#include "base/output_lines.h"

namespace slipway::playbooks {
namespace {

using ::testing::HasSubstr;

Report read(std::string_view output, std::string_view complaints = "") {
    Report report;
    OutputLines lines([&](std::string_view line) { report.read_output(line); });
    OutputLines others([&](std::string_view line) { report.read_complaint(line); });
    lines.feed(output);
    lines.finish();
    others.feed(complaints);
    others.finish();
    return report;
}

constexpr std::string_view kHead =
    "\nPLAY [all] *********\n\nTASK [say [hello]] *******\nchanged: [oct-1]\n\n"
    "TASK [install nginx] *****\n";

TEST(Report, CountsTasksAndNamesTheLast) {
    EXPECT_EQ(Report().where(), "");
    EXPECT_EQ(read("PLAY [all] **\n\nTASK [say [hello]] *******\n").where(), "task 1: say [hello]");
    EXPECT_EQ(read(kHead).where(), "task 2: install nginx");
    EXPECT_EQ(read(std::string(kHead) + "RUNNING HANDLER [restart it] ***\n").where(), "task 3: restart it");
}

TEST(Report, AFailureIsToldInTheModulesWords) {
    const Report report = read(
        std::string(kHead) +
        R"(fatal: [oct-1]: FAILED! => {"changed": true, "msg": "non-zero return code", "rc": 127, "stderr": "a\nsh: nginx: not found\n", "stdout": "out"})"
        "\n\nPLAY RECAP ***\noct-1 : ok=1 failed=1\n");
    ASSERT_TRUE(report.trouble());
    EXPECT_FALSE(report.trouble()->unreachable);
    EXPECT_EQ(report.trouble()->where, "task 2: install nginx");
    EXPECT_EQ(report.trouble()->why, "non-zero return code: sh: nginx: not found");
    EXPECT_TRUE(report.played());
}

TEST(Report, AnUnreachableMachineIsNoFailure) {
    const Report report = read(
        std::string(kHead) +
        R"(fatal: [oct-1]: UNREACHABLE! => {"changed": false, "msg": "Failed to connect to the host via ssh: ssh: connect to host 10.213.0.2 port 22: Connection refused", "unreachable": true})"
        "\n");
    ASSERT_TRUE(report.trouble());
    EXPECT_TRUE(report.trouble()->unreachable);
    EXPECT_THAT(report.trouble()->why, HasSubstr("Connection refused"));
}

TEST(Report, WhatIsIgnoredIsNoTrouble) {
    EXPECT_FALSE(read(std::string(kHead) + "fatal: [oct-1]: FAILED! => {\"msg\": \"x\"}\n...ignoring\n").trouble());
}

TEST(Report, OneItemOfALoopFails) {
    const Report report =
        read(std::string(kHead) + "failed: [oct-1] (item=a) => {\"msg\": \"no a\", \"item\": \"a\"}\n");
    ASSERT_TRUE(report.trouble());
    EXPECT_EQ(report.trouble()->why, "no a");
}

TEST(Report, WhatIsHiddenStaysHidden) {
    const Report report = read(
        std::string(kHead) +
        R"(fatal: [oct-1]: FAILED! => {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result", "changed": true})"
        "\n");
    EXPECT_THAT(report.trouble()->why, HasSubstr("has been hidden"));
}

TEST(Report, ResultsThatAreNoneAreTakenAsTheyAre) {
    EXPECT_EQ(read(std::string(kHead) + "fatal: [oct-1]: FAILED! => {broken\n").trouble()->why, "{broken");
    EXPECT_EQ(read(std::string(kHead) + "fatal: [oct-1]: FAILED! => {}\n").trouble()->why, "it does not say why");
    EXPECT_LT(
        read(std::string(kHead) + "fatal: [oct-1]: FAILED! => {\"msg\": \"" + std::string(9000, 'x') + "\"}\n")
            .trouble()
            ->why.size(),
        500U);
}

TEST(Report, APlayThatIsForNobodyIsSeen) {
    const Report report = read("\nPLAY [web] ***\nskipping: no hosts matched\n\nPLAY RECAP *****\n\n");
    EXPECT_FALSE(report.played());
}

TEST(Report, AMistakeInThePlaybookIsTold) {
    const Report report =
        read("", "[WARNING]: a\nERROR! Syntax Error while loading YAML.\n  did not find it\n\nThe\nx\n");
    EXPECT_EQ(report.error(), "Syntax Error while loading YAML. did not find it The");
}

}  // namespace
}  // namespace slipway::playbooks
