#include "domain/placing.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(HostBook, IsReadAsItWasWritten) {
    const HostBook book{ResourceId("res_1"), 12};
    EXPECT_EQ(text_of(book), R"({"current":"res_1","made":12})");
    EXPECT_EQ(read_host_book(text_of(book)).value(), book);
    EXPECT_EQ(read_host_book("").value(), HostBook());
    EXPECT_EQ(host_book_key(Kind::database_server, "postgres"), "placement/database-server/postgres");
}

TEST(HostBook, ADamagedOneIsNotTakenForAnEmptyOne) {
    for (const char* bad : {"x", "[]", "{}", R"({"current":1,"made":1})", R"({"current":"r","made":-1})",
                            R"({"current":"r","made":"1"})", R"({"current":"r"})"}) {
        const auto read = read_host_book(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, ErrorCode::storage) << bad;
    }
}

TEST(HostName, CountsWithSevenDigits) {
    EXPECT_EQ(host_name(1), "hephy-instance-0000001");
    EXPECT_EQ(host_name(12'345'678), "hephy-instance-12345678");
}

}  // namespace
}  // namespace slipway
