// Events listed, followed over lost connections, and told as a story.
#include "cli/events.h"

#include "cli/cli_test_support.h"
#include "cli/sse.h"

namespace slipway::cli {
namespace {

std::string event(int number, std::string_view type = "resource.ready", std::string_view message = "it is ready") {
    const std::string text =
        fmt::format(R"({{"sequence":{},"at":"2026-11-22T22:00:0{}.000Z","type":"{}","message":"{}",)"
                    R"("resource":"res_1","operation":null,"actor":"key_1","request_id":null,)"
                    R"("provider_request_id":null,"data":{{}}}})",
                    number, number % 10, type, message);
    return json::dump(json::parse(text).value());
}
std::string sent(int number) {
    return fmt::format("event: resource.ready\nid: {}\ndata: {}\n\n", number, event(number));
}

using EventsTest = CliTest;

TEST(SseReader, LinesEndInAllThreeWaysAndPiecesAnywhere) {
    std::vector<SentEvent> all;
    SseReader reader([&](const SentEvent& one) {
        all.push_back(one);
        return true;
    });
    const std::string text =
        ": hello\r\nid: 7\r\nevent: a\r\ndata: x\r\ndata:y\r\n\r\nid:8\rdata\r\r"
        ":\n\nevent: lost\n\ndata: z\n\n";
    for (const char c : text) EXPECT_TRUE(reader.feed(std::string_view(&c, 1)));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].id + all[0].type + all[0].data, "7ax\ny");
    EXPECT_EQ(all[1].id + all[1].type + all[1].data, "8");
    EXPECT_EQ(all[2].id + all[2].type + all[2].data, "8z") << "an id holds on, a type does not";
}

TEST(SseReader, NoEventIsWithoutABound) {
    SseReader reader([](const SentEvent&) { return true; });
    EXPECT_TRUE(reader.feed("data: " + std::string(SseReader::kMaxEvent / 2, 'x') + "\n"));
    EXPECT_FALSE(reader.feed("data: " + std::string(SseReader::kMaxEvent / 2, 'x')));
    EXPECT_TRUE(reader.too_long());
}

TEST_F(EventsTest, AreListedFromWhereItIsWanted) {
    answer(200, fmt::format(R"({{"events":[{},{}],"next":"4","cursor":"4"}})", event(3),
                            event(4, "operation.retrying")));
    EXPECT_EQ(run({"events", "--after", "2", "--limit", "2", "--type", "resource.", "--type", "operation.",
                   "--operation", "op_1"}),
              0);
    EXPECT_EQ(asked(), std::vector<std::string>{
                           "GET /api/v1/events?operation=op_1&type=resource.&type=operation.&limit=2&after=2"});
    EXPECT_NE(out.str().find("operation.retrying"), std::string::npos) << out.str();
    EXPECT_NE(err.str().find("go on with --after NUMBER"), std::string::npos) << err.str();
    answer(200, R"({"id":"res_1","name":"cache1"})");
    answer(200, fmt::format(R"({{"events":[{}],"next":null,"cursor":"4"}})", event(3)));
    EXPECT_EQ(run({"events", "cache1", "--json"}), 0);
    EXPECT_EQ(asked().back(), "GET /api/v1/events?resource=res_1&limit=1000");
    EXPECT_EQ(json::parse(out.str())->as_array().size(), 1U);
}

TEST_F(EventsTest, FollowingBeginsNowAndEndsWithCtrlC) {
    answer(200, R"({"events":[],"next":null,"cursor":"41"})");
    answer(200, sent(42) + ": alive\n\n" + sent(43));
    interrupt_at = 3;
    EXPECT_EQ(run({"events", "--follow"}), 130);
    EXPECT_EQ(asked().at(0), "GET /api/v1/events?after=now&limit=1");
    EXPECT_EQ(asked().at(1), "GET /api/v1/events?after=41");
    EXPECT_EQ(field(1, "Accept"), "text/event-stream");
    EXPECT_EQ(field(1, "Last-Event-ID"), "");
    EXPECT_NE(out.str().find("2026-11-22T22:00:02.000Z  resource.ready          res_1"), std::string::npos)
        << out.str();
    EXPECT_NE(out.str().find("2026-11-22T22:00:03.000Z"), std::string::npos);
}

