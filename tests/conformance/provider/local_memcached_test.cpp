// What is particular to real memcacheds on this machine.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "local_fixture.h"
#include "providers/local/dialog.h"
#include "providers/local/waiting.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// What an engine answers up to `end`; what there was where that never came.
Task<std::string> talk(std::string address, std::uint16_t port, std::string text, std::string end) {
    auto dialog = co_await local::Dialog::open(std::move(address), port, Deadline(10s));
    if (!dialog) co_return "";
    std::string received;
    bool open = co_await dialog->send(text);
    while (open && !received.ends_with(end)) open = co_await dialog->receive(received);
    co_return received;
}

class LocalMemcached : public LocalEngineTest {
  protected:
    LocalMemcached() : LocalEngineTest("memcached") {}

    std::string say(const std::string& text, const std::string& end = "\r\n",
                    const std::string& address = "127.0.0.1") {
        return subject_.run(talk(address, port(), text + "\r\n", end));
    }
    std::string set(const std::string& key, const std::string& value) {
        return say(fmt::format("set {} 0 0 {}\r\n{}", key, value.size(), value));
    }
    std::string get(const std::string& key) {
        const std::string reply = say("get " + key, "END\r\n");
        const std::size_t begin = reply.find("\r\n");
        const std::size_t end = reply.rfind("\r\nEND");
        return end == std::string::npos || begin >= end ? "" : reply.substr(begin + 2, end - begin - 2);
    }
    // A line of `stats settings`.
    std::string setting(const std::string& key) {
        const std::string all = say("stats settings", "END\r\n");
        const std::string start = "STAT " + key + " ";
        const std::size_t at = all.find(start);
        if (at == std::string::npos) return "";
        return all.substr(at + start.size(), all.find("\r\n", at) - at - start.size());
    }
    std::int64_t resident_kilobytes() {
        const auto found = subject_.process("oct-1");
        if (!found) return -1;
        const std::string status = file_text(fmt::format("/proc/{}/status", found->pid));
        const std::size_t at = status.find("VmRSS:");
        return at == std::string::npos ? -1 : std::stoll(status.substr(at + 6));
    }
    // Items of a hundred kilobytes; how many were not stored.
    int fill(int megabytes) {
        boost::asio::io_context io;
        boost::asio::ip::tcp::socket socket(io);
        socket.connect({boost::asio::ip::make_address("127.0.0.1"), port()});
        const std::string value(100'000, 'x');
        int refused = 0;
        for (int i = 0; i < megabytes * 10; ++i) {
            boost::asio::write(
                socket, boost::asio::buffer(fmt::format("set k{} 0 0 {}\r\n{}\r\n", i, value.size(), value)));
            std::array<char, 256> reply{};
            const std::size_t got = socket.read_some(boost::asio::buffer(reply));
            refused += std::string_view(reply.data(), got).starts_with("STORED") ? 0 : 1;
        }
        return refused;
    }
    Resource resource() const {
        Resource made;
        made.id = target_.resource;
        made.engine = "memcached";
        made.external_name = target_.external_name;
        made.generation = target_.generation;
        return made;
    }
    Result<std::vector<Statistic>> statistics(Resource of) {
        return subject_.run(subject_.live().statistics(std::move(of), 10s));
    }
    Status flush(Resource of) { return subject_.run(subject_.live().flush(std::move(of), 10s)); }
};

TEST_F(LocalMemcached, AnswersAnEndpointAndNeedsNoSecret) {
    spec_.secrets.clear();
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(made->endpoint, (Endpoint{"memcached", "oct-1.localhost", port()}));
    EXPECT_TRUE(subject_.provider().available(Kind::cache, "memcached"));
    EXPECT_TRUE(subject_.provider().secrets(Kind::cache, "memcached").empty());
    EXPECT_EQ(subject_.provider().ranges(Kind::cache, "memcached").front().range,
              subject_.provider().ranges(Kind::cache, "redis").front().range)
        << "engines of different kinds share the machine's ports";
    EXPECT_EQ(set("k", "v"), "STORED\r\n");
    EXPECT_EQ(get("k"), "v");
}

TEST_F(LocalMemcached, ThePlansLimitsAreTrue) {
    spec_.parameters = {{"maxmemory", 32 << 20}, {"maxclients", 20}, {"max_item_size", 2 << 20}};
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(setting("maxbytes"), std::to_string(32 << 20));
    EXPECT_EQ(setting("item_size_max"), std::to_string(2 << 20));
    EXPECT_EQ(setting("evictions"), "on") << "a full cache forgets; it does not refuse";
    EXPECT_EQ(setting("shutdown_command"), "no");
    EXPECT_EQ(set("large", std::string(1'500'000, 'x')), "STORED\r\n");
    EXPECT_THAT(set("larger", std::string(2'500'000, 'x')), HasSubstr("too large"));
    EXPECT_EQ(fill(64), 0);
    EXPECT_LT(resident_kilobytes(), 64 * 1024);
}

TEST_F(LocalMemcached, ItListensOnTheConfiguredAddressesAndNowhereElse) {
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_THAT(say("version", "\r\n", "127.0.0.1"), HasSubstr("VERSION"));
    if (local::has_address("::1")) {
        EXPECT_THAT(say("version", "\r\n", "::1"), HasSubstr("VERSION"));
    }
    const std::string number = fmt::format(":{:04X} ", port());
    for (const std::string file : {"tcp", "tcp6", "udp", "udp6"}) {
        std::istringstream lines(file_text("/proc/net/" + file));
        for (std::string line; std::getline(lines, line);) {
            const std::size_t at = line.find(number);
            if (at == std::string::npos || !line.contains(" 0A ")) {
                EXPECT_FALSE(file.starts_with("udp") && at != std::string::npos) << line;
                continue;
            }
            const std::string local = line.substr(0, at);
            EXPECT_TRUE(local.ends_with(" 0100007F") || local.ends_with(" 00000000000000000000000001000000"))
                << line;
        }
    }
}

// As many as the plan says, and a full one is not taken for a dead one.
TEST_F(LocalMemcached, AnEngineWhoseConnectionsAreAllTakenIsStillRunning) {
    spec_.parameters = {{"maxclients", 7}};
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    boost::asio::io_context io;
    std::vector<boost::asio::ip::tcp::socket> served;
    const auto take_one = [&] {
        boost::asio::ip::tcp::socket socket(io);
        socket.connect({boost::asio::ip::make_address("127.0.0.1"), port()});
        boost::system::error_code ignored;
        boost::asio::write(socket, boost::asio::buffer(std::string("version\r\n")), ignored);
        std::array<char, 64> reply{};
        const std::size_t got = socket.read_some(boost::asio::buffer(reply), ignored);
        if (std::string_view(reply.data(), got).starts_with("VERSION")) served.push_back(std::move(socket));
    };
    // It may still be closing our earlier connections: one that it turned away does not count.
    ASSERT_TRUE(eventually([&] {
        take_one();
        return served.size() == 7;
    }));
    for (int i = 0; i < 5; ++i) take_one();
    EXPECT_EQ(served.size(), 7U) << "not one more than the plan says";
    const ProviderAnswer seen = observe();
    EXPECT_TRUE(is(seen, Presence::running));
    EXPECT_FALSE(seen->detail.empty());
    EXPECT_EQ(subject_.identity("oct-1"), before);
    const auto told = statistics(resource());
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, ErrorCode::unavailable);
    EXPECT_THAT(told.error().message, HasSubstr("connections"));
}

