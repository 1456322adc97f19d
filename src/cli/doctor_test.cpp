// Each check of the doctor against a machine on which that thing is right, and one on which it is wrong.
#include "cli/doctor.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temporary_directory_test_support.h"
#include "cli/output.h"
#include "cli/program_version.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 13> kLocalChecks{
    "redis-server", "memcached",  "postgres", "mariadbd",        "names",      "IPv6 loopback", "ports",
    "open files",   "privileges", "clock",    "state directory", "free space", "fsync"};

class DoctorTest : public testing::Test {
  protected:
    static void every_fault_has_a_fix(const std::string& text) {
        const auto parsed = json::parse(text);
        ASSERT_TRUE(parsed) << text;
        for (const auto& value : parsed->as_object().at("findings").as_array()) {
            const json::object& finding = value.as_object();
            if (json::get_string(finding, "severity") == "ok") continue;
            EXPECT_NE(json::get_string(finding, "fix"), "") << json::dump(finding);
        }
    }
    std::string program(const std::string& name, const std::string& script) const {
        const std::string path = place + "/" + name;
        std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
        ::chmod(path.c_str(), 0755);
        return path;
    }
    TemporaryDirectory directory;
    std::string place = directory.path();
};

TEST_F(DoctorTest, RedisIsJudgedByItsVersion) {
    program("redis-server", "echo 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc'");
    const Finding good = check_redis(place);
    EXPECT_EQ(good.severity, Severity::ok) << good.message;
    EXPECT_EQ(good.message, place + "/redis-server 7.0.15");
    program("redis-server", "echo 'Redis server v=5.0.3 sha=0'");
    EXPECT_EQ(check_redis(place).severity, Severity::warning) << "it has no users of its own yet";
    program("redis-server", "exit 1");
    const Finding broken = check_redis(place);
    EXPECT_EQ(broken.severity, Severity::warning) << "a server may have no plan of it";
    EXPECT_NE(broken.fix.find("apt-get install redis-server"), std::string::npos) << "the package, by its name";
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
    EXPECT_NE(check_state_dir(place).at(2).message.find(" ms"), std::string::npos);
    EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 0) << "nothing is left there";
    ::chmod(place.c_str(), 0777);
    EXPECT_EQ(first().severity, Severity::problem);
    EXPECT_EQ(first().fix, "chmod go-w " + place);
    ::chmod(place.c_str(), 0711);
    std::ofstream(place + "/admin.key") << "key";
    ::chmod((place + "/admin.key").c_str(), 0644);
    EXPECT_EQ(check_state_dir(place).at(1).fix, "chmod 600 " + place + "/admin.key");
    ::chmod((place + "/admin.key").c_str(), 0600);
    EXPECT_EQ(check_state_dir(place).at(1).severity, Severity::ok);
    EXPECT_EQ(check_state_dir(place + "/absent").at(0).severity, Severity::ok) << "the server makes it";
    EXPECT_EQ(check_state_dir(place + "/admin.key").at(0).severity, Severity::problem);
}

TEST_F(DoctorTest, WhatTheServerFindsIsPartOfTheAnswer) {
    std::ostringstream out;
    std::ostringstream err;
    std::vector<std::string> asked;
    int doctor_status = 200;
    int ready_status = 200;
    int me_status = 200;
    std::string ready = R"({"ready":true,"checks":[{"name":"store","ready":true}]})";
    bool there = true;
    Environment environment{
        .variables = {{"PATH", place}},
        .out = out,
        .err = err,
        .root = true,
        .call = [&](const net::Origin&, const net::HttpCall& call) -> Result<net::HttpAnswer> {
            asked.push_back(call.target);
            if (!there) return fail(ErrorCode::unavailable, "nobody answers");
            if (call.target == "/readyz") {
                EXPECT_TRUE(call.bearer.empty()) << "readiness needs no key";
                return net::HttpAnswer{ready_status, {{"Date", "Sun, 22 Nov 2026 22:16:55 GMT"}}, ready};
            }
            if (call.target == "/api/v1/me") {
                return net::HttpAnswer{me_status, {}, R"({"organization":"default","role":"administrator"})"};
            }
            return net::HttpAnswer{doctor_status,
                                   {},
                                   R"({"findings":[{"check":"pool","severity":"problem",)"
                                   R"("message":"empty","fix":"fill it"},)"
                                   R"({"check":"x","severity":"warning","message":"odd","fix":null}]})"};
        },
        .pause = [](Duration) {},
        .now = [] { return *parse_time("2026-11-22T22:16:57Z"); }};
    program("redis-server", "echo 'Redis server v=7.0.15'");
    const Settings settings{*net::Origin::parse("http://127.0.0.1:1"), Secret("k"), "test"};
    Api api(settings, environment);
    EXPECT_EQ(doctor(api, place, false).value(), Exit::failed) << "a problem is a status for scripts";
    EXPECT_NE(out.str().find("server: pool"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("fix: fill it"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("fix: the server's log says more"), std::string::npos) << "the server had none";
    doctor_status = 403;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true)) << "no administrator";
    EXPECT_NE(out.str().find("is for administrators"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("administrator of organization default (from test)"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("agrees with the server's"), std::string::npos) << out.str();
    doctor_status = 503;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true));
    EXPECT_NE(out.str().find("does not tell what it finds"), std::string::npos) << "nothing else would say it";
    every_fault_has_a_fix(out.str());
    me_status = 401;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true));
    EXPECT_NE(out.str().find("does not know the key from test"), std::string::npos) << out.str();
    ready_status = 503;
    ready = R"({"ready":false,"checks":[{"name":"store","ready":false,"detail":"the disk is full"}]})";
    out.str("");
    EXPECT_EQ(doctor(api, place, true).value(), Exit::failed);
    every_fault_has_a_fix(out.str());
    for (const std::string guess : kLocalChecks) {
        if (guess == "clock") continue;  // ours against the server's is no guess
        EXPECT_EQ(out.str().find("\"check\":\"" + guess + "\""), std::string::npos)
            << guess << " is for the server to tell: it knows its configuration, its user and its disk";
    }
    there = false;
    out.str("");
    EXPECT_TRUE(doctor(api, place, true));
    every_fault_has_a_fix(out.str());
    const auto parsed = json::parse(out.str());
    ASSERT_TRUE(parsed);
    for (const auto& finding : parsed->as_object().at("findings").as_array()) {
        if (json::get_string(finding.as_object(), "check") != "server") continue;
        EXPECT_EQ(json::get_string(finding.as_object(), "severity"), "warning") << "no server is no fault";
    }
    for (const std::string check : kLocalChecks) {
        EXPECT_NE(out.str().find("\"check\":\"" + check + "\""), std::string::npos) << check;
    }
    EXPECT_EQ(out.str().find("scripts/setup"), std::string::npos) << "a package has none";
}