TEST_F(EventsTest, ALostConnectionIsTakenUpWhereItEnded) {
    answer(200, sent(1) + sent(2) + "event: cut o");
    nobody();
    answer(503, R"({"error":"starting"})");
    answer(200, sent(2) + sent(3));
    EXPECT_EQ(run({"events", "-f", "--since-start", "--limit", "3", "--json"}), 0) << err.str();
    EXPECT_EQ(asked().at(0), "GET /api/v1/events?after=0");
    EXPECT_EQ(field(1, "Last-Event-ID"), "2");
    EXPECT_EQ(field(3, "Last-Event-ID"), "2");
    EXPECT_EQ(out.str(), event(1) + "\n" + event(2) + "\n" + event(3) + "\n") << "none twice, none lost";
    EXPECT_EQ(err.str(), "slipway: the connection ended; trying again, from where it ended\n") << "said once";
}

TEST_F(EventsTest, FollowingGivesUpWhereItMust) {
    nobody();
    EXPECT_EQ(run({"events", "-f", "--after", "5"}), 5) << "a server that was never there";
    answer(403, R"({"error":"not for readers"})");
    EXPECT_EQ(run({"events", "-f", "--after", "5"}), 4);
    answer(200, sent(6));
    for (int i = 0; i < 200; ++i) nobody();
    EXPECT_EQ(run({"events", "-f", "--after", "5"}), 5);
    EXPECT_NE(err.str().find("--after 6"), std::string::npos) << "how to go on: " << err.str();
    EXPECT_GT(answers.size(), 50U) << "pauses grow";
    answers.clear();
    answer(200, "data: nonsense\n\n");
    EXPECT_EQ(run({"events", "-f", "--after", "5"}), 1);
}

constexpr std::string_view kFacts =
    R"({"id":"res_1","name":"cache1","engine":"redis","plan":"small","state":"ready","operation":null,"reason":null,)"
    R"("remnants":[],"health":{"status":"healthy","at":"2026-11-22T22:00:09.000Z","detail":null},)"
    R"("updated_at":"2026-11-22T22:00:09.000Z"})";

constexpr std::string_view kOperations =
    R"({"next":null,"operations":[{"id":"op_1","kind":"provision","state":"succeeded","actor":"key_1",)"
    R"("created_at":"2026-11-22T22:00:00.000Z","ended_at":"2026-11-22T22:00:00.012Z","next_at":null,"steps":[]},)"
    R"({"id":"op_2","kind":"repair","state":"succeeded","actor":"reconciler",)"
    R"("created_at":"2026-11-22T22:00:05.000Z","ended_at":"2026-11-22T22:00:06.500Z","next_at":null,)"
    R"("steps":[{"kind":"restart","status":"done","attempts":1,"last_error":null,"provider_request_id":"pr-9"}]}]})";

std::string story_event(std::string_view at, std::string_view type, std::string_view operation,
                        std::string_view text, std::string_view request = "") {
    return fmt::format(
        R"({{"sequence":1,"at":"2026-11-22T22:00:{}Z","type":"{}","message":"{}","resource":"res_1",)"
        R"("operation":{},"actor":"x","request_id":null,"provider_request_id":{},"data":{{}}}})",
        at, type, text, operation.empty() ? "null" : fmt::format("\"{}\"", operation),
        request.empty() ? "null" : fmt::format("\"{}\"", request));
}

std::string story() {
    return fmt::format(
        R"({{"next":null,"events":[{},{},{},{},{}]}})",
        story_event("00.000", "resource.requested", "op_1", "redis cache1 of plan small was requested"),
        story_event("00.012", "operation.succeeded", "op_1", "provision is done"),
        story_event("05.000", "resource.repair_requested", "op_2",
                    "cache1 was found stopped; it is being brought back"),
        story_event("05.100", "operation.retrying", "op_2",
                    "attempt 1 failed: no port; the next one comes in 250 ms", "pr-8"),
        story_event("06.500", "resource.ready", "", "cache1 is ready"));
}

