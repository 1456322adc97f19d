// Backups from the command line: what is asked for, and what is said.
#include "cli/cli_test_support.h"

namespace slipway::cli {
namespace {

using BackupsTest = CliTest;

std::string resource(std::string_view kind, std::string_view name, std::string_view rest = {}) {
    return fmt::format(R"({{"id":"res_{0}","name":"{0}","kind":"{1}","engine":"mysql","plan":"standard",)"
                       R"("organization":"acme","state":"ready","endpoint":null,)"
                       R"("health":{{"status":"healthy"}},"labels":{{}},"remnants":[]{2}}})",
                       name, kind, rest);
}
std::string made(const std::string& what) {
    return fmt::format(R"({{"resource":{},"operation":{{"id":"op_1","kind":"provision","state":"succeeded",)"
                       R"("reason":null,"progress":{{"done":2,"total":2,"sentence":""}}}}}})",
                       what);
}

TEST_F(BackupsTest, OneIsMadeOfADatabaseByItsName) {
    answer(200, resource("database", "shopdb"));
    answer(201, made(resource("backup", "nightly")));
    EXPECT_EQ(run({"backup", "shopdb", "--name", "nightly", "--plan", "weekly", "--billing-code", "gwp"}), 0)
        << err.str();
    EXPECT_EQ(asked(), (std::vector<std::string>{"GET /api/v1/resources/shopdb",
                                                 "POST /api/v1/resources/res_shopdb/backups"}));
    EXPECT_EQ(calls[1].body, R"({"billing_code":"gwp","name":"nightly","plan":"weekly"})");
    EXPECT_EQ(out.str(), "nightly is made and ready\n") << "there is nothing to connect to";
}

TEST_F(BackupsTest, ANewDatabaseIsFilledFromOneByTheFirstPlanOfItsEngine) {
    answer(200, resource("backup", "nightly"));
    answer(200, R"({"plans":[{"name":"shared"},{"name":"other"}],"next":null})");
    answer(201, made(resource("database", "copy")));
    EXPECT_EQ(run({"restore", "nightly", "--name", "copy"}), 0) << err.str();
    EXPECT_EQ(asked(),
              (std::vector<std::string>{"GET /api/v1/resources/nightly",
                                        "GET /api/v1/plans?engine=mysql&kind=database", "POST /api/v1/resources"}));
    EXPECT_EQ(calls[2].body, R"({"engine":"mysql","kind":"database","name":"copy","organization":"acme",)"
                             R"("plan":"shared","restore_from":"res_nightly"})");
    EXPECT_EQ(out.str(), "copy is restored and ready\n");
}

TEST_F(BackupsTest, OnlyABackupIsRestored) {
    answer(200, resource("database", "shopdb"));
    EXPECT_EQ(run({"restore", "shopdb"}), 2);
    EXPECT_NE(err.str().find("shopdb is no backup"), std::string::npos) << err.str();
    answer(200, resource("backup", "nightly"));
    answer(200, R"({"plans":[],"next":null})");
    EXPECT_EQ(run({"restore", "nightly"}), 1);
    EXPECT_NE(err.str().find("no databases of mysql are offered here"), std::string::npos) << err.str();
}

TEST_F(BackupsTest, ItsSizeIsShown) {
    answer(200, resource("backup", "nightly",
                         R"(,"backup":{"source_name":"shopdb","size_bytes":12345,"sha256":"00ff"})"));
    EXPECT_EQ(run({"show", "nightly"}), 0) << err.str();
    EXPECT_NE(out.str().find("12345"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("shopdb"), std::string::npos) << out.str();
}

}  // namespace
}  // namespace slipway::cli
