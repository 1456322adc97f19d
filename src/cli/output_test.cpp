// What people read: widths, times, tables on terminals of any size.
#include "cli/output.h"

#include <sstream>

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

json::object object(std::string_view text) { return json::parse(text).value().as_object(); }
json::array array(std::string_view text) { return json::parse(text).value().as_array(); }

std::vector<Column> sample_columns() {
    Column name = column("NAME", "name");
    name.least = 16;
    Column state = column("STATE", "state");
    state.is_state = true;
    Column count = column("N", "n", 2);
    count.to_the_right = true;
    return {std::move(name), std::move(state), std::move(count), column("BILLING", "billing", 1),
            wide_column("ID", "id")};
}

std::string table(std::size_t width, Format format = Format::table, bool colour = false) {
    std::ostringstream out;
    Table made(out, {.width = width, .colour = colour}, sample_columns(), format);
    made.rows(array(R"([{"name":"a-rather-long-name","state":"ready","n":7,"billing":"gwp","id":"res_1"},)"
                    R"({"name":"b","state":"failed","n":12,"billing":null}])"));
    made.rows(array(R"([{"name":"c","state":"gone"}])"));
    return out.str();
}

TEST(Output, NothingIsCutWhereNoTerminalIs) {
    EXPECT_EQ(table(0),
              "NAME                STATE    N  BILLING\n"
              "a-rather-long-name  ready    7  gwp\n"
              "b                   failed  12  -\n"
              "c                   gone     -  -\n");
}

// What matters least goes first, then names are cut; whoever wants it all says so.
TEST(Output, TablesFitTheTerminal) {
    EXPECT_EQ(table(38).substr(0, 39), "NAME               STATE    N  BILLING\n") << "a little is cut first";
    EXPECT_EQ(table(34).substr(0, 34), "NAME               STATE   BILLING");
    EXPECT_EQ(table(26).substr(0, 27), "NAME                STATE\na");
    EXPECT_EQ(table(20),
              "NAME          STATE\n"
              "a-rather-lo…  ready\n"
              "b             failed\n"
              "c             gone\n");
    EXPECT_EQ(table(5).substr(0, 16), "NAME      STATE\n") << "that is as narrow as it gets";
    EXPECT_NE(table(20, Format::wide).find("a-rather-long-name  ready    7  gwp      res_1"), std::string::npos);
}

TEST(Output, ColoursAreForTerminalsThatWantThem) {
    EXPECT_EQ(table(0).find('\033'), std::string::npos);
    EXPECT_NE(table(80, Format::table, true).find("\033[32mready\033[0m"), std::string::npos);
    EXPECT_NE(table(80, Format::table, true).find("\033[31mfailed\033[0m  12"), std::string::npos)
        << "colours have no width";
}

TEST(Output, HeadsStandEvenWhereThereIsNothing) {
    std::ostringstream out;
    Table made(out, {}, sample_columns(), Format::table);
    made.rows({});
    EXPECT_EQ(out.str(), "") << "the next page may have some";
    made.end();
    EXPECT_EQ(out.str(), "NAME  STATE  N  BILLING\n");
}

TEST(Output, WidthsAreThoseOfTerminals) {
    EXPECT_EQ(columns("abc"), 3U);
    EXPECT_EQ(columns("乳酪"), 4U);
    EXPECT_EQ(columns("e\u0301"), 1U) << "a mark stands on the letter before";
    EXPECT_EQ(columns("\xff\xc3"), 2U) << "no UTF-8 is one column a byte";
    EXPECT_EQ(clip("abcdef", 6), "abcdef");
    EXPECT_EQ(clip("abcdefg", 6), "abcde…");
    EXPECT_EQ(clip("乳酪乳酪", 6), "乳酪…") << "half a character is none";
    EXPECT_EQ(clip("abc", 0), "");
}

TEST(Output, NoTerminalObeysWhatOthersWrote) {
    EXPECT_EQ(printable("a\033[31mb\a\u009bc\nd\x7f"), "a?[31mb??c?d?");
    EXPECT_EQ(printable("é 乳"), "é 乳");
}

TEST(Output, CellsAreShort) {
    const auto from =
        object(R"({"text":"x","none":null,"empty":"","number":3,"list":["a","b"],"map":{"k":"v","f":""}})");
    EXPECT_EQ(cell(from, "text"), "x");
    EXPECT_EQ(cell(from, "none"), "-");
    EXPECT_EQ(cell(from, "empty"), "-");
    EXPECT_EQ(cell(from, "absent"), "-");
    EXPECT_EQ(cell(from, "number"), "3");
    EXPECT_EQ(joined(from, "list"), "a,b");
    EXPECT_EQ(joined(from, "map"), "k=v,f=");
    EXPECT_EQ(joined(from, "absent"), "-");
    EXPECT_TRUE(object_in(from, "text").empty());
    EXPECT_TRUE(array_in(from, "map").empty());
}

TEST(Output, TimesAreSpelledForPeople) {
    using namespace std::chrono;
    EXPECT_EQ(spell(milliseconds(350)), "350 ms");
    EXPECT_EQ(spell(milliseconds(1290)), "1.2 s");
    EXPECT_EQ(spell(milliseconds(9099)), "9 s");
    EXPECT_EQ(spell(seconds(42)), "42 s");
    EXPECT_EQ(spell(seconds(200)), "3 min 20 s");
    EXPECT_EQ(spell(minutes(303)), "5 h 3 min");
    EXPECT_EQ(spell(hours(98)), "4 d 2 h");
    EXPECT_EQ(spell(hours(96)), "4 d");
    EXPECT_EQ(spell(seconds(-5)), "0 ms") << "clocks differ";
    EXPECT_EQ(brief(seconds(119)), "119s");
    EXPECT_EQ(brief(minutes(119)), "119m");
    EXPECT_EQ(brief(hours(47)), "47h");
    EXPECT_EQ(brief(hours(48)), "2d");
}

TEST(Output, TimesAreReadAsTheApiWritesThem) {
    const TimePoint time = *parse_time("2016-05-20T04:28:03.758Z");
    EXPECT_EQ(format_time(time), "2016-05-20T04:28:03.758Z");
    EXPECT_EQ(clock_text(time), "2016-05-20 04:28:03");
    EXPECT_EQ(format_time(*parse_time("2024-02-29T00:00:00Z")), "2024-02-29T00:00:00.000Z");
    for (const std::string_view wrong :
         {"", "2016-05-20", "2016-05-20T04:28:03", "2016-13-20T04:28:03Z", "2023-02-29T00:00:00Z",
          "2016-05-20T24:28:03Z", "2016-05-20T04:28:03.Z", "2016-05-20T04:28:03.7x8Z", "2016-05-20 04:28:03Z",
          "2016-05-20T04:28:03.121970-01-01Z"}) {
        EXPECT_FALSE(parse_time(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace slipway::cli
