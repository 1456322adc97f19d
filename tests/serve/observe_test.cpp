// What others see of a running server: Prometheus, and the receivers of webhooks.
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.h"
#include "ops/webhook_signature.h"
#include "program.h"

namespace slipway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kSmall = R"({"plan":"small","billingcode":"gwp"})";

std::set<std::string> metrics_named_in(const std::string& text) {
    static const std::regex name("(slipway|process)_[a-z_]+");
    static const std::regex suffix("_(bucket|sum|count)$");
    std::set<std::string> names;
    for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
        names.insert(std::regex_replace(it->str(), suffix, ""));
    }
    names.erase("process_");  // "process_*" in the documentation
    return names;
}

class Observed : public ::testing::Test {
  protected:
    Site site_;
};

TEST_F(Observed, PrometheusFindsEverythingThatTheDocumentationAndTheDashboardName) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer made = site_.request("POST", "/v1/redis/instance", kSmall);
    ASSERT_EQ(made.status, 200) << made.body;
    const Answer answer = site_.request("GET", "/metrics");
    ASSERT_EQ(answer.status, 200);
    const std::set<std::string> there = metrics_named_in(answer.body);
    for (const char* file : {"/docs/grafana-dashboard.json", "/docs/metrics.md"}) {
        const std::set<std::string> named = metrics_named_in(file_text(SLIPWAY_SOURCE_DIR + std::string(file)));
        EXPECT_GT(named.size(), 15U) << file;
        for (const std::string& each : named) EXPECT_THAT(there, Contains(each)) << file;
    }
    EXPECT_THAT(answer.body, HasSubstr(R"(slipway_operations_total{kind="provision",outcome="succeeded"} 1)"));
    EXPECT_THAT(answer.body,
                HasSubstr(R"(slipway_provider_calls_total{provider="local",result="ok",verb="create"} 1)"));
    EXPECT_THAT(answer.body,
                HasSubstr(R"(slipway_pool_resources{engine="redis",kind="cache",level="target",plan="small"} 0)"));
    const RedisUrl url(made.text("REDIS_URL"));
    EXPECT_THAT(answer.body, Not(HasSubstr(url.password)));
    EXPECT_THAT(answer.body, Not(HasSubstr(url.name))) << "no names of tenants' things";
}

// A stuck queue must not look like an idle server: nothing was told of it before a worker began.
TEST_F(Observed, AQueueThatNoWorkerTakesIsSeen) {
    site_.configure("[dummy]\nconcurrency = 0\n");
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    for (int i = 0; i < 3; ++i) {
        const Answer made =
            site_.as_administrator("POST", "/api/v1/resources", R"({"engine":"redis","plan":"small"})");
        ASSERT_EQ(made.status, 202) << made.body;
    }
    std::string told;
    EXPECT_TRUE(eventually([&] {
        told = site_.request("GET", "/metrics").body;
        return told.find("slipway_operation_queue_oldest_seconds 0\n") == std::string::npos;
    })) << told;
    EXPECT_THAT(told, HasSubstr(R"(slipway_operations_open{kind="provision",state="queued"} 3)"));
    EXPECT_THAT(told, HasSubstr(R"(slipway_resources{engine="redis",kind="cache",state="requested"} 3)"));
    EXPECT_THAT(told, HasSubstr("slipway_operations_under_way 0\n"));
}

// Calls of the sweep, which runs with no operation, are calls.
TEST_F(Observed, TheSweepsInventoriesAreCounted) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer swept = site_.as_administrator("POST", "/api/v1/sweep");
    ASSERT_EQ(swept.status, 200) << swept.body;
    EXPECT_THAT(site_.request("GET", "/metrics").body,
                HasSubstr(R"(slipway_provider_calls_total{provider="local",result="ok",verb="inventory"} )"));
}

// Who can reach the address could read loads and plans.
TEST_F(Observed, OffLoopbackMetricsNeedAnAdministratorsKeyUnlessOpened) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--listen", "0.0.0.0:0"}));
    EXPECT_EQ(site_.request("GET", "/metrics").status, 401);
    EXPECT_EQ(site_.as_administrator("GET", "/metrics").status, 200);
    ASSERT_EQ(site_.terminate(), 0);
    ASSERT_NO_FATAL_FAILURE(site_.start({"--listen", "0.0.0.0:0", "--allow-anonymous", "metrics"}));
    EXPECT_EQ(site_.request("GET", "/metrics").status, 200);
}