// memcached keeps nothing, and nobody is told anything else.
TEST_F(LocalMemcached, AKilledEngineComesBackEmpty) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(set("k", "v"), "STORED\r\n");
    std::vector<std::string> told;
    // Adopted ones are watched as well.
    subject_.crash();
    subject_.provider().on_change([&](std::string name) { told.push_back(std::move(name)); });
    EXPECT_TRUE(is(observe(), Presence::running));
    EXPECT_EQ(get("k"), "v") << "adopted, and not restarted";
    subject_.make_stop("oct-1");
    ASSERT_TRUE(eventually([&] {
        subject_.io().restart();
        subject_.io().poll();
        return !told.empty();
    }));
    EXPECT_TRUE(is(observe(), Presence::stopped));
    const ProviderAnswer back = update();
    ASSERT_TRUE(is(back, Presence::running));
    EXPECT_THAT(back->detail, HasSubstr("keeps nothing"));
    EXPECT_EQ(get("k"), "");
    EXPECT_EQ(set("k", "again"), "STORED\r\n");
}

TEST_F(LocalMemcached, AHungEngineIsNeverCalledStoppedAndUpdateReplacesIt) {
    ASSERT_TRUE(is(create(), Presence::running));
    const std::optional<agent::Process> hung = subject_.process("oct-1");
    ASSERT_TRUE(hung);
    ASSERT_TRUE(agent::send_signal(agent::open_pidfd(*hung), SIGSTOP));
    EXPECT_TRUE(is(observe(), Presence::pending));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_FALSE(agent::is_alive(*hung));
}