TEST_F(EventsTest, WhyTellsTheStateAndTheLastThatLedThere) {
    time = *std::optional(TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)) +
                          std::chrono::hours(22) + std::chrono::minutes(3));
    answer(200, std::string(kFacts));
    answer(200, std::string(kOperations));
    answer(200, story());
    answer(200, std::string(kFacts));
    EXPECT_EQ(run({"why", "cache1"}), 0) << err.str();
    EXPECT_EQ(asked(), (std::vector<std::string>{
                           "GET /api/v1/resources/cache1", "GET /api/v1/operations?resource=res_1&limit=1000",
                           "GET /api/v1/resources/res_1/events?limit=1000", "GET /api/v1/resources/res_1"}));
    EXPECT_EQ(out.str(),
              "cache1 is ready and healthy, since 2026-11-22 22:00:06 (2 min 57 s ago)\n"
              "  what       redis small (res_1)\n"
              "  under way  nothing\n"
              "\n"
              "the last that happened (2 earlier events: --all):\n"
              "  repair op_2: succeeded after 1.5 s, asked for by reconciler\n"
              "    step 1, restart: done, failed once (provider request pr-9)\n"
              "    2026-11-22 22:00:05      +0 ms  cache1 was found stopped; it is being brought back\n"
              "    2026-11-22 22:00:05    +100 ms  attempt 1 failed: no port; the next one comes in 250 ms "
              "(provider request pr-8)\n"
              "    2026-11-22 22:00:06             cache1 is ready\n");
    answer(200, std::string(kFacts));
    answer(200, std::string(kOperations));
    answer(200, story());
    answer(200, std::string(kFacts));
    EXPECT_EQ(run({"why", "cache1", "--all"}), 0) << err.str();
    EXPECT_NE(out.str().find("what happened:\n  provision op_1: succeeded after 12 ms, asked for by key_1\n"),
              std::string::npos)
        << out.str();
}

TEST_F(EventsTest, WhyTellsWhatIsUnderWayAndWhenItIsTriedAgain) {
    time = TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)) + std::chrono::hours(22);
    answer(200,
           R"({"id":"res_1","name":"cache1","engine":"redis","plan":"small","state":"provisioning",)"
           R"("operation":"op_1","health":{"status":"unknown","detail":null},"remnants":["a directory"],)"
           R"("reason":null,"updated_at":"2026-11-22T21:59:00.000Z","expires_at":"2026-11-22T23:00:00.000Z"})");
    answer(200, R"({"next":null,"operations":[{"id":"op_1","kind":"provision","state":"retrying","actor":"key_1",)"
                R"("created_at":"2026-11-22T21:59:00.000Z","ended_at":null,"next_at":"2026-11-22T22:00:13.000Z",)"
                R"("progress":{"done":0,"total":2,"sentence":"creating it; trying again: no room"},"steps":[]}]})");
    answer(200, R"({"next":null,"events":[]})");
    answer(200, R"({"id":"res_1","name":"cache1"})");
    EXPECT_EQ(run({"why", "cache1"}), 0) << err.str();
    EXPECT_NE(out.str().find("under way    provision op_1: step 1 of 2: creating it; trying again: no room"),
              std::string::npos)
        << out.str();
    EXPECT_NE(out.str().find("next try     2026-11-22 22:00:13 (in 9 s)"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("ends         2026-11-22 23:00:00 (in "), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("left behind  a directory"), std::string::npos) << out.str();
}

// A story of two moments would say that a repair is under way and that it has ended.
TEST_F(EventsTest, WhyReadsAgainWhatChangedMeanwhile) {
    for (const int version : {1, 2}) {
        answer(200, fmt::format(R"({{"id":"res_1","name":"cache1","state":"ready","version":{}}})", version));
        answer(200, R"({"next":null,"operations":[]})");
        answer(200, R"({"next":null,"events":[]})");
        if (version == 2) answer(200, R"({"id":"res_1","name":"cache1","version":2})");
    }
    EXPECT_EQ(run({"why", "cache1", "--json"}), 0) << err.str();
    EXPECT_EQ(json::get_int(json::parse(out.str())->as_object().at("resource").as_object(), "version"), 2);
}

// The question is asked most of all when the thing is no longer there.
TEST_F(EventsTest, WhyFindsWhatIsGoneByItsName) {
    answer(404, R"({"error":"no such resource"})");
    answer(200, R"({"next":null,"resources":[{"id":"res_9","name":"a","created_at":"2026-02-01T00:00:00.000Z"},)"
                R"({"id":"res_1","name":"a","created_at":"2026-01-01T00:00:00.000Z"}]})");
    answer(200, R"({"next":null,"operations":[]})");
    answer(200, R"({"next":null,"events":[]})");
    answer(200, R"({"id":"res_9","name":"a"})");
    EXPECT_EQ(run({"why", "a", "--json"}), 0) << err.str();
    EXPECT_EQ(asked().at(1), "GET /api/v1/resources?name=a&include_gone=true&limit=1000");
    EXPECT_EQ(asked().at(2), "GET /api/v1/operations?resource=res_9&limit=1000") << "the newest of that name";
    const auto told = json::parse(out.str())->as_object();
    EXPECT_TRUE(told.contains("resource") && told.contains("operations") && told.contains("events"));
    answer(404, R"({"error":"no such resource"})");
    answer(200, R"({"next":null,"resources":[]})");
    EXPECT_EQ(run({"why", "b"}), 3);
}

}  // namespace
}  // namespace slipway::cli
