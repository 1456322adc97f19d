#include "http/request_parser.h"

#include <gtest/gtest.h>

#include "http/head_scanner.h"

namespace slipway::http {
namespace {

HeadScanner::State scan_bytewise(HeadScanner& scanner, std::string_view text, const HeadLimits& limits = {}) {
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const auto state = scanner.scan(text.substr(0, size), limits);
        if (state != HeadScanner::State::incomplete) return state;
    }
    return HeadScanner::State::incomplete;
}

TEST(HeadScanner, FindsTheSameEndHoweverBytesArrive) {
    const std::string text = "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
    HeadScanner whole;
    EXPECT_EQ(whole.scan(text, {}), HeadScanner::State::complete);
    HeadScanner pieces;
    EXPECT_EQ(scan_bytewise(pieces, text), HeadScanner::State::complete);
    EXPECT_EQ(whole.skipped(), 2U);
    EXPECT_EQ(whole.size(), text.size() - 2 - 4);
    EXPECT_EQ(pieces.size(), whole.size());
}

TEST(HeadScanner, RefusesWhatTwoReadersCouldReadDifferently) {
    for (const std::string_view text :
         {std::string_view("GET / HTTP/1.1\nHost: x\n\n"), std::string_view("GET / HTTP/1.1\r\nA: b\rC: d\r\n"),
          std::string_view("GET / HTTP/1.1\r\nA: b\r\n c\r\n"),
          std::string_view("GET / HTTP/1.1\r\nA: b\0c\r\n", 24), std::string_view("\n"),
          std::string_view("\r\n\r\n\r\n"), std::string_view("\x16\x03\x01"),
          std::string_view(" GET / HTTP/1.1\r\n"), std::string_view("{\"json\":1}")}) {
        HeadScanner scanner;
        EXPECT_EQ(scan_bytewise(scanner, text), HeadScanner::State::bad) << text;
        EXPECT_FALSE(scanner.why().empty());
    }
}

// Whether a request is taken must not depend on how the network cut it up.
TEST(HeadScanner, TakesALineAtItsLimitHoweverBytesArrive) {
    const HeadLimits limits{.line_bytes = 20};
    const std::string head = "GET /12345 HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const std::size_t more : {0, 1, 2}) {
        std::string text = head;
        text.insert(5, more, 'a');
        HeadScanner whole;
        HeadScanner pieces;
        const auto state = whole.scan(text, limits);
        EXPECT_EQ(scan_bytewise(pieces, text, limits), state) << more;
        EXPECT_EQ(state, more < 2 ? HeadScanner::State::complete : HeadScanner::State::line_too_long) << more;
    }
}

TEST(HeadScanner, RefusesALineThatBeginsLikeNoMethodAlsoWhenItComesWhole) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan("1GET / HTTP/1.1\r\n", {}), HeadScanner::State::bad);
}

TEST(HeadScanner, BoundsTheLineTheFieldsAndTheWhole) {
    const HeadLimits limits{.head_bytes = 100, .line_bytes = 40, .fields = 3};
    HeadScanner line;
    EXPECT_EQ(scan_bytewise(line, "GET /" + std::string(60, 'a'), limits), HeadScanner::State::line_too_long);
    HeadScanner whole;
    EXPECT_EQ(scan_bytewise(whole, "GET / HTTP/1.1\r\nA: " + std::string(200, 'b'), limits),
              HeadScanner::State::too_large);
    HeadScanner fields;
    EXPECT_EQ(scan_bytewise(fields, "GET / HTTP/1.1\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", limits),
              HeadScanner::State::too_large);
}

struct Parsed {
    RequestParser parser;
    Request request;
    std::optional<Refusal> refusal;
    explicit Parsed(std::string_view head) : refusal(parser.parse_head(head, request)) {}
};

TEST(RequestParser, FieldViewsOutliveTheInput) {
    std::string text = "GET /a HTTP/1.1\r\nHost: x\r\nAccept: a\r\naccept:  b \r\n\r\n";
    Parsed parsed(text);
    text.assign(text.size(), '#');
    ASSERT_FALSE(parsed.refusal);
    EXPECT_EQ(parsed.request.headers.get("ACCEPT"), "a");
    const Request moved = std::move(parsed.request);
    EXPECT_EQ(moved.headers.all("accept"), (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(moved.path().front(), "a");
}

// Feeds a chunked body in two pieces, cut at every place, and expects the same each time.
TEST(RequestParser, ChunkedBodiesAreTheSameHoweverTheyAreCut) {
    const std::string_view head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string_view text :
         {std::string_view("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"), std::string_view("0\r\n\r\n"),
          std::string_view("5\r\nabcde\r\n0\r\n\r\n")}) {
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            Parsed parsed(head);
            ASSERT_FALSE(parsed.refusal);
            parsed.parser.limit_body(100);
            std::string body;
            const auto first = parsed.parser.feed(text.substr(0, cut), &body);
            auto state = first.state;
            std::size_t used = first.used;
            if (state == RequestParser::BodyState::more) {
                const auto second = parsed.parser.feed(text.substr(used), &body);
                state = second.state;
                used += second.used;
            }
            ASSERT_EQ(state, RequestParser::BodyState::complete) << cut;
            EXPECT_EQ(used, text.size());
            EXPECT_EQ(body, text.front() == '0' ? "" : "abcde");
            EXPECT_EQ(parsed.request.headers.get("t"), std::nullopt) << "trailers are no headers";
        }
    }
}

TEST(RequestParser, ChunkedBodiesAreBoundedAndStrict) {
    const std::string_view head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto state = [&](std::string_view text) {
        Parsed parsed(head);
        parsed.parser.limit_body(10);
        std::string body;
        return parsed.parser.feed(text, &body).state;
    };
    using State = RequestParser::BodyState;
    EXPECT_EQ(state("b\r\nabcdefghijk\r\n"), State::too_large);
    EXPECT_EQ(state("6\r\nabcdef\r\n6\r\nabcdef\r\n"), State::too_large);
    EXPECT_EQ(state("ffffffffffffffffff\r\n"), State::bad);
    EXPECT_EQ(state("-1\r\nabc\r\n"), State::bad);
    EXPECT_EQ(state("3\r\nabcd\r\n0\r\n\r\n"), State::bad);
    EXPECT_EQ(state("3\nabc\n0\n\n\r\n"), State::bad);
    EXPECT_EQ(state("xyz\r\nabc"), State::bad);
}

}  // namespace
}  // namespace slipway::http
