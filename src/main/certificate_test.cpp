#include "main/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using faces::Severity;
using std::chrono::days;
using ::testing::HasSubstr;

TEST(JudgeCertificate, WarnsBeforeItsEndAndCallsWhatNobodyTakesAProblem) {
    const TimePoint begin = from_micros(1'700'000'000'000'000);
    const TimePoint end = begin + days(90);
    const auto at = [&](TimePoint now, std::vector<std::string> names = {"a.example"}) {
        return judge_certificate({std::move(names), begin, end}, "/etc/cert.pem", now);
    };
    EXPECT_EQ(at(begin + days(1)).severity, Severity::ok);
    EXPECT_THAT(at(begin + days(1)).message, HasSubstr("/etc/cert.pem for a.example is valid until 2024-02-12"));
    EXPECT_EQ(at(end - days(15)).severity, Severity::ok);
    EXPECT_EQ(at(end - days(13)).severity, Severity::warning);
    EXPECT_EQ(at(end + days(1)).severity, Severity::problem);
    EXPECT_THAT(at(end + days(1)).message, HasSubstr("has expired"));
    EXPECT_EQ(at(begin - days(1)).severity, Severity::problem);
    EXPECT_EQ(at(begin + days(1), {}).severity, Severity::problem) << "no client compares the common name";
    for (const auto& finding : {at(end - days(13)), at(end + days(1)), at(begin - days(1))}) {
        EXPECT_FALSE(finding.fix.empty());
    }
}

}  // namespace
}  // namespace slipway
