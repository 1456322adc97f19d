// What comes from an engine's port comes from outside: nothing in it may be believed before it was read.
#include "providers/local/memcached_text.h"

#include <gtest/gtest.h>

namespace slipway::local {
namespace {

using TextKind = TextReply::Kind;

const std::string kStats = "STAT pid 17\r\nSTAT version 1.6.18\r\nSTAT inter 127.0.0.1,::1 and more\r\nEND\r\n";

TEST(MemcachedText, FiguresAreReadUpToTheirEnd) {
    const TextReply reply = read_text_reply(kStats);
    ASSERT_EQ(reply.kind, TextKind::statistics);
    const std::vector<Statistic> wanted{{"pid", "17"}, {"version", "1.6.18"}, {"inter", "127.0.0.1,::1 and more"}};
    EXPECT_EQ(reply.statistics, wanted);
    EXPECT_EQ(reply.size, kStats.size());
    EXPECT_EQ(read_text_reply(kStats + "OK\r\n").size, kStats.size()) << "what follows is not part of it";
    EXPECT_EQ(read_text_reply("END\r\n").kind, TextKind::statistics) << "none at all";
    EXPECT_EQ(read_text_reply("STAT empty\r\nEND\r\n").statistics.at(0).value, "");
    EXPECT_EQ(read_text_reply("STAT empty \r\nEND\r\n").statistics.at(0).value, "");
}

TEST(MemcachedText, OtherRepliesAreOneLine) {
    for (const std::string line :
         {"OK", "ERROR", "ERROR Too many open connections", "SERVER_ERROR out of memory", "VERSION 1.6.18"}) {
        const TextReply reply = read_text_reply(line + "\r\n");
        ASSERT_EQ(reply.kind, TextKind::line) << line;
        EXPECT_EQ(reply.line, line);
        EXPECT_EQ(reply.size, line.size() + 2);
    }
}

// However the bytes are cut by the network, nothing but the whole is taken for a reply.
TEST(MemcachedText, EveryBeginningIsIncomplete) {
    for (const std::string& whole : {kStats, std::string("OK\r\n")}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const TextReply reply = read_text_reply(std::string_view(whole).substr(0, size));
            EXPECT_EQ(reply.kind, TextKind::incomplete) << size;
            EXPECT_EQ(reply.size, 0U);
        }
    }
}

TEST(MemcachedText, GarbageIsBroken) {
    using namespace std::string_literals;
    for (const std::string& text : {
             "\r\n"s,
             "\x80\x01\x02\r\n"s,
             "OK\x00\r\n"s,
             "STAT pid 17\x1b[2J\r\nEND\r\n"s,
             "STAT pid 17\nSTAT uptime 1\r\nEND\r\n"s,
             "STAT k \xff\xfe\r\nEND\r\n"s,
             "STAT pid 17\r\nOK\r\n"s,
             "STAT pid 17\r\n\r\nEND\r\n"s,
             "STAT pid 17\r\nEND \r\n"s,
             "STAT pid 17\r\nSTAT  two\r\nEND\r\n"s,
             "STAT  two\r\n"s,
             "STAT \r\n"s,
             "STAT\r\n"s,
         }) {
        const TextReply reply = read_text_reply(text);
        EXPECT_EQ(reply.kind, TextKind::broken) << text;
        EXPECT_TRUE(reply.statistics.empty());
    }
}

TEST(MemcachedText, WhatHasNoEndIsGivenUp) {
    EXPECT_EQ(read_text_reply(std::string(kMaxTextLine, 'x')).kind, TextKind::incomplete);
    EXPECT_EQ(read_text_reply(std::string(kMaxTextLine, 'x') + "\r\n").kind, TextKind::line);
    EXPECT_EQ(read_text_reply(std::string(kMaxTextLine + 2, 'x')).kind, TextKind::broken);
    EXPECT_EQ(read_text_reply(std::string(kMaxTextLine + 1, 'x') + "\r\n").kind, TextKind::broken);
    std::string many;
    for (std::size_t i = 0; i < kMaxStatistics; ++i) many += "STAT k v\r\n";
    EXPECT_EQ(read_text_reply(many).kind, TextKind::incomplete);
    EXPECT_EQ(read_text_reply(many + "END\r\n").kind, TextKind::statistics);
    EXPECT_EQ(read_text_reply(many + "STAT k v\r\nEND\r\n").kind, TextKind::broken);
    std::string large;
    const std::string line = "STAT k " + std::string(kMaxTextLine - 10, 'v') + "\r\n";
    while (large.size() <= kMaxTextReply) large += line;
    EXPECT_EQ(read_text_reply(large).kind, TextKind::broken);
    EXPECT_EQ(read_text_reply(large + "END\r\n").kind, TextKind::broken);
}

TEST(MemcachedText, OnlyWholeNumbersAreNumbers) {
    const std::vector<Statistic> all{{"pid", "17"},  {"version", "1.6"},
                                     {"none", ""},   {"huge", "99999999999999999999"},
                                     {"sign", "-3"}, {"tail", "17 "}};
    EXPECT_EQ(number_in(all, "pid"), 17);
    EXPECT_EQ(number_in(all, "sign"), -3);
    for (const std::string_view key : {"version", "none", "huge", "tail", "absent"}) {
        EXPECT_EQ(number_in(all, key), std::nullopt) << key;
    }
}

}  // namespace
}  // namespace slipway::local
