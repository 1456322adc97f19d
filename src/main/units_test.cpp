#include "main/units.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Units, DurationsHaveAUnitAndAreRefusedWithout) {
    EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(parse_duration("30s"), seconds(30));
    EXPECT_EQ(parse_duration("15m"), minutes(15));
    EXPECT_EQ(parse_duration("7d"), hours(168));
    EXPECT_EQ(parse_duration("0s"), seconds(0));
    for (const char* wrong :
         {"", "30", "s", "-1s", "-0s", "1.5s", "1 s", "1S", "1h30m", "99999999999999999999s", "40000d"}) {
        EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
    }
}

TEST(Units, DurationsAreWrittenAsTheyAreRead) {
    for (const char* text : {"250ms", "90s", "15m", "25h", "7d"}) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(format_duration(*parsed), text);
    }
    EXPECT_EQ(format_duration(seconds(0)), "0ms");
    EXPECT_EQ(format_duration(seconds(3600)), "1h");
}

TEST(Units, PricesAreExact) {
    EXPECT_EQ(parse_price("0.012 EUR"), (Price{"EUR", 12'000}));
    EXPECT_EQ(parse_price("7 USD"), (Price{"USD", 7'000'000}));
    EXPECT_EQ(parse_price("0 CHF"), (Price{"CHF", 0}));
    EXPECT_EQ(parse_price("999999.999999 JPY"), (Price{"JPY", 999'999'999'999}));
    for (const char* wrong :
         {"", "0.01", "EUR", "0.01EUR", "0.01 eur", "0.01 EURO", "0.01  EUR", "-1 EUR", "1e3 EUR", ".5 EUR",
          "5. EUR", "0.0000001 EUR", "1000000 EUR", "1.2.3 EUR", "0.01 EUR ", "+1 EUR"}) {
        EXPECT_EQ(parse_price(wrong), std::nullopt) << wrong;
    }
}

TEST(Units, SizesAreCountedIn1024s) {
    EXPECT_EQ(parse_size("67108864"), 67'108'864);
    EXPECT_EQ(parse_size("64mb"), 67'108'864);
    EXPECT_EQ(parse_size("64MB"), 67'108'864);
    EXPECT_EQ(parse_size("1kb"), 1024);
    EXPECT_EQ(parse_size("2gb"), 2'147'483'648);
    for (const char* wrong : {"", "mb", "-1", "-0", "1.5gb", "1tb", "1 mb", "9223372036854775807gb"}) {
        EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
    }
}

TEST(Units, AddressesAreNumericAndIPv6IsInBrackets) {
    for (const char* good : {"127.0.0.1:3000", "[::1]:0", "0.0.0.0:65535"}) {
        const auto at = parse_host_port(good);
        ASSERT_TRUE(at) << good;
        EXPECT_EQ(format_host_port(*at), good);
    }
    for (const char* wrong : {"", "3000", ":3000", "localhost:3000", "::1:3000", "[127.0.0.1]:1",
                              "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:3000x", "127.0.0.1: 3000"}) {
        EXPECT_FALSE(parse_host_port(wrong)) << wrong;
    }
    EXPECT_TRUE(is_address("fe80::1%eth0.10"));
    EXPECT_TRUE(is_loopback("127.0.0.9"));
    EXPECT_TRUE(is_loopback("::1"));
    EXPECT_FALSE(is_loopback("0.0.0.0"));
    EXPECT_FALSE(is_loopback("localhost"));
}

// The system's own reading stops at a NUL and takes anything for a zone, and what is an address here is written
// into the lines of an engine's configuration.
TEST(Units, AnAddressCannotCarryALineOfItsOwn) {
    using namespace std::string_view_literals;
    for (const std::string_view wrong : {"127.0.0.1\0x"sv, "::1%a\nrename-command x"sv, "::1%"sv, "::1% a"sv,
                                         "127.0.0.1 "sv, "127.0.0.1\n"sv, "::1%0123456789abcdef"sv}) {
        EXPECT_FALSE(is_address(wrong)) << wrong;
        EXPECT_FALSE(parse_host_port(std::string("[").append(wrong).append("]:1"))) << wrong;
    }
}

}  // namespace
}  // namespace slipway