// Somebody's HTTP server that takes deliveries and checks them as the specification says.
class Receiver {
  public:
    struct Delivery {
        std::string id;
        std::string type;
        std::string resource;
        std::string trace;
    };
    Receiver() {
        http::Router router;
        router.add(http::Method::post, "/hook", [this](http::Request& request) { return take(request); });
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.threads = 1;
        options.access_log = false;
        server_ = std::make_unique<http::Server>(std::move(options), std::move(router), clock_, random_);
        EXPECT_TRUE(server_->start());
    }
    ~Receiver() { server_->stop(std::chrono::seconds(1)); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    [[nodiscard]] std::string url() const {
        return "http://" + server_->listeners().at(0).address + "/hook?from=slipway";
    }
    void know(const std::string& secret) {
        const std::scoped_lock lock(mutex_);
        secret_.emplace(secret);
    }
    [[nodiscard]] std::vector<Delivery> deliveries() const {
        const std::scoped_lock lock(mutex_);
        return deliveries_;
    }
    [[nodiscard]] int forged() const {
        const std::scoped_lock lock(mutex_);
        return forged_;
    }

  private:
    Task<http::Response> take(http::Request& request) {
        const std::string& body = request.body;
        const std::scoped_lock lock(mutex_);
        const auto field = [&](const char* name) { return std::string(request.headers.get(name).value_or("")); };
        const std::string id = field("webhook-id");
        const auto expected = secret_ ? sign_webhook(*secret_, id, field("webhook-timestamp"), body)
                                      : Result<std::string>("no secret is known yet");
        if (!expected || field("webhook-signature") != *expected) {
            ++forged_;
            co_return http::Response::empty(401);
        }
        const Result<json::value> event = json::parse(body);
        const json::object& of = event->as_object();
        deliveries_.push_back(
            {id, json::get_string(of, "type"), json::get_string(of, "resource"), field("traceparent")});
        co_return http::Response::empty(204);
    }

    mutable std::mutex mutex_;
    std::optional<Secret> secret_;
    std::vector<Delivery> deliveries_;
    int forged_ = 0;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<http::Server> server_;
};

class Webhooks : public Observed {
  protected:
    void subscribe(const std::string& types) {
        site_.configure("[webhooks]\nallow_private = true\n");
        ASSERT_NO_FATAL_FAILURE(site_.start());
        const Answer made = site_.as_administrator(
            "POST", "/api/v1/webhooks",
            fmt::format(R"({{"url":"{}","types":{},"organization":"anonymous"}})", receiver_.url(), types));
        ASSERT_EQ(made.status, 201) << made.body;
        receiver_.know(made.text("secret"));
        id_ = made.text("id");
    }
    std::vector<std::string> types_of(const std::string& prefix = "") {
        std::vector<std::string> types;
        for (const Receiver::Delivery& each : receiver_.deliveries()) {
            if (each.type.starts_with(prefix)) types.push_back(each.type);
        }
        return types;
    }
    Receiver receiver_;
    std::string id_;
};

TEST_F(Webhooks, ARealReceiverGetsEverySignedEventOfACreationInOrder) {
    ASSERT_NO_FATAL_FAILURE(subscribe(R"(["resource."])"));
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    ASSERT_EQ(site_.request("POST", "/v1/redis/instance", kSmall, "traceparent: " + trace + "\r\n").status, 200);
    ASSERT_TRUE(eventually([&] { return !types_of("resource.ready").empty(); }, std::chrono::seconds(30)));
    const std::vector<std::string> expected{"resource.requested", "resource.ready"};
    EXPECT_EQ(types_of(), expected);
    for (const Receiver::Delivery& each : receiver_.deliveries()) EXPECT_EQ(each.trace, trace) << each.type;
    EXPECT_EQ(receiver_.forged(), 0);
    const Answer tested = site_.as_administrator("POST", "/api/v1/webhooks/" + id_ + "/test");
    EXPECT_EQ(tested.status, 200) << tested.body;
    EXPECT_THAT(tested.body, HasSubstr(R"("delivered":true)"));
}

// What was accepted before a crash is told after it, however it fell.
TEST_F(Webhooks, AKilledServerTellsTheRestWhenItIsBack) {
    ASSERT_NO_FATAL_FAILURE(subscribe("[]"));
    ASSERT_EQ(site_.request("POST", "/v1/redis/instance", kSmall).status, 200);
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(eventually([&] { return !types_of("operation.succeeded").empty(); }, std::chrono::seconds(30)));
    std::vector<std::uint64_t> numbers;
    for (const Receiver::Delivery& each : receiver_.deliveries()) numbers.push_back(std::stoull(each.id.substr(4)));
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
    ASSERT_THAT(numbers, Not(IsEmpty()));
    const Answer feed = site_.as_administrator("GET", "/api/v1/events?organization=anonymous&limit=1000");
    ASSERT_EQ(feed.status, 200) << feed.body;
    for (const json::value& event : feed.object().at("events").as_array()) {
        EXPECT_THAT(numbers, Contains(event.as_object().at("sequence").to_number<std::uint64_t>()));
    }
}

TEST_F(Webhooks, AddressesOfThisMachineAreRefusedUnlessConfigured) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer plain =
        site_.as_administrator("POST", "/api/v1/webhooks", fmt::format(R"({{"url":"{}"}})", receiver_.url()));
    EXPECT_EQ(plain.status, 400) << plain.body;
    // A name says nothing of where it leads: that is checked when the connection is made.
    const Answer named =
        site_.as_administrator("POST", "/api/v1/webhooks", R"({"url":"https://service.localhost/"})");
    if (named.status == 201) {
        const Answer tested = site_.as_administrator("POST", "/api/v1/webhooks/" + named.text("id") + "/test");
        EXPECT_THAT(tested.body, HasSubstr("public Internet"));
    } else {
        EXPECT_EQ(named.status, 400) << named.body;
    }
    EXPECT_THAT(receiver_.deliveries(), IsEmpty());
}

}  // namespace
}  // namespace slipway::testing
