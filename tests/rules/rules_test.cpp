// Each rule with a snippet that it must refuse and one that it must let pass.
#include "rules.h"

#include <string>

#include <gtest/gtest.h>

namespace slipway::rules {
namespace {

std::string include(const std::string& path) { return "#include \"" + path + "\"\n"; }
std::size_t faults(const std::string& file, const std::string& included) {
    return check_includes(file, include(included)).size();
}

TEST(IncludeRule, BaseSeesItselfOnlyAndDomainSeesBase) {
    EXPECT_EQ(faults("src/base/a.cpp", "base/b.h"), 0U);
    EXPECT_EQ(faults("src/base/a.cpp", "domain/b.h"), 1U);
    EXPECT_EQ(faults("src/domain/a.cpp", "base/b.h"), 0U);
    EXPECT_EQ(faults("src/domain/a.cpp", "store/store.h"), 1U);
    EXPECT_EQ(faults("src/http/a.cpp", "domain/b.h"), 1U);
    EXPECT_EQ(faults("src/net/a.h", "base/b.h"), 0U);
}

TEST(IncludeRule, BrokerAndOpsSeeTheStoresInterfaceButNoStore) {
    EXPECT_EQ(faults("src/broker/a.cpp", "store/store.h"), 0U);
    EXPECT_EQ(faults("src/broker/a.cpp", "store/sqlite/db.h"), 1U);
    EXPECT_EQ(faults("src/broker/a.cpp", "providers/provider.h"), 1U);
    EXPECT_EQ(faults("src/ops/a.cpp", "providers/provider.h"), 0U);
    EXPECT_EQ(faults("src/ops/a.cpp", "providers/local/redis.h"), 1U);
    EXPECT_EQ(faults("src/ops/a.cpp", "store/memory/memory_store.h"), 1U);
    EXPECT_EQ(faults("src/ops/a_test.cpp", "store/memory/memory_store.h"), 0U);
    EXPECT_EQ(faults("src/ops/a_test.cpp", "store/sqlite/db.h"), 1U);
}

TEST(IncludeRule, FacesSeeNoStoreOpsOrProviders) {
    EXPECT_EQ(faults("src/faces/redis/a.cpp", "broker/broker.h"), 0U);
    EXPECT_EQ(faults("src/faces/redis/a.cpp", "faces/common.h"), 0U);
    for (const char* other : {"store/store.h", "ops/worker.h", "providers/provider.h", "faces/native/a.h"}) {
        EXPECT_EQ(faults("src/faces/redis/a.cpp", other), 1U) << other;
    }
}

TEST(IncludeRule, OnlyTestsThatLieBesideThePartsSeeThemAll) {
    EXPECT_EQ(faults("src/faces/face_test_support.h", "faces/redis/redis_face.h"), 0U);
    EXPECT_EQ(faults("src/faces/face.h", "faces/redis/redis_face.h"), 1U);
    EXPECT_EQ(faults("src/faces/native/a_test.cpp", "faces/redis/redis_face.h"), 1U);
}

TEST(IncludeRule, StoresAndProvidersNeverSeeEachOther) {
    EXPECT_EQ(faults("src/store/sqlite/a.cpp", "store/store.h"), 0U);
    EXPECT_EQ(faults("src/store/sqlite/a.cpp", "store/sqlite/b.h"), 0U);
    EXPECT_EQ(faults("src/store/sqlite/a.cpp", "store/memory/b.h"), 1U);
    EXPECT_EQ(faults("src/providers/local/a.cpp", "agent/client.h"), 0U);
    EXPECT_EQ(faults("src/providers/local/a.cpp", "providers/dummy/b.h"), 1U);
    EXPECT_EQ(faults("src/providers/local/a.cpp", "store/store.h"), 1U);
}

TEST(IncludeRule, MainSeesAllAndUnknownFoldersNothing) {
    EXPECT_EQ(faults("src/main/a.cpp", "store/sqlite/b.h"), 0U);
    EXPECT_EQ(faults("src/surprise/a.cpp", "base/b.h"), 1U);
    EXPECT_EQ(faults("src/cli/a.cpp", "http/b.h"), 1U);
}

TEST(IncludeRule, LibrariesStayBehindTheirFolder) {
    EXPECT_EQ(check_includes("src/faces/redis/a.cpp", "#include <boost/beast/http.hpp>\n").size(), 1U);
    EXPECT_EQ(check_includes("src/http/a.cpp", "#include <boost/beast/http.hpp>\n").size(), 0U);
    EXPECT_EQ(check_includes("src/broker/a.cpp", "#include <sqlite3.h>\n").size(), 1U);
    EXPECT_EQ(check_includes("src/base/a.cpp", include("../base/b.h")).size(), 1U);
}

TEST(LengthRules, CountFilesAndFunctions) {
    std::string text;
    for (int i = 0; i < 600; ++i) text += "int x;\n";
    EXPECT_TRUE(check_length(text).empty());
    EXPECT_EQ(check_length(text + "\n").size(), 1U);

    const auto function = [](int lines) {
        std::string body = "void f() {\n";
        for (int i = 0; i < lines - 2; ++i) body += "  g();\n";
        return body + "}\n";
    };
    EXPECT_TRUE(check_functions(function(80)).empty());
    EXPECT_EQ(check_functions("\n\n" + function(81)).at(0).line, 3U);
    EXPECT_EQ(check_functions("void f() {\n").size(), 1U);
}

TEST(ForbiddenCode, IsFoundInCodeOnly) {
    const char* const bad[] = {"std::system(\"ls\");",
                               " ::system(x);",
                               "system(x);",
                               "worker.detach();",
                               "std::this_thread::sleep_for(t);",
                               "usleep(5);",
                               "GTEST_SKIP() << 1;",
                               "TEST(A, DISABLED_b) {}",
                               "popen(x, y);"};
    for (const char* text : bad) EXPECT_EQ(check_forbidden_code(text).size(), 1U) << text;
    const char* const good[] = {"// std::system(\"ls\")", "puts(\"usleep(5)\");", "boost::system::error_code e;",
                                "info.system();", "detached(x);"};
    for (const char* text : good) EXPECT_TRUE(check_forbidden_code(text).empty()) << text;
}

TEST(Nolint, NeedsItsCheckAndAReason) {
    EXPECT_EQ(check_nolint("x();  // NOLINT\n").size(), 1U);
    EXPECT_EQ(check_nolint("// NOLINTNEXTLINE(bugprone-branch-clone)\nx();").size(), 1U);
    EXPECT_EQ(check_nolint("x();  // NOLINT: because it is so\n").size(), 1U);
    EXPECT_TRUE(check_nolint("x();  // NOLINT(bugprone-branch-clone): the branches differ soon\n").empty());
    EXPECT_TRUE(check_nolint("f(\"NOLINT\");  // words in a string are none").empty());
    EXPECT_TRUE(check_nolint("// NOLINTEND(bugprone-branch-clone)").empty());
}

TEST(Words, UnfinishedWorkAndRegistriesAreFound) {
    EXPECT_EQ(check_words("// TO"
                          "DO: later\n")
                  .size(),
              1U);
    EXPECT_EQ(check_words("\n# FIX"
                          "ME\n")
                  .at(0)
                  .line,
              2U);
    EXPECT_EQ(check_words("pip install --index-url https://py"
                          "pi.org/simple x")
                  .size(),
              1U);
    EXPECT_EQ(check_words("image: quay"
                          ".io/x/y")
                  .size(),
              1U);
    EXPECT_TRUE(check_words("mkdtemp(\"/tmp/x-XXXXXX\"); // a method of mastodons").empty());
}

}  // namespace
}  // namespace slipway::rules
