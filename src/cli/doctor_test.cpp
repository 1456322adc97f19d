// Each check of the doctor against a machine on which that thing is right, and one on which it is wrong.
#include "cli/doctor.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program_version.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

class DoctorTest : public testing::Test {
  public:
    DoctorTest() {
        std::string name = (fs::temp_directory_path() / "slipway-doctor-XXXXXX").string();
        place = ::mkdtemp(name.data());
    }
    ~DoctorTest() override { fs::remove_all(place); }

  protected:
    std::string program(const std::string& name, const std::string& script) const {
        const std::string path = place + "/" + name;
        std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
        ::chmod(path.c_str(), 0755);
        return path;
    }
    std::string place;
};

TEST_F(DoctorTest, RedisIsJudgedByItsVersion) {
    program("redis-server", "echo 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc'");
    const Finding good = check_redis(place);
    EXPECT_EQ(good.severity, Severity::ok) << good.message;
    EXPECT_EQ(good.message, place + "/redis-server 7.0.15");
    program("redis-server", "echo 'Redis server v=5.0.3 sha=0'");
    EXPECT_EQ(check_redis(place).severity, Severity::problem) << "it has no users of its own yet";
    program("redis-server", "exit 1");
    const Finding broken = check_redis(place);
    EXPECT_EQ(broken.severity, Severity::problem);
    EXPECT_NE(broken.fix, "");
}

TEST_F(DoctorTest, AProgramThatHangsIsEnded) {
    const std::string path = program("hangs", "exec sleep 1000");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(version_line(path, std::chrono::milliseconds(50)));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    EXPECT_FALSE(version_line(place + "/absent", std::chrono::seconds(1)));
    EXPECT_EQ(find_program("hangs", "/nowhere::relative:" + place), path);
    EXPECT_EQ(find_program("absent", place), "");
}

TEST_F(DoctorTest, AStateDirectoryOpenToOthersIsAProblem) {
    const auto first = [&] { return check_state_dir(place).at(0); };
    EXPECT_EQ(first().severity, Severity::ok) << first().message;
    EXPECT_EQ(check_state_dir(place).size(), 3U) << "space and fsync as well";
    EXPECT_EQ(check_state_dir(place).at(2).check, "fsync");
    EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 0) << "nothing is left there";
    ::chmod(place.c_str(), 0777);
    EXPECT_EQ(first().severity, Severity::problem);
    EXPECT_EQ(first().fix, "chmod go-w " + place);
    ::chmod(place.c_str(), 0711);
    std::ofstream(place + "/admin.key") << "key";
    ::chmod((place + "/admin.key").c_str(), 0644);
    EXPECT_EQ(first().fix, "chmod 600 " + place + "/admin.key");
    ::chmod((place + "/admin.key").c_str(), 0600);
    EXPECT_EQ(first().severity, Severity::ok);
    EXPECT_EQ(check_state_dir(place + "/absent").at(0).severity, Severity::ok) << "the server makes it";
    EXPECT_EQ(check_state_dir(place + "/admin.key").at(0).severity, Severity::problem);
}

TEST_F(DoctorTest, WhatTheServerFindsIsPartOfTheAnswer) {
    std::ostringstream out;
    std::ostringstream err;
    std::vector<std::string> asked;
    int doctor_status = 200;
    bool there = true;
    Environment environment{{{"PATH", place}},
                            out,
                            err,
                            false,
                            true,
                            [&](const net::Origin&, const net::HttpCall& call) -> Result<net::HttpAnswer> {
                                asked.push_back(call.target);
                                if (!there) return fail(ErrorCode::unavailable, "nobody answers");
                                if (call.target == "/readyz") {
                                    EXPECT_TRUE(call.bearer.empty()) << "readiness needs no key";
                                    return net::HttpAnswer{
                                        200, {}, R"({"ready":true,"checks":[{"name":"store","ready":true}]})"};
                                }
                                return net::HttpAnswer{doctor_status,
                                                       {},
                                                       R"({"findings":[{"check":"pool","severity":"problem",)"
                                                       R"("message":"empty","fix":"fill it"}]})"};
                            },
                            [](Duration) {},
                            [] { return TimePoint(); }};
    program("redis-server", "echo 'Redis server v=7.0.15'");
    const Settings settings{*net::Origin::parse("http://127.0.0.1:1"), Secret("k"), "test"};
    Api api(settings, environment);
    EXPECT_EQ(doctor(api, place, false).value(), Exit::failed) << "a problem is a status for scripts";
    EXPECT_NE(out.str().find("server: pool"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("fix: fill it"), std::string::npos) << out.str();
    doctor_status = 403;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true)) << "no administrator";
    EXPECT_NE(out.str().find("is for administrators"), std::string::npos) << out.str();
    there = false;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true));
    const auto parsed = json::parse(out.str());
    ASSERT_TRUE(parsed);
    for (const auto& finding : parsed->as_object().at("findings").as_array()) {
        if (json::get_string(finding.as_object(), "check") != "server") continue;
        EXPECT_EQ(json::get_string(finding.as_object(), "severity"), "warning") << "no server is no fault";
    }
}

}  // namespace
}  // namespace slipway::cli
