#include "base/child.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

Ended run(std::vector<std::string> words, const Streams& streams, Duration limit = seconds(30),
          std::vector<std::string> environment = {}) {
    StopSign stop;
    return run_program({std::move(words), std::move(environment), "", Secret()}, streams, stop,
                       steady_clock::now() + limit);
}

TEST(RunProgram, IsFedAndReadToItsEnd) {
    const std::string all(3'000'000, 'x');
    std::string_view left = all;
    std::string got;
    Streams streams;
    streams.feed = [&] {
        const std::string_view piece = left.substr(0, 100'000);
        left.remove_prefix(piece.size());
        return piece;
    };
    streams.take = [&](std::string_view piece) {
        got += piece;
        return true;
    };
    EXPECT_TRUE(run({"/bin/cat"}, streams).well());
    EXPECT_EQ(got, all);
}

TEST(RunProgram, GetsNothingOfOursButWhatItIsGiven) {
    std::string got;
    Streams streams;
    streams.take = [&](std::string_view piece) {
        got += piece;
        return true;
    };
    StopSign stop;
    ASSERT_TRUE(run_program({{"/usr/bin/env"}, {"A=1"}, "WORD", Secret("hidden")}, streams, stop,
                            steady_clock::now() + seconds(30))
                    .well());
    EXPECT_EQ(got, "A=1\nWORD=hidden\n");
    got.clear();
    ASSERT_TRUE(run({"/bin/ls", "/proc/self/fd"}, streams).well());
    EXPECT_EQ(got, "0\n1\n2\n3\n") << "its own three, and the directory that it reads";
}

TEST(RunProgram, SaysHowItEnded) {
    EXPECT_EQ(run({"/no/such/program"}, {}).status, run({"/no/such/program"}, {}).status);
    EXPECT_FALSE(run({"/no/such/program"}, {}).well());
    const Ended failed = run({"/bin/ls", "/no/such/place"}, {}, seconds(30), {"LC_ALL=C"});
    EXPECT_EQ(failed.how, Ended::How::exited);
    EXPECT_NE(failed.status, 0);
    EXPECT_NE(failed.complaints.find("No such file"), std::string::npos);
    EXPECT_EQ(run({"/bin/sleep", "60"}, {}, milliseconds(50)).how, Ended::How::late);
    Streams refusing;
    refusing.take = [](std::string_view) { return false; };
    EXPECT_EQ(run({"/usr/bin/yes"}, refusing).how, Ended::How::refused);
}

TEST(RunProgram, EndsWhenItIsTold) {
    StopSign stop;
    std::thread later([&] { stop.raise(); });
    const Ended ended =
        run_program({{"/bin/sleep", "60"}, {}, "", Secret()}, {}, stop, steady_clock::now() + seconds(60));
    later.join();
    EXPECT_EQ(ended.how, Ended::How::stopped);
}

TEST(RunProgram, WorksInTheDirectoryThatItIsGiven) {
    const TemporaryDirectory place;
    std::string got;
    Streams streams;
    streams.take = [&](std::string_view piece) {
        got += piece;
        return true;
    };
    const StopSign stop;
    const Invocation what{{"/bin/pwd"}, {}, "", Secret(), place.path()};
    ASSERT_TRUE(run_program(what, streams, stop, steady_clock::now() + seconds(30)).well());
    EXPECT_EQ(got, std::filesystem::canonical(place.path()).string() + "\n");
}

// What is left of a program that was ended would go on working on what its caller has given up.
TEST(RunProgram, TakesItsOwnChildrenWithIt) {
    const TemporaryDirectory place;
    const std::string mark = place.path() / "mark";
    const std::string script = "(sleep 0.5; echo late >" + mark + ") & sleep 60";
    EXPECT_EQ(run({"/bin/sh", "-c", script}, {}, milliseconds(100), {"PATH=/usr/bin:/bin"}).how, Ended::How::late);
    EXPECT_EQ(run({"/bin/sleep", "1"}, {}).how, Ended::How::exited);
    EXPECT_FALSE(std::filesystem::exists(mark));
}

}  // namespace
}  // namespace slipway
