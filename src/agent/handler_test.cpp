// What the helper refuses. It may be root while its client is not, so every rule here is a border.
#include <array>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/server.h"
#include "agent/testing.h"

namespace slipway::agent {
namespace {

using slipway::testing::TempRoot;
namespace fs = std::filesystem;

class HandlerTest : public ::testing::Test {
  protected:
    HandlerTest() {
        Rights rights{::geteuid() == 0, ::geteuid(), 210'000, 210'010};
        Answer<Instances> instances = Instances::open(temp_.root(), rights, 0, [](std::string_view) {});
        if (!instances) throw std::runtime_error(instances.error().message);
        handler_.emplace(std::move(*instances),
                         std::map<std::string, std::string>{
                             {"redis-server", ""}, {"postgres", ""}, {"mariadbd", "/nonexistent/mariadbd"}},
                         Machines::Places{temp_.root(), "", 0}, [](std::string_view) {});
    }
    json::object ask(json::object request) {
        request["id"] = 1;
        return json::parse(handler_->handle(json::dump(request)))->as_object();
    }
    std::string refusal(json::object request) {
        const json::object answer = ask(std::move(request));
        const json::value* error = answer.if_contains("error");
        return error == nullptr ? "" : json::get_string(error->as_object(), "code");
    }
    static json::object meta(std::uint64_t generation = 1) {
        return {{"installation", "ins"},
                {"resource", "res_1"},
                {"generation", generation},
                {"uid", ::geteuid() == 0 ? 210'000 : static_cast<int>(::geteuid())}};
    }
    static json::object create(std::string name, std::uint64_t generation = 1) {
        return {{"verb", "create_instance"}, {"name", name}, {"meta", meta(generation)}, {"files", json::array{}}};
    }
    static json::object remove(std::string name, std::uint64_t generation = 1) {
        return {{"verb", "remove_instance"},
                {"name", name},
                {"installation", "ins"},
                {"resource", "res_1"},
                {"generation", generation}};
    }

    TempRoot temp_;
    std::optional<Handler> handler_;
};

TEST_F(HandlerTest, RefusesNamesThatCouldLeaveTheRoot) {
    for (const std::string name :
         {"", ".", "..", "../x", "a/b", "/etc", ".trash", "A", "a b", "a\n", "-a", "a-", "ä"}) {
        EXPECT_EQ(refusal(create(name)), "invalid") << name;
        EXPECT_EQ(refusal({{"verb", "status"}, {"name", name}}), "invalid") << name;
        EXPECT_EQ(refusal(remove(name)), "invalid") << name;
    }
    EXPECT_EQ(refusal(create(std::string(64, 'a'))), "invalid");
    EXPECT_EQ(refusal(create(std::string(63, 'a'))), "");
    EXPECT_EQ(refusal(create(std::string("a\0b", 3))), "invalid");
}

TEST_F(HandlerTest, RefusesFileNamesOfItsOwnAndThoseThatTraverse) {
    ASSERT_EQ(refusal(create("one")), "");
    for (const std::string file :
         {"", "..", "../x", "a/b", "meta.json", "lock", "data", "log", "log.1", ".hidden"}) {
        json::object request{{"verb", "write_file"}, {"name", "one"}, {"file", file}, {"content", "x"}};
        for (const auto& [key, value] : meta()) request[key] = value;
        EXPECT_EQ(refusal(request), "invalid") << file;
    }
}

TEST_F(HandlerTest, RefusesUidsOutsideItsRangeBecauseARootHelperMustNotActAsAnyoneElse) {
    for (const std::int64_t uid :
         {std::int64_t{-1}, std::int64_t{1}, std::int64_t{209'999}, std::int64_t{210'011}, std::int64_t{1} << 32}) {
        json::object request = create("one");
        request["meta"].as_object()["uid"] = uid;
        EXPECT_EQ(refusal(request), "invalid") << uid;
    }
    json::object request = create("one");
    if (::geteuid() == 0) request["meta"].as_object()["uid"] = 0;
    if (::geteuid() == 0) {
        EXPECT_EQ(refusal(request), "invalid");
    }
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
}

TEST_F(HandlerTest, RefusesUnknownVerbsProgramsAndArguments) {
    ASSERT_EQ(refusal(create("one")), "");
    EXPECT_EQ(refusal({{"verb", "shell"}}), "invalid");
    const auto start = [&](std::string program, json::array args) {
        return refusal({{"verb", "start"}, {"name", "one"}, {"program", program}, {"args", args}});
    };
    EXPECT_EQ(start("sh", {}), "invalid");
    EXPECT_EQ(start("/bin/sh", {}), "invalid");
    EXPECT_EQ(start("redis-server", {}), "unsupported");  // on the list, not installed
}

TEST_F(HandlerTest, RefusesOversizedAndMalformedRequests) {
    EXPECT_NE(handler_->handle(std::string(kMaxMessage + 1, ' ')).find("invalid"), std::string::npos);
    EXPECT_NE(handler_->handle("[]").find("invalid"), std::string::npos);
    EXPECT_NE(handler_->handle("{").find("invalid"), std::string::npos);
    EXPECT_NE(handler_->handle(std::string(2000, '[')).find("invalid"), std::string::npos);
    json::object big = create("one");
    big["files"] = json::array{json::object{{"file", "a.conf"}, {"content", std::string(kMaxFile + 1, 'x')}}};
    EXPECT_EQ(refusal(big), "invalid");
    json::object padded = create("one");
    padded["meta"].as_object()["more"] = std::string(kMaxMeta, 'x');
    EXPECT_EQ(refusal(padded), "invalid");
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
}

TEST_F(HandlerTest, RefusesTemplatesThatItDoesNotKnowAndLoginsThatCouldBeStatements) {
    const std::string verifier = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy";
    const auto seeded = [&](json::value name, json::value logins) {
        json::object request = create("one");
        request["template"] = std::move(name);
        if (!logins.is_null()) request["logins"] = std::move(logins);
        return refusal(std::move(request));
    };
    const auto logins = [&](std::string management, json::value user, std::string password) {
        return json::object{{"management", management}, {"user", std::move(user)}, {"password", password}};
    };
    const json::object right = logins(verifier, "admin", verifier);
    EXPECT_EQ(seeded("postgres", right), "unsupported");  // all is right, but it is not installed
    for (const std::string name : {"", "redis", "../postgres", "/etc", "Postgres"}) {
        EXPECT_EQ(seeded(json::value(name), right), "invalid") << name;
    }
    EXPECT_EQ(seeded(7, right), "invalid");
    EXPECT_EQ(seeded("postgres", nullptr), "invalid");
    EXPECT_EQ(seeded("postgres", "admin"), "invalid");
    EXPECT_EQ(seeded("mariadb", right), "invalid");
    for (const std::string user :
         {"", "a\"; DROP ROLE x; --", "a b", "a\nb", "1a", "slipway", "pg_read_all_data", "public", "none"}) {
        EXPECT_EQ(seeded("postgres", logins(verifier, json::value(user), verifier)), "invalid") << user;
    }
    EXPECT_EQ(seeded("postgres", logins(verifier, json::value(std::string(33, 'a')), verifier)), "invalid");
    EXPECT_EQ(seeded("postgres", logins(verifier, 7, verifier)), "invalid");
    const std::vector<std::string> wrong{"",
                                         "plain password",
                                         "SCRAM-SHA-256$",
                                         "md5d41d8cd98f00b204e9800998ecf8427e",
                                         verifier + "'; SELECT 1; --",
                                         verifier + "\n",
                                         verifier + std::string(kMaxVerifier, 'a')};
    for (const std::string& each : wrong) {
        EXPECT_EQ(seeded("postgres", logins(each, "admin", verifier)), "invalid") << each;
        EXPECT_EQ(seeded("postgres", logins(verifier, "admin", each)), "invalid") << each;
    }
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
    EXPECT_TRUE(fs::is_empty(temp_.root() + "/.templates"));
}

TEST_F(HandlerTest, ATemplateThatCannotBeMadeLeavesNoHalfInstance) {
    json::object request = create("one");
    request["template"] = "mariadb";
    EXPECT_NE(refusal(request), "");
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
    EXPECT_TRUE(fs::is_empty(temp_.root() + "/.new"));
    EXPECT_EQ(refusal(create("one")), "");
}

TEST_F(HandlerTest, RefusesSignalsThatAreNotOnTheList) {
    ASSERT_EQ(refusal(create("one")), "");
    const auto signal = [&](json::value word) {
        return refusal(
            {{"verb", "signal"}, {"name", "one"}, {"signal", std::move(word)}, {"pid", 7}, {"start_time", 7}});
    };
    for (const std::string word : {"terminate", "interrupt", "kill"})
        EXPECT_EQ(signal(json::value(word)), "") << word;
    for (const std::string word : {"", "stop", "SIGINT", "2", "quit"})
        EXPECT_EQ(signal(json::value(word)), "invalid") << word;
    EXPECT_EQ(signal(9), "invalid");
}

TEST_F(HandlerTest, NeverFollowsASymbolicLinkThatStandsInThePlaceOfAnInstance) {
    const std::string outside = temp_.path() + "/outside";
    fs::create_directory(outside);
    std::ofstream(outside + "/meta.json") << json::dump(meta());
    fs::create_directory_symlink(outside, temp_.root() + "/one");
    EXPECT_EQ(refusal(create("one")), "foreign");
    EXPECT_EQ(refusal(remove("one")), "foreign");
    EXPECT_EQ(json::get_string(ask({{"verb", "status"}, {"name", "one"}}), "damage").empty(), false);
    EXPECT_TRUE(fs::exists(outside + "/meta.json"));
}

TEST_F(HandlerTest, NeverWritesThroughASymbolicLinkInsideAnInstance) {
    ASSERT_EQ(refusal(create("one")), "");
    const std::string outside = temp_.path() + "/victim";
    std::ofstream(outside) << "untouched";
    fs::create_symlink(outside, temp_.root() + "/one/a.conf");
    json::object request{{"verb", "write_file"}, {"name", "one"}, {"file", "a.conf"}, {"content", "mine"}};
    for (const auto& [key, value] : meta()) request[key] = value;
    EXPECT_EQ(refusal(request), "");
    EXPECT_EQ(slipway::testing::file_text(outside), "untouched");
    EXPECT_EQ(slipway::testing::file_text(temp_.root() + "/one/a.conf"), "mine");
}

TEST_F(HandlerTest, ADirectoryWithoutReadableMetaIsNobodysAndIsLeftAlone) {
    fs::create_directory(temp_.root() + "/bare");
    fs::create_directory(temp_.root() + "/broken");
    std::ofstream(temp_.root() + "/broken/meta.json") << "{\"installation\":";
    for (const std::string name : {"bare", "broken"}) {
        EXPECT_EQ(refusal(create(name)), "foreign");
        EXPECT_EQ(refusal(remove(name)), "foreign");
        EXPECT_TRUE(fs::exists(temp_.root() + "/" + name));
    }
    const json::object listed = ask({{"verb", "list"}, {"after", ""}});
    EXPECT_EQ(listed.at("instances").as_array().size(), 2U);
}

// The engine inherits its lock's open file and may write to it. An answer that is no JSON would hide every
// instance.
TEST_F(HandlerTest, WhatAnEngineWroteIntoItsLockDoesNotGetIntoAnswers) {
    ASSERT_EQ(refusal(create("one")), "");
    const Process self{::getpid(), read_stat(::getpid())->start_time};
    const std::string path = temp_.root() + "/one/lock";
    const auto tag_after = [&](const std::string& rest) {
        std::ofstream(path, std::ios::binary) << fmt::format("{} {} ", self.pid, self.start_time) << rest << '\n';
        const UniqueFd lock(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        EXPECT_TRUE(take_lock(lock.get()));
        const auto listed = json::parse(handler_->handle(R"({"id":1,"verb":"list","after":""})"));
        EXPECT_TRUE(listed);
        if (!listed) return std::string("no JSON");
        const auto status = status_from_json(listed->at("instances").at(0).as_object());
        EXPECT_EQ(status.process, self);
        return status.tag;
    };
    EXPECT_EQ(tag_after("a tag"), "a tag");
    EXPECT_EQ(tag_after("\xff\xfe"), "");
    EXPECT_EQ(tag_after("a\nb"), "");
    EXPECT_EQ(tag_after(std::string(kMaxTag + 1, 't')), "");
}

TEST_F(HandlerTest, AProcessThatDoesNotFitIsRefusedAndNotCutOff) {
    ASSERT_EQ(refusal(create("one")), "");
    const auto signal = [&](json::value pid, json::value start_time) {
        return refusal(
            {{"verb", "signal"}, {"name", "one"}, {"signal", "kill"}, {"pid", pid}, {"start_time", start_time}});
    };
    EXPECT_EQ(signal(7, 7), "");
    EXPECT_EQ(signal((std::int64_t{1} << 32) + 7, 7), "invalid");
    EXPECT_EQ(signal(-7, 7), "invalid");
    EXPECT_EQ(signal(7, -7), "invalid");
    EXPECT_EQ(signal("7", 7), "invalid");
    EXPECT_FALSE(started_from_json({{"process", {{"pid", std::int64_t{1} << 32}, {"start_time", 1}}}}).process.pid);
}

TEST_F(HandlerTest, AnotherGenerationIsForeign) {
    ASSERT_EQ(refusal(create("one", 2)), "");
    EXPECT_EQ(refusal(create("one", 1)), "foreign");
    EXPECT_EQ(refusal(create("one", 3)), "foreign");
    EXPECT_EQ(refusal(remove("one", 1)), "foreign");
    EXPECT_EQ(refusal(remove("one", 2)), "");
}

TEST_F(HandlerTest, ALateCreateOfSomethingRemovedIsRefusedButALaterGenerationIsNot) {
    ASSERT_EQ(refusal(create("one")), "");
    ASSERT_EQ(refusal(remove("one")), "");
    EXPECT_EQ(refusal(create("one")), "gone");
    // Also where the removal came before the creation that it answers.
    ASSERT_EQ(refusal(remove("two", 4)), "");
    EXPECT_EQ(refusal(create("two", 3)), "gone");
    EXPECT_EQ(refusal(create("two", 4)), "gone");
    EXPECT_EQ(refusal(create("two", 5)), "");
}

TEST_F(HandlerTest, CreatingTwiceKeepsTheDataAndRightsAreNarrow) {
    ASSERT_EQ(refusal(create("one")), "");
    const std::string directory = temp_.root() + "/one";
    std::ofstream(directory + "/data/kept") << "x";
    ASSERT_EQ(refusal(create("one")), "");
    EXPECT_TRUE(fs::exists(directory + "/data/kept"));
    struct stat seen{};
    ASSERT_EQ(::stat((directory + "/data").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0700U);
    EXPECT_EQ(seen.st_uid, ::geteuid() == 0 ? 210'000U : ::geteuid());
    ASSERT_EQ(::stat((directory + "/meta.json").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0600U);
    EXPECT_EQ(seen.st_uid, ::geteuid());
}

TEST_F(HandlerTest, ASecondHelperOnTheSameRootIsRefusedBecauseItsPredecessorMayStillBeAtWork) {
    const Answer<Instances> second =
        Instances::open(temp_.root(), Rights{false, ::geteuid(), 0, 0}, 5, [](std::string_view) {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, FailureCode::busy);
}

TEST_F(HandlerTest, LeftoversOfAnInterruptedHelperAreClearedByTheNext) {
    handler_.reset();
    fs::create_directories(temp_.root() + "/.trash/one/data/deep");
    fs::create_directories(temp_.root() + "/.new/two");
    fs::create_directories(temp_.root() + "/.templates/.making/data");
    fs::create_directories(temp_.root() + "/.templates/postgres-whole/data");
    const Answer<Instances> next =
        Instances::open(temp_.root(), Rights{false, ::geteuid(), 0, 0}, 0, [](std::string_view) {});
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_TRUE(fs::is_empty(temp_.root() + "/.trash"));
    EXPECT_TRUE(fs::is_empty(temp_.root() + "/.new"));
    EXPECT_FALSE(fs::exists(temp_.root() + "/.templates/.making"));
    EXPECT_TRUE(fs::exists(temp_.root() + "/.templates/postgres-whole/data"));
}

// PostgreSQL makes its key of the data directory, and takes the segment away unless it is killed.
TEST_F(HandlerTest, SharedMemoryOfAKilledProgramGoesWithItsLeftovers) {
    handler_.reset();
    const std::string data = temp_.root() + "/.templates/.making/data";
    fs::create_directories(data);
    struct stat seen{};
    ASSERT_EQ(::stat(data.c_str(), &seen), 0);
    const int left = ::shmget(static_cast<key_t>(seen.st_ino), 56, IPC_CREAT | IPC_EXCL | 0600);
    ASSERT_GE(left, 0);
    const int other = ::shmget(IPC_PRIVATE, 56, 0600);
    ASSERT_GE(other, 0);
    const Answer<Instances> next =
        Instances::open(temp_.root(), Rights{false, ::geteuid(), 0, 0}, 0, [](std::string_view) {});
    EXPECT_TRUE(next);
    shmid_ds state{};
    EXPECT_EQ(::shmctl(left, IPC_STAT, &state), -1);
    EXPECT_EQ(::shmctl(other, IPC_STAT, &state), 0) << "it is somebody else's";
    ::shmctl(other, IPC_RMID, nullptr);
}

// The engine's clients may make it print without end.
TEST_F(HandlerTest, ALogThatHasGrownTooLargeIsShortenedToItsEnd) {
    ASSERT_EQ(refusal(create("one")), "");
    ASSERT_EQ(refusal(create("two")), "");
    const std::string log = temp_.root() + "/one/log";
    std::ofstream engine(log, std::ios::app);
    engine << std::string(17 * 1024 * 1024, 'x') << "the end\n" << std::flush;
    std::ofstream(temp_.root() + "/two/log") << "short\n";
    handler_->instances().prune();
    engine << "goes on\n" << std::flush;
    EXPECT_EQ(slipway::testing::file_text(log), "goes on\n");
    EXPECT_TRUE(slipway::testing::file_text(log + ".1").ends_with("xthe end\n"));
    EXPECT_LE(fs::file_size(log + ".1"), 256U * 1024);
    EXPECT_EQ(slipway::testing::file_text(temp_.root() + "/two/log"), "short\n");
}

// A program that makes a template may outlive the helper that waited for it.
TEST_F(HandlerTest, WhatIsStillAtWorkInALeftoverIsEndedFirst) {
    handler_.reset();
    const std::string making = temp_.root() + "/.templates/.making";
    fs::create_directories(making);
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const int lock = ::open((making + "/lock").c_str(), O_RDWR | O_CREAT, 0600);
        const bool taken = lock >= 0 && take_lock(lock);
        static_cast<void>(::write(ready[1], taken ? "y" : "n", 1));
        for (;;) ::pause();
    }
    char answer = 'n';
    ASSERT_EQ(::read(ready[0], &answer, 1), 1);
    ASSERT_EQ(answer, 'y');
    const Answer<Instances> next =
        Instances::open(temp_.root(), Rights{false, ::geteuid(), 0, 0}, 0, [](std::string_view) {});
    EXPECT_TRUE(next) << next.error().message;
    EXPECT_FALSE(fs::exists(making));
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(HandlerTest, PagesAreBoundedAndTogetherComplete) {
    for (int i = 0; i < 300; ++i) {
        json::object request = create(fmt::format("n-{:03}", i));
        request["meta"].as_object()["pad"] = std::string(400, 'x');
        ASSERT_EQ(refusal(request), "");
    }
    std::string after;
    std::vector<std::string> names;
    int pages = 0;
    do {
        const json::object page = ask({{"verb", "list"}, {"after", after}});
        EXPECT_LT(json::dump(page).size(), kMaxMessage);
        for (const json::value& each : page.at("instances").as_array()) {
            names.push_back(json::get_string(each.as_object(), "name"));
        }
        after = json::get_string(page, "next");
        ++pages;
    } while (!after.empty());
    EXPECT_GT(pages, 1);
    EXPECT_EQ(names.size(), 300U);
    EXPECT_TRUE(std::ranges::is_sorted(names));
}

// A machine begins only as a template of its own installation and image, and nothing else is one.
TEST_F(HandlerTest, WhatIsNoTemplateIsNotTakenForOne) {
    ASSERT_EQ(refusal(create("plain")), "");
    const auto with = [](json::object request, const std::string& verb) {
        request["verb"] = verb;
        return request;
    };
    if (::geteuid() != 0) {  // machines take a helper that is root
        EXPECT_EQ(refusal(with(remove("plain"), "freeze_template")), "unsupported");
        return;
    }
    EXPECT_EQ(refusal(with(remove("plain"), "freeze_template")), "invalid");
    EXPECT_EQ(refusal(with(remove("none"), "freeze_template")), "absent");
    EXPECT_EQ(refusal(with(remove("plain", 2), "freeze_template")), "foreign");
    EXPECT_EQ(refusal({{"verb", "look_at_template"}, {"name", "../plain"}}), "invalid");
    json::object wake = with(remove("plain"), "wake_machine");
    for (const json::value& description : {json::value(), json::value(""), json::value(std::string(40'000, 'x')),
                                           json::value(std::string("<\0/>", 4))}) {
        wake["description"] = description;
        EXPECT_EQ(refusal(wake), "invalid");
    }
    wake["description"] = "<domain/>";
    EXPECT_FALSE(json::get_bool(ask(wake), "ready")) << "it was not made of a template";
    wake["generation"] = 2;
    EXPECT_EQ(refusal(wake), "foreign");

    const auto machine = [&](const json::object& disk) {
        json::object request = create("oct-1");
        request["template"] = "machine";
        request["disk"] = disk;
        return refusal(request);
    };
    EXPECT_EQ(machine({{"image", "tiny@1"}, {"bytes", 1 << 28}, {"from", "../plain"}}), "invalid");
    EXPECT_EQ(machine({{"image", "tiny@1"}, {"bytes", 1 << 28}, {"from", ""}}), "invalid");
    EXPECT_EQ(machine({{"image", "tiny@1"}, {"bytes", 1 << 28}, {"from", "none"}}), "absent");
    EXPECT_EQ(machine({{"image", "tiny@1"}, {"bytes", 1 << 28}, {"from", "plain"}}), "foreign");
    json::object other = create("warm-1");
    json::object whose = meta();
    whose["kind"] = "machine-template";
    whose["image"] = "tiny@2";
    other["meta"] = whose;
    ASSERT_EQ(refusal(other), "");
    EXPECT_EQ(machine({{"image", "tiny@1"}, {"bytes", 1 << 28}, {"from", "warm-1"}}), "invalid") << "another image";
    EXPECT_EQ(machine({{"image", "tiny@2"}, {"bytes", 1 << 28}, {"from", "warm-1"}}), "absent") << "not frozen";
    EXPECT_FALSE(fs::exists(temp_.root() + "/oct-1"));
}

}  // namespace
}  // namespace slipway::agent