TEST_F(LocalMemcached, AnotherLimitIsAnotherEngineAndTheSameAddress) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(set("k", "v"), "STORED\r\n");
    const std::string before = subject_.identity("oct-1");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(subject_.identity("oct-1"), before);
    EXPECT_EQ(get("k"), "v");
    spec_.parameters = {{"maxmemory", 128 << 20}};
    const ProviderAnswer changed = update();
    ASSERT_TRUE(is(changed, Presence::running));
    EXPECT_EQ(changed->endpoint->port, port());
    EXPECT_NE(subject_.identity("oct-1"), before);
    EXPECT_EQ(setting("maxbytes"), std::to_string(128 << 20));
    EXPECT_EQ(get("k"), "");
}

// Any client may lift memcached's own limit, and it never gives back what it took.
TEST_F(LocalMemcached, AClientThatLiftsTheLimitIsHeldByTheSystem) {
    spec_.parameters = {{"maxmemory", 16 << 20}, {"maxclients", 100}};
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    ASSERT_EQ(say("cache_memlimit 4096"), "OK\r\n");
    EXPECT_EQ(setting("maxbytes"), std::to_string(std::int64_t{4096} << 20));
    EXPECT_EQ(fill(300), 0) << "it forgets instead of failing";
    EXPECT_LT(resident_kilobytes(), 130 * 1024);
    ASSERT_TRUE(is(observe(), Presence::running));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(setting("maxbytes"), std::to_string(16 << 20)) << "an update puts it right";
    EXPECT_EQ(subject_.identity("oct-1"), before);
}

// Any client may make it print every command that it is sent.
TEST_F(LocalMemcached, AClientCannotFillTheDiskThroughTheLog) {
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    ASSERT_EQ(say("verbosity 5"), "OK\r\n");
    std::string many;
    for (int i = 0; i < 20'000; ++i) many += fmt::format("get some-key-of-a-client-{}\r\n", i);
    const fs::path log = subject_.directory("oct-1") + "/log";
    std::uintmax_t size = 0;
    // Until it has printed all that it is let.
    ASSERT_TRUE(eventually(
        [&] {
            say(many + "verbosity 5", "OK\r\n");
            const std::uintmax_t now = fs::file_size(log);
            return now == std::exchange(size, now);
        },
        60s))
        << size;
    EXPECT_GT(size, 1U << 20);
    EXPECT_LE(size, 2U << 20);
    EXPECT_THAT(say("version"), HasSubstr("VERSION")) << "it lives on";
    EXPECT_EQ(subject_.identity("oct-1"), before);
    subject_.make_stop("oct-1");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_LT(fs::file_size(log), 1U << 20) << "the next one begins a new log";
}

TEST_F(LocalMemcached, APortThatAStrangerHoldsIsSaidToBeInUse) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor stranger(io, {boost::asio::ip::make_address("127.0.0.1"), port()});
    const ProviderAnswer answer = create();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().error_class, ErrorClass::address_in_use);
    EXPECT_EQ(answer.error().allocation, "port");
    stranger.close();
    EXPECT_TRUE(is(create(), Presence::running));
}

