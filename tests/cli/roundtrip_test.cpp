// The command line against the real server and its native face, over sockets: both ends must mean the same.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/temporary_directory_test_support.h"
#include "cli/environment.h"
#include "faces/face_test_support.h"
#include "http/test_client.h"

namespace slipway::faces::test {
namespace {

namespace fs = std::filesystem;

Orphan lost_thing() {
    Orphan orphan;
    orphan.provider = "local";
    orphan.external_name = "oct-0badcafe";
    orphan.kind = "lost";
    orphan.detail = "a directory without a record";
    return orphan;
}

class CliRoundtrip : public testing::Test {
  public:
    CliRoundtrip() : world(true) {
        admin = world.key("default", Role::administrator);
        std::ofstream(place + "/admin.key") << admin << '\n';
        fill_ports();
        http::Router router;
        add_redis(router, world.context);
        add_native(router, world.context, ports);
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.access_log = false;
        server = std::make_unique<http::Server>(options, std::move(router), clock, random);
        EXPECT_TRUE(server->start());
        url = "http://" + server->listeners().at(0).address;
    }
    void SetUp() override {
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
        world.broker.abandon_waits();  // a stream that waits for an event is owned by its wait
        server.reset();
    }

  protected:
    int run(std::vector<std::string> arguments) {
        out.str("");
        err.str("");
        cli::Environment environment{.variables = {{"SLIPWAY_URL", url}},
                                     .out = out,
                                     .err = err,
                                     .call = net::http_call_blocking,
                                     .pause = [](Duration) {},
                                     .now = [] { return SystemClock().now(); },
                                     .fresh_key = [this] { return random.hex(32); }};
        arguments.insert(arguments.begin(), {"--state-dir", place});
        return cli::run(std::move(arguments), environment);
    }
    // As JSON; the command must have succeeded.
    json::value json_of(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        EXPECT_EQ(run(arguments), 0) << err.str();
        const auto parsed = json::parse(out.str());
        EXPECT_TRUE(parsed) << out.str();
        return parsed ? *parsed : json::value();
    }
    // The word at the beginning of the only line.
    std::string word() const { return out.str().substr(0, out.str().find_first_of(" \n")); }
    std::string make(const std::string& name) {
        EXPECT_EQ(run({"create", "redis", "small", "--name", name, "-q", "-o", "name"}), 0) << err.str();
        return word();
    }

    World world;
    NativePorts ports;
    TemporaryDirectory directory;
    std::string place = directory.path();
    std::string admin;
    std::string url;
    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<http::Server> server;
    std::atomic<bool> stop = false;
    std::thread worker;
    std::ostringstream out;
    std::ostringstream err;