TEST_F(DoctorTest, OtherEnginesThanRedisAreMissedButNotNeeded) {
    const std::map<std::string, std::string> told{
        {"memcached", "memcached 1.6.18"},
        {"postgres", "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"},
        {"mariadbd", "/usr/sbin/mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu"}};
    const std::map<std::string, std::string> versions{
        {"memcached", "1.6.18"}, {"postgres", "15.18"}, {"mariadbd", "10.11.14"}};
    for (const OptionalEngine& engine : kOptionalEngines) {
        const std::string name(engine.program);
        program(name, "echo '" + told.at(name) + "'");
        EXPECT_EQ(check_optional_engine(engine, place).message,
                  fmt::format("{}/{} {}", place, name, versions.at(name)));
        program(name, "echo nonsense");
        const Finding broken = check_optional_engine(engine, place);
        EXPECT_EQ(broken.severity, Severity::warning);
        EXPECT_NE(broken.fix.find(fmt::format("apt-get install {}", engine.package)), std::string::npos);
    }
}

TEST_F(DoctorTest, KeysThatOthersCanReadAreAProblem) {
    std::ofstream(place + "/master.key") << "key";
    ::chmod((place + "/master.key").c_str(), 0640);
    const auto findings = check_state_dir(place);
    const auto keys = std::ranges::find(findings, "keys", &Finding::check);
    ASSERT_NE(keys, findings.end());
    EXPECT_EQ(keys->severity, Severity::problem);
    EXPECT_EQ(keys->fix, "chmod 600 " + place + "/master.key");
}

// An engine that comes back needs its port again, and a connection of anybody's could sit on it.
TEST_F(DoctorTest, PortsOfEnginesAreNotForOutgoingConnections) {
    const auto with = [&](const std::string& range) {
        std::ofstream(place + "/range") << range;
        return check_engine_ports(place + "/range");
    };
    EXPECT_EQ(with("32768\t60999\n").severity, Severity::ok);
    EXPECT_EQ(with("1024\t65000\n").severity, Severity::warning);
    EXPECT_NE(with("29999 40000").fix.find("ip_local_port_range"), std::string::npos);
    EXPECT_EQ(with("1024 19999").severity, Severity::ok);
    EXPECT_EQ(check_engine_ports(place + "/absent").severity, Severity::warning);
}

TEST_F(DoctorTest, APortThatIsTakenIsNamed) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const std::uint16_t port = ntohs(address.sin_port);
    const Finding taken = check_listen_port(port);
    EXPECT_EQ(taken.severity, Severity::warning);
    EXPECT_NE(taken.fix.find(fmt::format("ss -ltnp 'sport = {}'", port)), std::string::npos) << taken.fix;
    ::close(fd);
    EXPECT_EQ(check_listen_port(port).severity, Severity::ok);
}

TEST_F(DoctorTest, AClockThatDiffersFromTheServersIsTold) {
    const TimePoint now = *parse_time("2026-11-22T22:16:55.900Z");
    EXPECT_EQ(check_skew("Sun, 22 Nov 2026 22:16:55 GMT", now).severity, Severity::ok);
    const Finding behind = check_skew("Sun, 22 Nov 2026 22:20:15 GMT", now);
    EXPECT_EQ(behind.severity, Severity::warning);
    EXPECT_EQ(behind.message, "is 3 min 19 s behind the server's");
    EXPECT_EQ(check_skew("Sun, 22 Nov 2026 21:16:55 GMT", now).message, "is 1 h ahead of the server's");
    EXPECT_EQ(check_skew("yesterday", now).severity, Severity::warning);
    EXPECT_NE(check_clock().message, "");
}

}  // namespace
}  // namespace slipway::cli
