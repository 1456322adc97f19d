#include "store/log_files.h"

#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/temporary_directory_test_support.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LogFilesTest : public testing::Test {
  protected:
    static std::string line_of(int number) { return fmt::format("line {:04} {}", number, std::string(60, 'x')); }
    std::string all(const LogFiles& logs, std::size_t most = 100'000) {
        std::string text;
        for (std::uint64_t at = 0;;) {
            const LogPart part = logs.read(kId, at, most).value();
            if (part.next == at) return text;
            text += part.text;
            at = part.next;
        }
    }
    std::uint64_t bytes_on_disk() const {
        std::uint64_t sum = 0;
        for (const auto& entry : fs::recursive_directory_iterator(base_)) {
            if (entry.is_regular_file()) sum += entry.file_size();
        }
        return sum;
    }

    const OperationId kId{"op_01KAPT0000000000000000000A"};
    const TemporaryDirectory directory_;
    const fs::path base_ = directory_.path() / "logs";
    ManualClock clock_{TimePoint(std::chrono::seconds(1'800'000'000))};
    LogFiles logs_{base_, clock_};
};

TEST_F(LogFilesTest, WhatWasNeverWrittenIsEmptyAndMakesNothing) {
    const auto log = logs_.open(kId, {});
    EXPECT_EQ(all(logs_), "");
    EXPECT_FALSE(fs::exists(base_));
}

TEST_F(LogFilesTest, LinesAreKeptWithTheirTimeForTheOwnerAlone) {
    logs_.open(kId, {})->write("installing nginx");
    EXPECT_EQ(all(logs_), "2027-01-15T08:00:00.000Z installing nginx\n");
    for (const auto& entry : fs::recursive_directory_iterator(base_)) {
        struct stat facts{};
        ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 077U, 0U) << entry.path();
    }
}

TEST_F(LogFilesTest, SecretsAndControlCharactersAreTakenOut) {
    const auto log = logs_.open(kId, {Secret("pä\"ss'word")});
    log->write("\x1b[31mit is pä\"ss'word\x1b[0m\x07");
    log->write(R"({"stdout": "pä\"ss'word"} and {"stdout": "p\u00e4\"ss'word"} and 'pä"ss'"'"'word')");
    // What would put itself together once something is taken out of it.
    log->write("pä\"ss\x08'word");
    EXPECT_THAT(all(logs_), Not(HasSubstr("word")));
    EXPECT_THAT(all(logs_), HasSubstr("it is ********\n"));
    EXPECT_THAT(all(logs_), Not(HasSubstr("\x1b")));
}

TEST_F(LogFilesTest, ALongLineIsCut) {
    logs_.open(kId, {})->write(std::string(10'000, 'y'));
    EXPECT_THAT(all(logs_), EndsWith("yyy [5904 bytes more]\n"));
}

TEST_F(LogFilesTest, TheBeginningAndTheEndOfALongLogAreKept) {
    const LogBounds small{.part = 1000, .last_parts = 3};
    LogFiles logs(base_, clock_, small);
    const auto log = logs.open(kId, {});
    for (int number = 0; number < 500; ++number) log->write(line_of(number));
    EXPECT_LE(bytes_on_disk(), small.part * (small.last_parts + 1));
    const std::string text = all(logs);
    EXPECT_THAT(text, HasSubstr(line_of(0)));
    EXPECT_THAT(text, HasSubstr("bytes were dropped here"));
    EXPECT_THAT(text, Not(HasSubstr(line_of(250))));
    EXPECT_THAT(text, EndsWith(line_of(499) + "\n"));
    EXPECT_EQ(all(logs, 200), text) << "in small parts it is the same";
}

TEST_F(LogFilesTest, AReaderWhoseOffsetWasDroppedGoesOnBehindTheGap) {
    LogFiles logs(base_, clock_, {.part = 1000, .last_parts = 1});
    const auto log = logs.open(kId, {});
    for (int number = 0; number < 20; ++number) log->write(line_of(number));
    const std::uint64_t at = logs.read(kId, 0, 100'000).value().next;
    EXPECT_EQ(logs.read(kId, at, 100'000).value().text, "");
    for (int number = 20; number < 100; ++number) log->write(line_of(number));
    const LogPart rest = logs.read(kId, at, 100'000).value();
    EXPECT_THAT(rest.text, StartsWith("["));
    EXPECT_THAT(rest.text, EndsWith(line_of(99) + "\n"));
}

TEST_F(LogFilesTest, AnotherProcessGoesOnWhereTheFirstDied) {
    logs_.open(kId, {})->write("the first");
    const fs::path file = base_ / kId.str() / "00000000000000000000.log";
    std::ofstream(file, std::ios::app) << "half a li";
    EXPECT_THAT(all(logs_), EndsWith("the first\n")) << "half a line is none";
    LogFiles next(base_, clock_);
    next.open(kId, {})->write("the second");
    EXPECT_THAT(all(next), HasSubstr("half a li\n2027-"));
    EXPECT_THAT(all(next), EndsWith("the second\n"));
}

TEST_F(LogFilesTest, SeveralStepsOfOneOperationWriteToOneLog) {
    const auto one = logs_.open(kId, {});
    const auto other = logs_.open(kId, {});
    one->write("a");
    other->write("b");
    one->write("c");
    EXPECT_THAT(all(logs_), testing::MatchesRegex(".*Z a\n.*Z b\n.*Z c\n"));
}

TEST_F(LogFilesTest, NoNameLeadsElsewhere) {
    EXPECT_EQ(logs_.open(OperationId("../outside"), {}), nullptr);
    EXPECT_EQ(logs_.read(OperationId("../../etc"), 0, 1000).value().text, "");
    ASSERT_TRUE(logs_.remove(OperationId("..")));
    EXPECT_TRUE(fs::exists(base_.parent_path()));
}

TEST_F(LogFilesTest, ARemovedLogIsGone) {
    logs_.open(kId, {})->write("something");
    ASSERT_TRUE(logs_.remove(kId));
    EXPECT_EQ(all(logs_), "");
    EXPECT_FALSE(fs::exists(base_ / kId.str()));
    EXPECT_TRUE(logs_.remove(kId)) << "and again";
}

TEST_F(LogFilesTest, OldLogsAreRemovedByTheTimeOfTheirLastLine) {
    const SystemClock now;
    ManualClock later(now.now());
    LogFiles logs(base_, later);
    logs.open(kId, {})->write("something");
    EXPECT_EQ(logs.remove_old(), 0U);
    later.advance(std::chrono::hours(24 * 31));
    EXPECT_EQ(logs.remove_old(), 1U);
    EXPECT_EQ(all(logs), "");
    fs::remove_all(base_);
    EXPECT_EQ(logs.remove_old(), 0U) << "without any";
}

}  // namespace
}  // namespace slipway::store
