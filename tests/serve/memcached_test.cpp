// Memcached over HTTP, with real engines: made, used over its own socket, emptied, killed, adopted, taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
namespace fs = std::filesystem;

constexpr const char* kSmall = R"({"plan":"small","billingcode":"gwp"})";

class ServeMemcached : public ::testing::Test {
  protected:
    struct Instance {
        std::string name;
        std::uint16_t port = 0;
    };
    static Instance instance_of(const Answer& made) {
        const std::string url = made.text("MEMCACHED_URL");
        EXPECT_THAT(url, MatchesRegex("oct-[0-9a-f]+\\.localhost:[0-9]+")) << made.body;
        const std::size_t colon = url.find(':');
        if (colon == std::string::npos) return {};
        return {url.substr(0, url.find('.')), static_cast<std::uint16_t>(std::stoul(url.substr(colon + 1)))};
    }
    Instance create() {
        const Answer made = site_.request("POST", "/v1/memcached/instance", kSmall);
        EXPECT_EQ(made.status, 200) << made.body;
        return instance_of(made);
    }
    // What the engine answers, up to `end`; "" where nobody does.
    static std::string say(const Instance& to, const std::string& text, const std::string& end = "\r\n") {
        const Connection connection(to.port);
        if (!connection.send(text + "\r\n")) return {};
        return connection.receive([&](const std::string& all) { return all.ends_with(end); });
    }
    static std::string get(const Instance& from, const std::string& key) {
        return say(from, "get " + key, "END\r\n");
    }
    Answer stats(const Instance& of) const {
        return site_.request("GET", "/v1/memcached/operations/stats/" + of.name);
    }
    static std::string figure(const Answer& stats, std::string_view key) {
        const auto parsed = json::parse(stats.body);
        if (!parsed || !parsed->is_array()) return "no array: " + stats.body;
        for (const json::value& each : parsed->as_array()) {
            if (json::get_string(each.as_object(), "key") == key)
                return json::get_string(each.as_object(), "value");
        }
        return "absent";
    }

    Site site_;
};

TEST_F(ServeMemcached, TellsTheContractsStoryWithARealMemcached) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.request("GET", "/v1/memcached/plans").body,
              R"({"large":"Large","medium":"Medium","small":"Small"})");
    const Answer made = site_.request("POST", "/v1/memcached/instance", kSmall);
    ASSERT_EQ(made.status, 200) << made.body;
    const Instance cache = instance_of(made);
    EXPECT_EQ(site_.request("GET", "/v1/memcached/url/" + cache.name).body, made.body);
    ASSERT_EQ(say(cache, "set k 0 0 1\r\nv"), "STORED\r\n");
    EXPECT_EQ(get(cache, "k"), "VALUE k 0 1\r\nv\r\nEND\r\n");

    const Answer told = stats(cache);
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(figure(told, "curr_items"), "1");
    EXPECT_EQ(figure(told, "limit_maxbytes"), std::to_string(64 << 20)) << "what the plan says";
    const auto running = site_.engines(cache.name);
    ASSERT_EQ(running.size(), 1U);
    EXPECT_EQ(figure(told, "pid"), std::to_string(running.front().pid)) << "from the live engine";

    EXPECT_EQ(site_.request("DELETE", "/v1/memcached/operations/cache/" + cache.name).body,
              R"({"flush_all":"OK"})");
    EXPECT_EQ(get(cache, "k"), "END\r\n");

    const std::string tag = R"({"resource":")" + cache.name + R"(","name":"team","value":"web"})";
    EXPECT_EQ(site_.request("POST", "/v1/tag", tag).body, R"({"response":"tag added"})");
    EXPECT_THAT(site_.request("GET", "/v1/memcached/instance").body, HasSubstr(R"("tags":{"team":"web"})"));
    const Answer removed = site_.request("DELETE", "/v1/memcached/instance/" + cache.name);
    EXPECT_THAT(removed.body, HasSubstr(R"("Engine":"memcached")"));
    EXPECT_TRUE(eventually(
        [&] { return site_.engines().empty() && !fs::exists(site_.state() + "/instances/" + cache.name); }));
    EXPECT_TRUE(eventually([&] { return stats(cache).status == 404; }));
    EXPECT_EQ(say(cache, "version"), "") << "nobody may answer on its port";
}

// memcached keeps nothing: it comes back under the same URL, and empty.
TEST_F(ServeMemcached, ADeadEngineComesBackEmpty) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Instance cache = create();
    ASSERT_EQ(say(cache, "set k 0 0 1\r\nv"), "STORED\r\n");
    const auto before = site_.engines(cache.name);
    ASSERT_EQ(before.size(), 1U);
    kill_process(before.front());
    EXPECT_TRUE(eventually([&] { return say(cache, "version").starts_with("VERSION"); })) << site_.log();
    EXPECT_NE(site_.engines(cache.name), before);
    EXPECT_EQ(get(cache, "k"), "END\r\n");
    EXPECT_TRUE(eventually([&] { return stats(cache).status == 200; }));
    // It may have answered us before it answered the server.
    EXPECT_TRUE(eventually([&] { return site_.log_lines_with("keeps nothing").size() == 1; })) << site_.log();
}

TEST_F(ServeMemcached, AKilledServerAdoptsItsEngineWithWhatIsInIt) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Instance cache = create();
    ASSERT_EQ(say(cache, "set k 0 0 1\r\nv"), "STORED\r\n");
    const auto before = site_.engines(cache.name);
    site_.kill();
    EXPECT_EQ(get(cache, "k"), "VALUE k 0 1\r\nv\r\nEND\r\n") << "an engine does not need its server";
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(stats(cache).status, 200);
    EXPECT_EQ(site_.engines(cache.name), before) << "the same process";
    EXPECT_EQ(get(cache, "k"), "VALUE k 0 1\r\nv\r\nEND\r\n");
}

TEST_F(ServeMemcached, APoolOfItsOwnIsFilledAndClaimedFrom) {
    site_.configure("[pool]\nmemcached.small = 1\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(eventually([&] {
        return site_.as_administrator("GET", "/api/v1/resources?state=ready&engine=memcached")
                   .object()
                   .at("resources")
                   .as_array()
                   .size() == 1;
    })) << site_.log();
    const auto pooled = site_.engines();
    ASSERT_EQ(pooled.size(), 1U) << "none of another engine, and none of another plan";
    const Instance cache = create();
    EXPECT_EQ(site_.engines(cache.name), pooled) << "it was running before it was asked for";
    EXPECT_TRUE(eventually([&] { return site_.engines().size() == 2; })) << "and it is made up for";
}

}  // namespace
}  // namespace slipway::testing
