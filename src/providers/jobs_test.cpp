#include "providers/jobs.h"

#include <thread>

#include <gtest/gtest.h>

namespace slipway {
namespace {

// Waits for a job as calls of a provider do.
JobView ended(Jobs& jobs, const std::string& name) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
        auto view = jobs.look(name);
        if (!view || view->finished) return view.value_or(JobView{});
        std::this_thread::yield();
    }
    return {};
}

TEST(Jobs, SoManyAtOnceAndTheOthersInTheirTurn) {
    Jobs jobs(1);
    StopSign go;
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    const auto work = [&](JobSide& side) -> Finished {
        most = std::max<int>(most, ++running);
        while (!go.raised() && !side.stop.raised()) std::this_thread::yield();
        --running;
        return {};
    };
    EXPECT_TRUE(jobs.start("a", 100, work));
    EXPECT_FALSE(jobs.start("a", 100, work)) << "one of a name";
    EXPECT_TRUE(jobs.start("b", 0, work));
    EXPECT_TRUE(jobs.start("c", 0, work));
    EXPECT_TRUE(jobs.look("a")->running);
    EXPECT_EQ(words_of(*jobs.look("c"), "dumped"), "waiting for its turn (1 before it)");
    EXPECT_TRUE(jobs.drop("b")) << "nothing of it runs";
    EXPECT_FALSE(jobs.look("b"));
    go.raise();
    EXPECT_EQ(ended(jobs, "a").finished->how, Finished::How::well);
    EXPECT_EQ(ended(jobs, "c").finished->how, Finished::How::well);
    EXPECT_EQ(most, 1);
}

TEST(Jobs, ADroppedOneIsStoppedAndWhatThrowsHasFailedForNow) {
    Jobs jobs(4);
    jobs.start("a", 0, [](JobSide& side) -> Finished {
        while (!side.stop.raised()) std::this_thread::yield();
        return {Finished::How::not_now, "stopped", {}};
    });
    while (!jobs.drop("a")) std::this_thread::yield();
    EXPECT_FALSE(jobs.look("a"));
    jobs.start("b", 0, [](JobSide&) -> Finished { throw std::runtime_error("no memory"); });
    EXPECT_EQ(ended(jobs, "b").finished->how, Finished::How::not_now);
}

TEST(Jobs, ProgressIsToldInWords) {
    JobView view;
    view.running = true;
    view.done = 12'400'000;
    view.of = 40'000'000;
    EXPECT_EQ(words_of(view, "dumped"), "dumped: 12 MB of about 40 MB");
    view.of = 0;
    view.done = 1500;
    EXPECT_EQ(words_of(view, "dumped"), "dumped: 2 kB");
}

}  // namespace
}  // namespace slipway
