// The feed: pages, waiting for what comes, and the stream of server-sent events with its resumption.
#include <gmock/gmock.h>

#include "faces/native/native_test_support.h"
#include "faces/native/requests.h"

namespace slipway::faces::test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// A client that takes whatever comes.
class Listener final : public http::Writer {
  public:
    Task<Status> write(std::string_view bytes) override {
        if (gone) co_return fail(ErrorCode::cancelled, "the client is gone");
        received += bytes;
        co_return Status();
    }
    Task<bool> pause(Duration /*delay*/) override { co_return !stopped && !gone; }
    [[nodiscard]] bool stopping() const override { return stopped; }

    // The values of a field of all events that came.
    [[nodiscard]] std::vector<std::string> all(const std::string& field) const {
        std::vector<std::string> found;
        std::istringstream lines(received);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(field + ": ")) found.push_back(line.substr(field.size() + 2));
        }
        return found;
    }

    std::string path;  // and how the answer began
    std::string content_type;
    std::multimap<std::string, std::string> headers;
    std::string received;
    bool gone = false;
    bool stopped = false;
    std::optional<Status> ended;
};

class NativeEventsTest : public NativeTest {
  protected:
    ~NativeEventsTest() override {
        for (const auto& each : listeners_) each->stopped = true;
        world.pass(std::chrono::seconds(2));
        // What came is compared with the description of an event, as every other answer is.
        for (const auto& each : listeners_) {
            record({"GET", each->path, {}, 200, each->content_type, each->headers, each->received});
        }
    }
    // An open stream; it lives until its listener stops or the test ends.
    std::shared_ptr<Listener> listen(const std::string& path, const Fields& as) {
        auto listener = std::make_shared<Listener>();
        auto response = std::make_shared<http::Response>(world.raw(Method::get, path, as));
        EXPECT_EQ(response->status, 200);
        const auto* body = std::get_if<http::StreamBody>(&response->body);
        EXPECT_NE(body, nullptr);
        if (body == nullptr) return listener;
        listener->path = path;
        listener->content_type = response->content_type;
        listener->headers.insert(response->headers.begin(), response->headers.end());
        world.spawn([](std::shared_ptr<http::Response> open, std::shared_ptr<Listener> to) -> Task<void> {
            to->ended = co_await std::get<http::StreamBody>(open->body)(*to);
        }(std::move(response), listener));
        listeners_.push_back(listener);
        world.settle();
        return listener;
    }
    std::vector<std::string> types(const Reply& page) {
        std::vector<std::string> found;
        for (const json::value& each : items(page, "events")) found.push_back(text(each.as_object(), "type"));
        return found;
    }
    std::uint64_t last() { return world.store.snapshot().last_event(); }

  private:
    std::vector<std::shared_ptr<Listener>> listeners_;
};

TEST_F(NativeEventsTest, PagesAreFilteredAndReachEverythingOnce) {
    const json::object mine = make();
    make();
    EXPECT_THAT(types(get("/api/v1/events?type=resource.", user)), Each(StartsWith("resource.")));
    EXPECT_THAT(types(get("/api/v1/events?type=resource.ready&type=operation.succeeded", user)),
                ElementsAre("resource.ready", "operation.succeeded", "resource.ready", "operation.succeeded"));
    for (const json::value& each : items(get("/api/v1/events?resource=" + text(mine, "name"), user), "events")) {
        EXPECT_EQ(text(each.as_object(), "resource"), text(mine, "id"));
    }
    EXPECT_THAT(types(get("/api/v1/events", stranger)), IsEmpty());
    EXPECT_EQ(get("/api/v1/events?organization=team", stranger).status, 403);
    EXPECT_THAT(types(get("/api/v1/events?organization=team", admin)), Not(IsEmpty()));
    std::vector<std::string> seen;
    std::string after = "0";
    for (int pages = 0; pages < 50; ++pages) {
        const Reply page = get("/api/v1/events?limit=2&after=" + after, user);
        for (const std::string& type : types(page)) seen.push_back(type);
        after = text(page.json(), "cursor");
        if (page.json().at("next").is_null()) break;
        EXPECT_EQ(text(page.json(), "next"), after);
    }
    EXPECT_EQ(seen, types(get("/api/v1/events?limit=1000", user)));
    EXPECT_EQ(after, std::to_string(last())) << "a later look goes on from here";
}

