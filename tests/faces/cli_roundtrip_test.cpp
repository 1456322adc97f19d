// The command line against the real server and its native face, over sockets: both ends must mean the same.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/environment.h"
#include "faces/face_test_support.h"
#include "http/test_client.h"

namespace slipway::faces::test {
namespace {

namespace fs = std::filesystem;

class CliRoundtrip : public testing::Test {
  public:
    CliRoundtrip() : world(true) {
        std::string name = (fs::temp_directory_path() / "slipway-roundtrip-XXXXXX").string();
        place = ::mkdtemp(name.data());
        admin = world.key("default", Role::administrator);
        std::ofstream(place + "/admin.key") << admin << '\n';
        ports.sweep = [](SweepRequest request) -> Task<Result<SweepResult>> {
            SweepResult result;
            result.inventory = request.dry_run ? 2 : 3;
            co_return result;
        };
        http::Router router;
        add_redis(router, world.context);
        add_native(router, world.context, ports);
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.access_log = false;
        server = std::make_unique<http::Server>(options, std::move(router), clock, random);
        EXPECT_TRUE(server->start());
        url = "http://" + server->listeners().at(0).address;
        worker = std::thread([this] {
            while (!stop.load()) {
                world.settle();
                world.broker.tick();
                ::poll(nullptr, 0, 1);
            }
        });
    }
    ~CliRoundtrip() override {
        stop = true;
        worker.join();
        server->stop(std::chrono::seconds(1));
        server.reset();
        fs::remove_all(place);
    }

  protected:
    int run(std::vector<std::string> arguments) {
        out.str("");
        err.str("");
        cli::Environment environment{{{"SLIPWAY_URL", url}},
                                     out,
                                     err,
                                     false,
                                     false,
                                     net::http_call_blocking,
                                     [](Duration) {},
                                     [] { return SystemClock().now(); }};
        arguments.insert(arguments.end(), {"--state-dir", place});
        return cli::run(std::move(arguments), environment);
    }
    std::string make() {
        http::test::RawClient client(server->listeners().at(0).port);
        const auto made = client.post("/v1/redis/instance", R"({"plan":"small","billingcode":"gwp"})",
                                      "Authorization: " + admin + "\r\n");
        EXPECT_EQ(made.status, 200) << made.body;
        return World::name_in(json::get_string(json::parse(made.body)->as_object(), "REDIS_URL"));
    }

    World world;
    NativePorts ports;
    std::string place;
    std::string admin;
    std::string url;
    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<http::Server> server;
    std::atomic<bool> stop = false;
    std::thread worker;
    std::ostringstream out;
    std::ostringstream err;
};

TEST_F(CliRoundtrip, AResourcesWholeLife) {
    const std::string name = make();
    EXPECT_EQ(run({"ls", "--state", "ready", "--kind", "cache", "--engine", "redis", "--plan", "small"}), 0)
        << err.str();
    EXPECT_NE(out.str().find(name + "  cache  redis"), std::string::npos) << out.str();
    EXPECT_EQ(run({"show", name, "--events"}), 0) << err.str();
    EXPECT_NE(out.str().find("state         ready"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("resource.ready"), std::string::npos) << out.str();
    EXPECT_EQ(run({"wait", name}), 0) << err.str();
    EXPECT_EQ(run({"ops", "--resource", name, "--kind", "provision", "--state", "succeeded"}), 0) << err.str();
    EXPECT_NE(out.str().find("provision"), std::string::npos) << out.str();
    EXPECT_EQ(run({"rm", name}), 0) << err.str();
    EXPECT_EQ(out.str(), name + " is removed\n");
    EXPECT_EQ(run({"show", name}), 3) << out.str();
    EXPECT_EQ(run({"rm", name}), 3);
    EXPECT_EQ(run({"ls", "--gone", "--state", "gone", "--json"}), 0) << err.str();
    EXPECT_NE(out.str().find(name), std::string::npos) << out.str();
}

TEST_F(CliRoundtrip, WhatHasEndedIsNotCancelled) {
    const std::string name = make();
    EXPECT_EQ(run({"cancel", "op_nothing"}), 3) << out.str();
    EXPECT_EQ(run({"ops", "--resource", name, "--json"}), 0);
    const auto listed = json::parse(out.str());
    ASSERT_TRUE(listed);
    const std::string id =
        json::get_string(listed->as_object().at("operations").as_array().at(0).as_object(), "id");
    EXPECT_EQ(run({"cancel", id}), 1) << "it has ended: " << out.str();
    EXPECT_EQ(run({"wait", id}), 0) << err.str();
}

TEST_F(CliRoundtrip, SweepAndDoctorSpeakToTheServer) {
    EXPECT_EQ(run({"sweep"}), 0) << err.str();
    EXPECT_NE(out.str().find("2 things seen"), std::string::npos) << out.str();
    EXPECT_EQ(run({"sweep", "--remove", "--grace", "3600", "--json"}), 0) << err.str();
    EXPECT_NE(out.str().find("\"inventory\":3"), std::string::npos) << out.str();
    run({"doctor"});
    EXPECT_NE(out.str().find("is ready"), std::string::npos) << out.str();
}

TEST_F(CliRoundtrip, WrongKeysAndFiltersAreTold) {
    std::ofstream(place + "/admin.key") << "wrong\n";
    EXPECT_EQ(run({"ls"}), 4);
    EXPECT_NE(err.str().find("does not know the key from " + place), std::string::npos) << err.str();
    fs::remove(place + "/admin.key");
    EXPECT_EQ(run({"ls"}), 4);
    std::ofstream(place + "/admin.key") << admin;
    EXPECT_EQ(run({"ls", "--kind", "nonsense"}), 1);
    EXPECT_NE(err.str().find("kind must be one of"), std::string::npos) << err.str();
    server->drain(std::chrono::seconds(0));
    EXPECT_EQ(run({"ls"}), 5) << err.str();
}

}  // namespace
}  // namespace slipway::faces::test
