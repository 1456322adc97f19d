#include "providers/backups/jobs.h"

#include <thread>

#include <gtest/gtest.h>

#include "providers/backups/tools.h"

namespace slipway::backups {
namespace {

// Waits for a job as calls of a provider do.
JobView ended(Jobs& jobs, const std::string& name) {
    for (int i = 0; i < 10'000; ++i) {
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

TEST(Tools, NoPasswordIsAnArgument) {
    const Tools tools{"/bin/pg_dump", "/bin/pg_restore", "/bin/mariadb-dump", "/bin/mariadb"};
    for (const char* engine : {"postgres", "mysql"}) {
        const DatabaseLogin login{ResourceId("res_1"), engine,    "127.0.0.1",     5432, "user",
                                  "da'ta=b",           "disable", Secret("canary")};
        for (const Invocation& what : {dump_of(tools, login), restore_into(tools, login, "/list")}) {
            for (const std::string& word : what.words) EXPECT_EQ(word.find("canary"), std::string::npos) << word;
            for (const std::string& word : what.environment) EXPECT_EQ(word.find("canary"), std::string::npos);
            EXPECT_EQ(what.password.reveal(), "canary");
            EXPECT_FALSE(what.password_name.empty());
        }
    }
}

TEST(Tools, OfAnArchiveEverythingIsRestoredButWhatOnlyAnAdministratorMay) {
    const std::string contents =
        ";\n; Archive created at 2026\n"
        "3; 2615 16384 SCHEMA - public tenant\n"
        "3450; 0 0 COMMENT - SCHEMA public tenant\n"
        "2; 3079 16385 EXTENSION - hstore \n"
        "3451; 0 0 COMMENT - EXTENSION hstore \n"
        "215; 1259 16400 TABLE public  COMMENT - EXTENSION tenant\n"
        "3452; 0 0 COMMENT public TABLE words tenant\n";
    EXPECT_EQ(restorable(contents),
              ";\n; Archive created at 2026\n"
              "2; 3079 16385 EXTENSION - hstore \n"
              "215; 1259 16400 TABLE public  COMMENT - EXTENSION tenant\n"
              "3452; 0 0 COMMENT public TABLE words tenant\n");
}

TEST(Tools, AComplaintIsToldWithoutWhatItQuotes) {
    Ended ended;
    ended.status = 1;
    ended.complaints = "pg_dump: error: FATAL: password authentication failed for user \"tenant\"";
    EXPECT_EQ(reason_of(ended, "the dump").words, "the dump failed: the login was refused");
    ended.complaints = "pg_restore: error: Key (mail)=(a@b.example) already exists";
    EXPECT_EQ(reason_of(ended, "the restore").words, "the restore failed (status 1)");
    ended.complaints = "server closed the connection unexpectedly";
    EXPECT_TRUE(reason_of(ended, "the dump").later);
}

TEST(Tools, WhatIsMissingIsNamedWithItsPackage) {
    EXPECT_NE(usable(Tools{}, "mysql").error().message.find("mariadb-client"), std::string::npos);
    EXPECT_NE(usable(Tools{}, "postgres").error().message.find("postgresql-client"), std::string::npos);
}

}  // namespace
}  // namespace slipway::backups
