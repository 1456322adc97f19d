#include "providers/backups/definers.h"

#include <gtest/gtest.h>

namespace slipway::backups {
namespace {

std::string filtered(const std::string& text, std::size_t piece, const std::string& user = "new") {
    DefinerFilter filter(user);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        out += filter.pass(std::string_view(text).substr(at, piece));
    }
    out += filter.end();
    return out;
}

// As mariadb-dump writes them, however the pieces are cut.
TEST(DefinerFilter, NamesTheNewUserWhereADefinerStands) {
    const std::string dump =
        "CREATE TABLE `t` (\n  `a` int\n);\n"
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
        "/*!50013 DEFINER=`old`@`%` SQL SECURITY DEFINER */\n"
        "/*!50003 CREATE*/ /*!50017 DEFINER=`ol``d`@`10.%`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW\n"
        "CREATE DEFINER=`old`@`%` FUNCTION `f`() RETURNS int RETURN 1 ;;\n"
        "/*!50106 CREATE*/ /*!50117 DEFINER=`old`@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY */ ;;\n"
        "/*M!100100 DEFINER=`old`@`%` */";
    const std::string wanted =
        "CREATE TABLE `t` (\n  `a` int\n);\n"
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
        "/*!50013 DEFINER=`n``w`@`%` SQL SECURITY DEFINER */\n"
        "/*!50003 CREATE*/ /*!50017 DEFINER=`n``w`@`%`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW\n"
        "CREATE DEFINER=`n``w`@`%` FUNCTION `f`() RETURNS int RETURN 1 ;;\n"
        "/*!50106 CREATE*/ /*!50117 DEFINER=`n``w`@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY */ ;;\n"
        "/*M!100100 DEFINER=`n``w`@`%` */";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, dump.size()}) {
        EXPECT_EQ(filtered(dump, piece, "n`w"), wanted) << piece;
    }
}

TEST(DefinerFilter, LeavesDataAndEverythingElseAsTheyAre) {
    const std::string dump =
        "INSERT INTO `t` VALUES\n(1,'CREATE DEFINER=`old`@`%`'),\n(2,' /*!50013 DEFINER=`old`@`%`');\n"
        " CREATE DEFINER=`old`@`%`\n"
        "/*!x DEFINER=`old`@`%` */\n/*!50013 DEFINER=old@`%` */\nCREATE DEFINER=`old\n" +
        std::string(20'000, 'x') + "CREATE DEFINER=`old`@`%`\n\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5000}, dump.size()}) {
        EXPECT_EQ(filtered(dump, piece), dump) << piece;
    }
}

}  // namespace
}  // namespace slipway::backups