TEST_F(NativeEventsTest, AWaitIsEndedByTheFirstEventThatFits) {
    const TimePoint start = world.clock().now();
    const Reply none = get("/api/v1/events?after=now&wait=5", user);
    EXPECT_THAT(types(none), IsEmpty());
    EXPECT_GE(world.clock().now() - start, std::chrono::seconds(5));
    const std::string cursor = text(none.json(), "cursor");
    world.spawn([](World& in, std::string key) -> Task<void> {
        CallContext call{*co_await in.broker.authenticate(Secret(std::move(key))), "r", ""};
        ProvisionRequest wanted;
        wanted.face = "native";
        wanted.engine = "redis";
        wanted.plan = "small";
        wanted.billing_code = "x";
        static_cast<void>(co_await in.broker.provision(call, wanted));
    }(world, user.at(0).second.substr(7)));
    const TimePoint again = world.clock().now();
    EXPECT_THAT(types(get("/api/v1/events?wait=60&type=resource.ready&after=" + cursor, user)),
                ElementsAre("resource.ready"));
    EXPECT_LT(world.clock().now() - again, std::chrono::seconds(5));
}

TEST_F(NativeEventsTest, AStreamBringsWhatWasAndWhatComes) {
    make();
    const auto all = listen("/api/v1/events?stream=true", user);
    EXPECT_THAT(all->received, StartsWith(":\n\n")) << "the client sees at once that it is connected";
    EXPECT_THAT(all->all("event"), Contains("resource.ready"));
    const auto fresh = listen("/api/v1/events?after=now", with(user, "Accept", "text/event-stream"));
    EXPECT_THAT(fresh->all("event"), IsEmpty());
    const auto theirs = listen("/api/v1/events?stream=true", stranger);
    const json::object made = make();
    world.pass(std::chrono::milliseconds(100));
    EXPECT_THAT(fresh->all("event"), Contains("resource.ready"));
    EXPECT_THAT(theirs->all("event"), IsEmpty());
    for (const std::string& data : fresh->all("data")) {
        const auto event = json::parse(data);
        ASSERT_TRUE(event);
        EXPECT_EQ(text(event->as_object(), "resource"), text(made, "id"));
    }
    EXPECT_EQ(fresh->all("id").back(), std::to_string(last()));
}

TEST_F(NativeEventsTest, AStreamIsTakenUpWhereItWas) {
    make();
    const auto first = listen("/api/v1/events?stream=true", user);
    const auto ids = first->all("id");
    ASSERT_GE(ids.size(), 3U);
    first->gone = true;
    const auto second = listen("/api/v1/events?stream=true&after=0", with(user, "Last-Event-ID", ids.at(1)));
    EXPECT_EQ(second->all("id"), std::vector<std::string>(ids.begin() + 2, ids.end()));
    const Reply wrong = get("/api/v1/events?stream=true", with(user, "Last-Event-ID", "x"));
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(fields_of(wrong), ElementsAre("Last-Event-ID"));
}

TEST_F(NativeEventsTest, ASilentStreamShowsThatItLives) {
    const auto open = listen("/api/v1/events?stream=true&after=now", user);
    const std::size_t before = open->received.size();
    for (int i = 0; i < 150; ++i) world.pass(std::chrono::milliseconds(100));
    for (int i = 0; i < 15; ++i) world.pass(std::chrono::milliseconds(100));
    EXPECT_EQ(open->received.substr(before), ":\n\n");
}

