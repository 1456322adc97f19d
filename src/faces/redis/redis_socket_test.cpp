// The Redis face behind the real server: what only shows on a socket.
#include <atomic>
#include <thread>

#include "faces/face_test_support.h"
#include "http/test_client.h"

namespace slipway::faces::test {
namespace {

using http::test::Answer;
using http::test::RawClient;

// A server with a worker beside it, stopped in any case.
class Served {
  public:
    Served() : world_(true) {
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.threads = 2;
        http::Router router;
        add_redis(router, world_.context);
        add_native(router, world_.context, {});
        server_ = std::make_unique<http::Server>(std::move(options), std::move(router), clock_, random_);
        const Status started = server_->start();
        EXPECT_TRUE(started) << (started ? "" : started.error().message);
        worker_ = std::thread([this] {
            while (!stop_.load()) {
                world_.settle();
                world_.broker.tick();
                ::poll(nullptr, 0, 1);
            }
        });
    }
    ~Served() {
        stop_ = true;
        worker_.join();
        server_->stop(std::chrono::seconds(1));
        server_.reset();
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    [[nodiscard]] std::uint16_t port() const { return server_->listeners().at(0).port; }
    World& world() { return world_; }

  private:
    World world_;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<http::Server> server_;
    std::atomic<bool> stop_ = false;
    std::thread worker_;
};

std::string text_of(const Answer& answer, std::string_view field) {
    const auto parsed = json::parse(answer.body);
    return parsed && parsed->is_object() ? json::get_string(parsed->get_object(), field) : std::string();
}

TEST(RedisSocket, ThePasswordNeverReachesTheAccessLog) {
    testing::internal::CaptureStderr();
    std::string password;
    {
        Served served;
        RawClient client(served.port());
        const Answer made = client.post("/v1/redis/instance", R"({"plan":"small","billingcode":"gwp"})",
                                        "Content-Type: application/x-www-form-urlencoded\r\n");
        EXPECT_EQ(made.status, 200) << made.body;
        EXPECT_EQ(made.headers.at("content-type"), "application/json; charset=UTF-8");
        const std::string url = text_of(made, "REDIS_URL");
        password = url.substr(url.find("default:") + 8, 32);
        const std::string as_name = url.substr(8, url.find('.') - 8);
        EXPECT_EQ(text_of(client.get("/v1/redis/url/" + as_name), "REDIS_URL"), url);
        EXPECT_EQ(client.get("/v1/redis/url/" + as_name + "/").status, 200);
        EXPECT_EQ(client.get("/v1/redis/instance/" + as_name).status, 200);
        client.send("DELETE /v1/redis/instance/" + as_name + " HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.read().status, 200);
        client.send("DELETE /v1/redis/intance/" + as_name + " HTTP/1.1\r\nHost: x\r\n\r\n");
        const int again = client.read().status;
        EXPECT_TRUE(again == 200 || again == 404) << again;
        const std::string tag = R"({"resource":")" + as_name + R"(","name":"a","value":"b"})";
        client.post("/v1/tag", tag);
        client.send("PUT /v1/redis/instance/" + as_name + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(client.read().status, 405);
    }
    const std::string log = testing::internal::GetCapturedStderr();
    ASSERT_EQ(password.size(), 32U);
    EXPECT_EQ(log.find(password), std::string::npos) << log;
    EXPECT_NE(log.find("path=/v1/redis/url/[redacted] status=200"), std::string::npos) << log;
}

TEST(RedisSocket, ErrorsOfTheServerItselfLookLikeTheFaces) {
    testing::internal::CaptureStderr();
    {
        Served served;
        const Counts before = served.world().counts();
        RawClient large(served.port());
        const Answer too_large = large.post("/v1/redis/instance", std::string(1'200'000, ' '));
        EXPECT_EQ(too_large.status, 413);
        EXPECT_NE(text_of(too_large, "error").find("larger than"), std::string::npos) << too_large.body;
        RawClient client(served.port());
        const Answer wrong = client.post("/v1/redis/plans", "{}");
        EXPECT_EQ(wrong.status, 405);
        EXPECT_NE(wrong.header("allow").find("GET"), std::string::npos);
        EXPECT_FALSE(text_of(wrong, "error").empty()) << wrong.body;
        EXPECT_EQ(text_of(client.get("/api/v1/nothing"), "code"), "not_found");
        EXPECT_EQ(served.world().counts(), before);
    }
    testing::internal::GetCapturedStderr();
}

// Two callers must never be given one instance.
TEST(RedisSocket, CallersAtOnceGetAnInstanceEach) {
    testing::internal::CaptureStderr();
    {
        Served served;
        std::mutex mutex;
        std::set<std::string> urls;
        std::vector<std::thread> callers;
        callers.reserve(8);
        for (int i = 0; i < 8; ++i) {
            callers.emplace_back([&] {
                RawClient client(served.port());
                for (int n = 0; n < 5; ++n) {
                    const Answer made =
                        client.post("/v1/redis/instance", R"({"plan":"small","billingcode":"gwp"})");
                    const std::lock_guard lock(mutex);
                    urls.insert(text_of(made, "REDIS_URL"));
                }
            });
        }
        for (std::thread& caller : callers) caller.join();
        EXPECT_EQ(urls.size(), 40U);
        EXPECT_FALSE(urls.contains(""));
    }
    testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace slipway::faces::test