TEST_F(LocalMemcached, WhatAnswersOnThePortMustBeTheProcessThatHoldsTheLock) {
    ASSERT_TRUE(is(create(), Presence::running));
    const Target other = target_of("oct-2");
    const Spec its_spec = subject_.spec();
    ASSERT_TRUE(is(subject_.run(subject_.provider().create(other, its_spec, kBudget)), Presence::running));
    // From now on oct-1 is looked for where oct-2 is.
    const std::string meta = subject_.directory("oct-1") + "/meta.json";
    const std::string right = file_text(meta);
    json::object changed = json::parse(right)->as_object();
    changed["port"] = its_spec.allocations.at("port");
    std::ofstream(meta) << json::dump(changed);
    const ProviderAnswer seen = observe();
    EXPECT_TRUE(is(seen, Presence::pending));
    EXPECT_THAT(seen->detail, HasSubstr("does not prove"));
    EXPECT_FALSE(statistics(resource()));
    EXPECT_FALSE(flush(resource())) << "another one's cache would be emptied";
    std::ofstream(meta) << right;
    EXPECT_TRUE(is(observe(), Presence::running));
    EXPECT_TRUE(flush(resource()));
    EXPECT_TRUE(is(subject_.run(subject_.provider().remove(other, its_spec, kBudget)), Presence::absent));
}

TEST_F(LocalMemcached, FiguresComeFromTheLiveEngineAndAFlushEmptiesIt) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(set("k", "v"), "STORED\r\n");
    const auto told = statistics(resource());
    ASSERT_TRUE(told) << told.error().message;
    const auto figure = [&](std::string_view key) {
        const auto found = std::ranges::find(*told, key, &Statistic::key);
        return found == told->end() ? "" : found->value;
    };
    EXPECT_EQ(figure("curr_items"), "1");
    EXPECT_EQ(figure("limit_maxbytes"), std::to_string(64 << 20));
    EXPECT_GT(told->size(), 50U);
    ASSERT_TRUE(flush(resource()));
    EXPECT_EQ(get("k"), "");
}

TEST_F(LocalMemcached, OthersAndTheDeadAreNotAsked) {
    EXPECT_FALSE(statistics(resource())) << "nothing was made yet";
    ASSERT_TRUE(is(create(), Presence::running));
    Resource other = resource();
    other.generation = 2;
    EXPECT_FALSE(flush(other)) << "another generation";
    other = resource();
    other.id = ResourceId("res_other");
    EXPECT_FALSE(flush(other)) << "another resource under the name";
    other = resource();
    other.engine = "redis";
    EXPECT_FALSE(statistics(other)) << "that is not for redis";
    subject_.make_stop("oct-1");
    const Status dead = flush(resource());
    ASSERT_FALSE(dead);
    EXPECT_EQ(dead.error().code, ErrorCode::unavailable);
}

TEST_F(LocalMemcached, AnEngineThatHangsCostsACallerNoMoreThanTheBudget) {
    ASSERT_TRUE(is(create(), Presence::running));
    const std::optional<agent::Process> hung = subject_.process("oct-1");
    ASSERT_TRUE(hung);
    ASSERT_TRUE(agent::send_signal(agent::open_pidfd(*hung), SIGSTOP));
    const auto told = subject_.run(subject_.live().statistics(resource(), 50ms));
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, ErrorCode::unavailable);
    agent::send_signal(agent::open_pidfd(*hung), SIGCONT);
}

TEST_F(LocalMemcached, AWrongPlanIsPermanentAndMakesNothing) {
    spec_.parameters = {{"maxmemory", 12345}};
    EXPECT_EQ(create().error().error_class, ErrorClass::permanent);
    spec_.engine = "memcachedb";
    EXPECT_EQ(create().error().error_class, ErrorClass::permanent);
    spec_ = subject_.spec();
    EXPECT_TRUE(is(observe(), Presence::absent));
    EXPECT_THAT(subject_.picture(), Not(HasSubstr("oct-1/")));
}

}  // namespace
}  // namespace slipway::testing