TEST_F(NativeEventsTest, AStreamEndsWithTheServerTheClientAndTheKey) {
    const auto stopped = listen("/api/v1/events?stream=true&after=now", user);
    const auto gone = listen("/api/v1/events?stream=true&after=now", user);
    const std::string key = world.key("team", Role::reader);
    const auto revoked = listen("/api/v1/events?stream=true&after=now", World::bearer(key));
    const auto kept = listen("/api/v1/events?stream=true&after=now", user);
    stopped->stopped = gone->gone = true;
    const std::string id = text(get("/api/v1/me", World::bearer(key)).json(), "actor");
    ASSERT_EQ(drop("/api/v1/keys/" + id, user).status, 204);
    for (int i = 0; i < 40; ++i) world.pass(std::chrono::milliseconds(500));
    ASSERT_TRUE(stopped->ended && gone->ended && revoked->ended);
    EXPECT_TRUE(*stopped->ended) << "its answer is whole";
    EXPECT_TRUE(*revoked->ended);
    EXPECT_FALSE(kept->ended);
}

TEST_F(NativeEventsTest, SoManyStreamsMayBeOpen) {
    world.context.options.max_streams = 2;
    const auto first = listen("/api/v1/events?stream=true&after=now", user);
    const auto second = listen("/api/v1/events?stream=true&after=now", user);
    const Reply third = get("/api/v1/events?stream=true&after=now", user);
    EXPECT_EQ(third.status, 429);
    EXPECT_NE(third.header("Retry-After"), "");
    first->stopped = true;
    world.pass(std::chrono::seconds(2));
    ASSERT_TRUE(first->ended);
    listen("/api/v1/events?stream=true&after=now", user);
}

TEST_F(NativeEventsTest, WhatIsMisspeltIsNamed) {
    for (const auto& [query, field] :
         {std::pair("after=soon", "after"), std::pair("after=-1", "after"), std::pair("wait=61", "wait"),
          std::pair("limit=0", "limit"), std::pair("type=", "type"), std::pair("stream=yes", "stream"),
          std::pair("after=99999999999999999999", "after"), std::pair("types=x", "types")}) {
        const Reply refused = get(std::string("/api/v1/events?") + query, user);
        EXPECT_EQ(refused.status, 400) << query;
        EXPECT_THAT(fields_of(refused), ElementsAre(field)) << query;
    }
    EXPECT_EQ(get("/api/v1/events?resource=nothing", user).status, 404);
}

TEST_F(NativeEventsTest, AStoryIsToldToItsOwner) {
    world.worker.create_error = ProviderError{ErrorClass::transient, "no answer", "", "call-1", {}};
    const Reply asked = post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"sessions"})", user);
    ASSERT_EQ(asked.status, 202);
    world.settle();
    world.worker.create_error.reset();
    for (int i = 0; i < 20; ++i) world.pass(std::chrono::milliseconds(100));
    ASSERT_EQ(drop("/api/v1/resources/sessions?wait_seconds=60", user).status, 200);
    std::string story;
    const json::array events = items(get(asked.header("Location") + "/events", user), "events");
    for (const json::value& each : events) story += text(each.as_object(), "message") + "\n";
    for (const std::string& says :
         {"a redis of plan small was requested; it is called sessions", "the creation has begun",
          "attempt 1 of 6 to create it failed: no answer; the next one comes in", "sessions is ready at redis://",
          "the creation is done", "the removal of sessions was requested", "the removal has begun",
          "sessions is gone; nothing of it is left", "the removal is done"}) {
        EXPECT_THAT(story, HasSubstr(says));
    }
    for (const json::value& each : events) {
        if (text(each.as_object(), "type") != "operation.retrying") continue;
        EXPECT_EQ(text(each.as_object(), "provider_request_id"), "call-1");
        const json::object data = each.as_object().at("data").as_object();
        EXPECT_EQ(data.at("attempt").as_int64(), 1);
        EXPECT_EQ(data.at("of").as_int64(), 6);
        EXPECT_TRUE(parse_time(text(data, "next_at")));
    }
}

}  // namespace
}  // namespace slipway::faces::test