  private:
    void fill_ports() {
        ports.sweep = [](SweepRequest request) -> Task<Result<SweepResult>> {
            SweepResult result;
            result.inventory = request.dry_run ? 2 : 3;
            co_return result;
        };
        ports.orphans = []() -> Task<Result<std::vector<Orphan>>> { co_return std::vector{lost_thing()}; };
        ports.remove_orphan = [](std::string, std::string name) -> Task<Result<OrphanRemoval>> {
            if (name != lost_thing().external_name) co_return fail(ErrorCode::not_found, "no such orphan");
            co_return OrphanRemoval{lost_thing(), true};
        };
        ports.test_webhook = [](WebhookId) -> Task<Result<Delivery>> {
            co_return Delivery{false, 500, "it answered with status 500"};
        };
        ports.doctor = []() -> Task<Result<std::vector<Finding>>> {
            co_return std::vector{Finding{"store", Severity::ok, "works", ""}};
        };
    }
};

TEST_F(CliRoundtrip, AResourcesWholeLife) {
    const std::string name = "cache1";
    EXPECT_EQ(run({"plans", "--engine", "redis", "--kind", "cache"}), 0) << err.str();
    EXPECT_NE(out.str().find("small"), std::string::npos) << out.str();
    EXPECT_EQ(run({"plan", "create", "redis", "small", "--name", name, "--label", "env=prod"}), 0) << err.str();
    EXPECT_NE(out.str().find("create redis small: allowed"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("1. create: "), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("organization"), std::string::npos) << out.str();
    EXPECT_EQ(
        run({"create", "redis", "small", "--name", name, "--billing-code", "gwp", "--label", "env=prod", "-q"}), 0)
        << err.str();
    EXPECT_EQ(out.str(), "cache1 is made and ready\nits URL, with the password: slipway url cache1\n");
    EXPECT_EQ(run({"url", name}), 0) << err.str();
    EXPECT_EQ(out.str().find("redis://"), 0U) << out.str();
    EXPECT_NE(out.str().find('@'), std::string::npos) << "with its password";
    EXPECT_EQ(
        run({"ls", "--state", "ready", "--kind", "cache", "--engine", "redis", "--plan", "small", "--provider",
             "local", "--billing-code", "gwp", "--label", "env=prod", "-l", "env in (prod,test),!old", "-A"}),
        0)
        << err.str();
    EXPECT_NE(out.str().find(name + "  default       cache  redis"), std::string::npos) << out.str();
    EXPECT_EQ(run({"ls", "-l", "env!=prod", "-o", "name"}), 0) << err.str();
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(run({"show", name, "--events"}), 0) << err.str();
    EXPECT_NE(out.str().find("labels         env=prod"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("resource.ready"), std::string::npos) << out.str();
    EXPECT_EQ(run({"wait", name}), 0) << err.str();
    EXPECT_EQ(run({"ops", "--resource", name, "--kind", "provision", "--state", "succeeded"}), 0) << err.str();
    EXPECT_NE(out.str().find("provision"), std::string::npos) << out.str();
    EXPECT_EQ(run({"why", name, "--all"}), 0) << err.str();
    EXPECT_NE(out.str().find("cache1 is ready and "), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("provision op_"), std::string::npos) << out.str();
    EXPECT_EQ(run({"rm", name, "-q"}), 0) << err.str();
    EXPECT_EQ(out.str(), name + " is removed\n");
    EXPECT_EQ(run({"show", name}), 3) << out.str();
    EXPECT_EQ(run({"rm", name}), 3);
    EXPECT_EQ(run({"why", name}), 0) << err.str();
    EXPECT_NE(out.str().find("cache1 is gone, since "), std::string::npos) << out.str();
    EXPECT_EQ(run({"ls", "--gone", "--state", "gone", "-o", "name"}), 0) << err.str();
    EXPECT_EQ(out.str(), "cache1\n");
}

TEST_F(CliRoundtrip, ChangesAreTriedThenMadeUnderTheVersionThatWasSeen) {
    make("a");
    const auto version = [&] { return json::get_int(json_of({"show", "a"}).as_object(), "version"); };
    EXPECT_EQ(run({"plan", "update", "a", "--plan", "large"}), 0) << err.str();
    EXPECT_NE(out.str().find("update a: allowed"), std::string::npos) << out.str();
    EXPECT_EQ(json::get_string(json_of({"show", "a"}).as_object(), "plan"), "small") << "nothing is changed";
    EXPECT_EQ(run({"plan", "update", "a", "--plan", "open"}), 1) << "it has no password";
    EXPECT_NE(err.str().find("it would be refused: "), std::string::npos) << err.str();
    const std::int64_t seen = version();
    EXPECT_EQ(run({"update", "a", "--plan", "large", "--label", "x=1", "--label", "y=2", "--if-version",
                   std::to_string(seen), "-q"}),
              0)
        << err.str();
    EXPECT_EQ(run({"update", "a", "--rename", "b", "--if-version", std::to_string(seen)}), 1);
    EXPECT_NE(err.str().find("fix: look at it"), std::string::npos) << err.str();
    EXPECT_EQ(run({"update", "a", "--rename", "b", "--unlabel", "x", "--billing-code", "other"}), 0) << err.str();
    const json::object now = json_of({"show", "b"}).as_object();
    EXPECT_EQ(json::get_string(now, "plan"), "large");
    EXPECT_EQ(json::get_string(now, "billing_code"), "other");
    EXPECT_EQ(json::dump(now.at("labels")), R"({"y":"2"})");
    EXPECT_EQ(run({"plan", "rm", "b"}), 0) << err.str();
    EXPECT_NE(out.str().find("remove b: allowed"), std::string::npos) << out.str();
    EXPECT_EQ(run({"create", "redis", "small", "--name", "b"}), 1) << "the name is taken";
    EXPECT_EQ(run({"create", "redis", "nothing"}), 1);
    EXPECT_NE(err.str().find("plan"), std::string::npos) << err.str();
}

TEST_F(CliRoundtrip, ASelectorRemovesWhatItFindsOfTheOwnOrganization) {
    EXPECT_EQ(run({"orgs", "create", "acme"}), 0) << err.str();
    for (const std::string name : {"a", "b", "c"}) {
        EXPECT_EQ(run({"create", "redis", "small", "--name", name, "-q", "--label",
                       name == "c" ? "env=prod" : "env=test"}),
                  0)
            << err.str();
    }
    EXPECT_EQ(run({"create", "redis", "small", "--name", "theirs", "-q", "--label", "env=test", "--organization",
                   "acme"}),
              0)
        << err.str();
    EXPECT_EQ(run({"rm", "-l", "env=test"}), 2) << "nobody is there to say yes";
    EXPECT_EQ(run({"rm", "-l", "env=test", "--yes", "-q"}), 0) << err.str();
    EXPECT_EQ(run({"ls", "-A", "-o", "name"}), 0);
    EXPECT_EQ(out.str().find("a\n"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("theirs\n"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("c\n"), std::string::npos) << out.str();
    EXPECT_EQ(run({"ls", "-o", "name"}), 0);
    EXPECT_EQ(out.str(), "c\n") << "what `rm -l` means, and no more";
    EXPECT_EQ(run({"ls", "-o", "name", "--organization", "acme"}), 0);
    EXPECT_EQ(out.str(), "theirs\n");
}

TEST_F(CliRoundtrip, WhatHasEndedIsNotCancelled) {
    make("a");
    EXPECT_EQ(run({"cancel", "op_nothing"}), 3) << out.str();
    EXPECT_EQ(run({"cancel", "a"}), 1) << "nothing is under way";
    const std::string id = json::get_string(json_of({"ops", "--resource", "a"}).as_array().at(0).as_object(), "id");
    EXPECT_EQ(run({"cancel", id}), 1) << "it has ended: " << out.str();
    EXPECT_EQ(run({"wait", id}), 0) << err.str();
}

// With a provider that never gets to its work.
class CliRoundtripStuck : public CliRoundtrip {
  public:
    CliRoundtripStuck() { world.worker.paused = true; }
};

TEST_F(CliRoundtripStuck, WhatIsUnderWayIsCancelledAndUndone) {
    EXPECT_EQ(run({"create", "redis", "small", "--name", "a", "--no-wait"}), 0) << err.str();
    EXPECT_EQ(run({"ops", "--open", "-o", "name"}), 0) << err.str();
    const std::string id = word();
    EXPECT_EQ(id.find("op_"), 0U) << out.str();
    EXPECT_EQ(run({"wait", "a", "--timeout", "0"}), 6);
    EXPECT_NE(err.str().find("slipway wait op_"), std::string::npos) << err.str();
    EXPECT_EQ(run({"why", "a"}), 0);
    EXPECT_NE(out.str().find("under way  provision " + id), std::string::npos) << out.str();
    EXPECT_EQ(run({"url", "a"}), 1);
    EXPECT_NE(err.str().find("fix: `slipway wait a`"), std::string::npos) << err.str();
    EXPECT_EQ(run({"cancel", "a", "--reason", "wrong plan", "-q"}), 0) << err.str();
    EXPECT_NE(out.str().find("wrong plan"), std::string::npos) << out.str();
}

TEST_F(CliRoundtrip, EventsAreListedAndFollowed) {
    make("a");
    make("b");
    const auto all = json_of({"events"}).as_array();
    ASSERT_GE(all.size(), 6U);
    const std::int64_t third = json::get_int(all.at(2).as_object(), "sequence");
    EXPECT_EQ(json_of({"events", "--after", std::to_string(third)}).as_array().size(), all.size() - 3);
    for (const auto& value : json_of({"events", "a"}).as_array()) {
        EXPECT_EQ(json::get_string(value.as_object(), "resource"),
                  json::get_string(all.at(0).as_object(), "resource"));
    }
    EXPECT_EQ(json_of({"events", "--type", "resource.ready"}).as_array().size(), 2U);
    EXPECT_EQ(run({"events", "--limit", "2", "-o", "wide"}), 0);
    EXPECT_NE(err.str().find("--after NUMBER"), std::string::npos) << err.str();
    EXPECT_EQ(run({"events", "--follow", "--since-start", "--limit", std::to_string(all.size()), "--json"}), 0)
        << err.str();
    std::istringstream lines(out.str());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        EXPECT_EQ(line, json::dump(all.at(count))) << "a stream tells what a page tells";
    }
    EXPECT_EQ(count, all.size());
    std::ostringstream theirs;
    std::thread follower([&] {
        std::ostringstream nowhere;
        cli::Environment environment{.variables = {{"SLIPWAY_URL", url}},
                                     .out = theirs,
                                     .err = nowhere,
                                     .call = net::http_call_blocking,
                                     .pause = [](Duration) {},
                                     .now = [] { return SystemClock().now(); }};
        EXPECT_EQ(cli::run({"events", "a", "-f", "--since-start", "--type", "resource.gone", "--limit", "1",
                            "--state-dir", place},
                           environment),
                  0)
            << nowhere.str();
    });
    EXPECT_EQ(run({"rm", "b", "a", "-q"}), 0) << err.str();
    // From the start: it may have begun only after that.
    follower.join();
    EXPECT_NE(theirs.str().find("resource.gone"), std::string::npos);
}

TEST_F(CliRoundtrip, KeysOrganizationsAndQuotas) {
    EXPECT_EQ(run({"orgs", "create", "acme", "--title", "Acme Ltd"}), 0) << err.str();
    EXPECT_EQ(run({"orgs", "ls"}), 0) << err.str();
    EXPECT_NE(out.str().find("Acme Ltd"), std::string::npos) << out.str();
    EXPECT_EQ(run({"orgs", "quota", "acme", "all=10", "redis/small=1"}), 0) << err.str();
    EXPECT_NE(out.str().find("redis/small      1     0"), std::string::npos) << out.str();
    EXPECT_EQ(run({"keys", "create", "--organization", "acme", "--description", "ci", "--expires-in", "1h"}), 0)
        << err.str();
    const std::string key = word();
    EXPECT_EQ(key.find("slk_"), 0U) << out.str();
    EXPECT_EQ(err.str().find(key), std::string::npos);
    EXPECT_EQ(run({"keys", "ls", "--organization", "acme"}), 0) << err.str();
    EXPECT_EQ(out.str().find(key), std::string::npos) << "shown once";
    const auto keys = json_of({"keys", "ls", "--organization", "acme"}).as_array();
    ASSERT_EQ(keys.size(), 1U);
    const std::string id = json::get_string(keys.at(0).as_object(), "id");
    std::ofstream(place + "/acme.key") << key;
    const std::string file = place + "/acme.key";
    EXPECT_EQ(run({"create", "redis", "small", "-q", "--key-file", file}), 0) << err.str();
    EXPECT_EQ(run({"create", "redis", "small", "-q", "--key-file", file}), 1) << "its quota is one";
    EXPECT_EQ(run({"plan", "create", "redis", "small", "--key-file", file}), 1);
    EXPECT_NE(out.str().find("redis/small"), std::string::npos) << out.str();
    EXPECT_EQ(run({"ls", "-A", "--key-file", file}), 4);
    EXPECT_EQ(run({"orgs", "show", "acme", "--key-file", file}), 0) << err.str();
    EXPECT_NE(out.str().find("cache  redis   small     1"), std::string::npos) << out.str();
    EXPECT_EQ(run({"orgs", "quota", "acme", "--none"}), 0) << err.str();
    EXPECT_EQ(run({"keys", "revoke", id}), 0) << err.str();
    EXPECT_EQ(run({"ls", "--key-file", file}), 4);
    EXPECT_EQ(run({"keys", "ls", "-o", "wide"}), 0) << err.str();
    EXPECT_NE(out.str().find("revoked"), std::string::npos) << out.str();
    EXPECT_EQ(run({"orgs", "rm", "acme", "-y"}), 1);
    EXPECT_NE(err.str().find("resources must be removed first: 1"), std::string::npos) << err.str();
}

TEST_F(CliRoundtrip, AnOrganizationIsDeletedOnce) {
    EXPECT_EQ(run({"orgs", "create", "gone"}), 0) << err.str();
    EXPECT_EQ(run({"orgs", "rm", "gone", "-y"}), 0) << err.str();
    EXPECT_EQ(run({"orgs", "ls", "-o", "name"}), 0) << err.str();
    EXPECT_EQ(out.str().find("gone"), std::string::npos) << out.str();
    EXPECT_EQ(run({"orgs", "create", "gone"}), 1);
    EXPECT_NE(err.str().find("was used before"), std::string::npos) << err.str();
    EXPECT_EQ(run({"orgs", "rm", "default", "-y"}), 1);
}

TEST_F(CliRoundtrip, Webhooks) {
    EXPECT_EQ(run({"webhooks", "create", "https://example.org/hook", "--type", "resource."}), 0) << err.str();
    EXPECT_EQ(out.str().find("whsec_"), 0U) << out.str();
    EXPECT_EQ(run({"webhooks", "ls", "-o", "name"}), 0) << err.str();
    const std::string id = word();
    EXPECT_EQ(run({"webhooks", "update", id, "--all-types", "--disable", "--url", "https://example.org/other"}), 0)
        << err.str();
    EXPECT_NE(out.str().find("state         disabled"), std::string::npos) << out.str();
    EXPECT_EQ(run({"webhooks", "show", id}), 0) << err.str();
    EXPECT_NE(out.str().find("types         all"), std::string::npos) << out.str();
    EXPECT_EQ(run({"webhooks", "test", id}), 1);
    EXPECT_NE(err.str().find("status 500"), std::string::npos) << err.str();
    EXPECT_EQ(run({"webhooks", "rm", id}), 0) << err.str();
    EXPECT_EQ(run({"webhooks", "show", id}), 3);
    EXPECT_EQ(run({"webhooks", "create", "ftp://example.org"}), 1);
    EXPECT_NE(err.str().find("url"), std::string::npos) << err.str();
}

TEST_F(CliRoundtrip, UsageIsCountedByBillingCode) {
    EXPECT_EQ(run({"create", "redis", "small", "-q", "--billing-code", "gwp"}), 0) << err.str();
    EXPECT_EQ(run({"usage"}), 0) << err.str();
    EXPECT_NE(out.str().find("default       gwp      cache  redis   small          1"), std::string::npos)
        << out.str();
    EXPECT_NE(out.str().find("TOTAL OF"), std::string::npos) << out.str();
    EXPECT_EQ(run({"usage", "--from", "2016-01-01", "--to", "2016-02-01", "--billing-code", "gwp", "--organization",
                   "default"}),
              0)
        << err.str();
    EXPECT_EQ(out.str().find("gwp"), std::string::npos) << out.str();
    EXPECT_EQ(run({"usage", "--from", "2016-02-01", "--to", "2016-01-01"}), 1);
}

TEST_F(CliRoundtrip, OrphansSweepAndDoctorSpeakToTheServer) {
    EXPECT_EQ(run({"orphans", "ls"}), 0) << err.str();
    EXPECT_NE(out.str().find("oct-0badcafe"), std::string::npos) << out.str();
    EXPECT_EQ(run({"orphans", "rm", "local", "oct-0badcafe"}), 2) << "nobody is there to say yes";
    EXPECT_EQ(run({"orphans", "rm", "local", "oct-0badcafe", "--yes"}), 0) << err.str();
    EXPECT_EQ(out.str(), "oct-0badcafe is removed\n");
    EXPECT_EQ(run({"orphans", "rm", "local", "other", "--yes"}), 3);
    EXPECT_EQ(run({"orphans", "adopt", "local", "other", "--plan", "small"}), 3) << err.str();
    EXPECT_EQ(run({"sweep"}), 0) << err.str();
    EXPECT_NE(out.str().find("2 things seen"), std::string::npos) << out.str();
    EXPECT_EQ(run({"sweep", "--remove", "--grace", "3600", "--json"}), 0) << err.str();
    EXPECT_NE(out.str().find("\"inventory\":3"), std::string::npos) << out.str();
    run({"doctor"});
    EXPECT_NE(out.str().find("is ready"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("administrator of organization default"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("server: store"), std::string::npos) << out.str();
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
    EXPECT_EQ(run({"ls", "-l", "in (a"}), 1);
    EXPECT_NE(err.str().find("selector"), std::string::npos) << err.str();
    server->drain(std::chrono::seconds(0));
    EXPECT_EQ(run({"ls"}), 5) << err.str();
}

TEST_F(CliRoundtrip, CompletionNamesWhatIsThere) {
    make("cache1");
    out.str("");
    cli::Environment environment{.variables = {{"SLIPWAY_URL", url}},
                                 .out = out,
                                 .err = err,
                                 .call = net::http_call_blocking,
                                 .pause = [](Duration) {},
                                 .now = [] { return SystemClock().now(); }};
    EXPECT_EQ(cli::run({"__complete", "show", "--state-dir", place, "c"}, environment), 0);
    EXPECT_EQ(out.str(), "cache1\tredis small ready\n");
    for (const auto& [words, wanted] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"create", ""}, "redis\n"},
             {{"create", "redis", "sm"}, "small\t"},
             {{"orgs", "show", ""}, "default\t"},
             {{"keys", "revoke", ""}, "key_"},
             {{"orphans", "adopt", ""}, "local\n"},
             {{"orphans", "rm", "local", ""}, "oct-0badcafe\t"},
             {{"wait", ""}, "cache1\t"}}) {
        out.str("");
        std::vector<std::string> all{"__complete", "--state-dir", place};
        all.insert(all.end(), words.begin(), words.end());
        EXPECT_EQ(cli::run(all, environment), 0);
        EXPECT_NE(out.str().find(wanted), std::string::npos) << words.front() << ": " << out.str();
    }
}

}  // namespace
}  // namespace slipway::faces::test
