// Keys, organizations, webhooks, usage and orphans, against recorded answers of the API (docs/api-native.md).
#include "cli/administration.h"

#include "cli/cli_test_support.h"

namespace slipway::cli {
namespace {

using AdministrationTest = CliTest;

constexpr std::string_view kKey =
    R"({"id":"key_1","role":"user","description":"ci","organization":"acme","created_at":"2026-11-22T22:00:00.000Z",)"
    R"("expires_at":"2026-12-22T22:00:00.000Z","revoked_at":null})";

TEST_F(AdministrationTest, AKeyIsPrintedAloneSoThatItCanBeKeptUnseen) {
    answer(201, R"({"id":"key_1","role":"user","description":"ci","organization":"acme","key":"slk_secret"})");
    EXPECT_EQ(run({"keys", "create", "--role", "user", "--description", "ci", "--organization", "acme",
                   "--expires-in", "30d"}),
              0)
        << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"POST /api/v1/keys"});
    EXPECT_EQ(calls[0].body,
              R"({"description":"ci","expires_in_seconds":2592000,"organization":"acme","role":"user"})");
    EXPECT_EQ(field(0, "Idempotency-Key"), "key-1");
    EXPECT_EQ(out.str(), "slk_secret\n");
    EXPECT_EQ(err.str(), "slipway: key key_1 of organization acme, user; it is shown this once\n");
    EXPECT_EQ(err.str().find("slk_"), std::string::npos);
}

TEST_F(AdministrationTest, KeysAreListedByTheirState) {
    time = TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 12 / 23));
    answer(200, fmt::format(R"({{"keys":[{},{{"id":"key_2","role":"administrator","organization":"default",)"
                            R"("created_at":"2026-12-22T22:00:00.000Z","expires_at":null,)"
                            R"("revoked_at":"2026-12-22T23:00:00.000Z","description":""}}],"next":null}})",
                            kKey));
    EXPECT_EQ(run({"keys", "ls", "--organization", "acme"}), 0);
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/keys?organization=acme&limit=1000"});
    EXPECT_NE(out.str().find("key_1  user           acme          expired  30d"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("key_2  administrator  default       revoked"), std::string::npos) << out.str();
}

TEST_F(AdministrationTest, RevokingIsFinalAndTold) {
    answer(204, "");
    EXPECT_EQ(run({"keys", "revoke", "key_1"}), 0) << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"DELETE /api/v1/keys/key_1"});
    EXPECT_EQ(out.str(), "key_1 is revoked\n");
    answer(204, "");
    answer(200, std::string(kKey));
    EXPECT_EQ(run({"keys", "revoke", "key_1", "--json"}), 0);
    EXPECT_TRUE(json::parse(out.str())->as_object().contains("revoked_at"));
    answer(409, R"({"error":"the last administrator's key cannot be revoked"})");
    EXPECT_EQ(run({"keys", "revoke", "key_1"}), 1);
}

TEST(Durations, AreANumberAndAUnit) {
    EXPECT_EQ(seconds_of("90s"), 90);
    EXPECT_EQ(seconds_of("15m"), 900);
    EXPECT_EQ(seconds_of("12h"), 43'200);
    EXPECT_EQ(seconds_of("30d"), 2'592'000);
    for (const std::string wrong : {"", "d", "30", "0d", "-1d", "30dd", "1.5h", "4000d", "99999999999999999999s"}) {
        EXPECT_FALSE(seconds_of(wrong)) << wrong;
    }
}

constexpr std::string_view kOrganization =
    R"({"id":"acme","title":"Acme Ltd","created_at":"2026-11-22T22:00:00.000Z",)"
    R"("live":[{"kind":"cache","engine":"redis","plan":"small","live":3},)"
    R"({"kind":"cache","engine":"memcached","plan":"small","live":1}],)"
    R"("quotas":[{"kind":null,"engine":null,"plan":null,"limit":100,"used":4},)"
    R"({"kind":"cache","engine":"redis","plan":"large","limit":5,"used":0}]})";

TEST_F(AdministrationTest, OrganizationsShowWhatTheyHaveAndMayHave) {
    answer(200, fmt::format(R"({{"organizations":[{}],"next":null}})", kOrganization));
    EXPECT_EQ(run({"orgs", "ls"}), 0);
    EXPECT_NE(out.str().find("acme          Acme Ltd     4"), std::string::npos) << out.str();
    answer(200, std::string(kOrganization));
    EXPECT_EQ(run({"orgs", "show", "acme"}), 0);
    EXPECT_NE(out.str().find("all plans      100     4"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("redis/large      5     0"), std::string::npos) << out.str();
    answer(201, std::string(kOrganization));
    EXPECT_EQ(run({"orgs", "create", "acme", "--title", "Acme Ltd"}), 0);
    EXPECT_EQ(calls.back().body, R"({"id":"acme","title":"Acme Ltd"})");
    EXPECT_NE(out.str().find("slipway keys create --organization acme"), std::string::npos) << out.str();
}

TEST_F(AdministrationTest, AnOrganizationIsDeletedByWhoConfirmsIt) {
    said = false;
    EXPECT_EQ(run({"orgs", "rm", "acme"}), 1);
    EXPECT_EQ(questions.back(), "delete organization acme, revoke its keys and give its name to nobody again?");
    EXPECT_TRUE(calls.empty());
    said = std::nullopt;
    EXPECT_EQ(run({"orgs", "rm", "acme"}), 2) << "nobody is there";
    const std::string deleted = R"({"id":"acme","title":"Acme Ltd","created_at":"2026-11-22T22:00:00.000Z",)"
                                R"("deleted_at":"2026-11-23T22:00:00.000Z","live":[],"quotas":[]})";
    answer(200, deleted);
    EXPECT_EQ(run({"orgs", "rm", "acme", "-y"}), 0) << err.str();
    EXPECT_EQ(asked().back(), "DELETE /api/v1/organizations/acme");
    EXPECT_EQ(out.str(), "organization acme is deleted\n");
    answer(200, deleted);
    EXPECT_EQ(run({"orgs", "show", "acme"}), 0) << err.str();
    EXPECT_NE(out.str().find("deleted"), std::string::npos) << out.str();
    answer(409, R"({"error":"organization acme has 2 clusters; remove them first"})");
    EXPECT_EQ(run({"orgs", "rm", "acme", "-y"}), 1);
    EXPECT_NE(err.str().find("2 clusters"), std::string::npos) << err.str();
}

TEST_F(AdministrationTest, QuotasAreShownOrReplacedAsAWhole) {
    const std::string quotas = R"({"quotas":[{"kind":null,"engine":null,"plan":null,"limit":7,"used":4}]})";
    answer(200, quotas);
    EXPECT_EQ(run({"orgs", "quota", "acme"}), 0);
    EXPECT_EQ(asked().back(), "GET /api/v1/organizations/acme/quotas");
    answer(200, R"({"plans":[{"engine":"redis","kind":"cache","name":"small"}],"next":null})");
    answer(200, quotas);
    EXPECT_EQ(run({"orgs", "quota", "acme", "all=7", "redis/small=3", "database/postgresql/large=0"}), 0)
        << err.str();
    EXPECT_EQ(asked().back(), "PUT /api/v1/organizations/acme/quotas");
    EXPECT_EQ(calls.back().body, R"({"quotas":[{"limit":7},)"
                                 R"({"engine":"redis","kind":"cache","limit":3,"plan":"small"},)"
                                 R"({"engine":"postgresql","kind":"database","limit":0,"plan":"large"}]})");
    answer(200, R"({"quotas":[]})");
    EXPECT_EQ(run({"orgs", "quota", "acme", "--none"}), 0);
    EXPECT_EQ(calls.back().body, R"({"quotas":[]})");
    answer(200, R"({"plans":[],"next":null})");
    EXPECT_EQ(run({"orgs", "quota", "acme", "redis/nothing=3"}), 1);
    EXPECT_NE(err.str().find("there is no plan nothing of redis"), std::string::npos) << err.str();
    for (const std::string wrong : {"all", "all=", "all=x", "redis=3", "/small=3", "redis/=3", "all=-1"}) {
        EXPECT_EQ(run({"orgs", "quota", "acme", wrong}), 2) << wrong;
    }
}

constexpr std::string_view kWebhook =
    R"({"id":"wh_1","url":"https://example.org/hook","types":["resource."],"organization":"acme","enabled":true,)"
    R"("cursor":12,"failures":2,"next_attempt":"2026-11-22T22:00:00.000Z","last_error":"status 500",)"
    R"("delivered_at":null,"created_at":"2026-11-22T21:00:00.000Z","version":3})";

TEST_F(AdministrationTest, WebhooksAreMadeChangedAndTried) {
    answer(201, R"({"id":"wh_1","url":"https://example.org/hook","secret":"whsec_x"})");
    EXPECT_EQ(run({"webhooks", "create", "https://example.org/hook", "--type", "resource.", "--organization", "*"}),
              0);
    EXPECT_EQ(calls.back().body, R"({"organization":"*","types":["resource."],"url":"https://example.org/hook"})");
    EXPECT_EQ(out.str(), "whsec_x\n");
    EXPECT_NE(err.str().find("wh_1"), std::string::npos);
    answer(200, fmt::format(R"({{"webhooks":[{}],"next":null}})", kWebhook));
    EXPECT_EQ(run({"webhooks", "ls"}), 0);
    EXPECT_NE(out.str().find("wh_1     failing  acme"), std::string::npos) << out.str();
    answer(200, std::string(kWebhook));
    EXPECT_EQ(run({"webhooks", "show", "wh_1"}), 0);
    EXPECT_NE(out.str().find("last error    status 500"), std::string::npos) << out.str();
    answer(200, std::string(kWebhook));
    EXPECT_EQ(run({"webhooks", "update", "wh_1", "--all-types", "--disable"}), 0);
    EXPECT_EQ(asked().back(), "PATCH /api/v1/webhooks/wh_1");
    EXPECT_EQ(calls.back().body, R"({"enabled":false,"types":[]})");
    answer(204, "");
    EXPECT_EQ(run({"webhooks", "rm", "wh_1"}), 0);
    EXPECT_EQ(out.str(), "wh_1 is removed\n");
    answer(200, R"({"delivered":true,"status":204,"error":null})");
    EXPECT_EQ(run({"webhooks", "test", "wh_1"}), 0);
    EXPECT_EQ(out.str(), "delivered: status 204\n");
    answer(200, R"({"delivered":false,"status":null,"error":"connection refused"})");
    EXPECT_EQ(run({"webhooks", "test", "wh_1"}), 1);
    EXPECT_NE(err.str().find("not delivered: connection refused\n  fix: "), std::string::npos) << err.str();
}

TEST_F(AdministrationTest, UsageIsATableWithTotals) {
    answer(200, R"({"from":"2026-11-01T00:00:00.000Z","to":"2026-11-22T00:00:00.000Z","usage":[)"
                R"({"organization":"acme","billing_code":"gwp","kind":"cache","engine":"redis","plan":"small",)"
                R"("resources":2,"hours":12.345,"cost":{"currency":"EUR","amount":0.00061}},)"
                R"({"organization":"acme","billing_code":"gwp","kind":"cache","engine":"redis","plan":"free",)"
                R"("resources":1,"hours":1000,"cost":null}],"totals":[{"organization":"acme",)"
                R"("billing_code":"gwp","hours":1012.345,"costs":[{"currency":"EUR","amount":1.5},)"
                R"({"currency":"USD","amount":2}]}]})");
    EXPECT_EQ(run({"usage", "--from", "2026-11-01", "--to", "2026-11-22T08:30:00Z", "--billing-code", "gwp"}), 0)
        << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{"GET /api/v1/usage?from=2026-11-01T00%3A00%3A00Z"
                                                "&to=2026-11-22T08%3A30%3A00Z&billing_code=gwp"});
    EXPECT_EQ(out.str(),
              "from 2026-11-01T00:00:00.000Z to 2026-11-22T00:00:00.000Z\n"
              "\n"
              "ORGANIZATION  BILLING  KIND   ENGINE  PLAN   RESOURCES    HOURS        COST\n"
              "acme          gwp      cache  redis   small          2    12.35  0.0006 EUR\n"
              "acme          gwp      cache  redis   free           1  1000.00           -\n"
              "\n"
              "TOTAL OF    HOURS                 COST\n"
              "gwp       1012.35  1.50 EUR + 2.00 USD\n");
}

// Two organizations may have chosen the same billing code, and each pays its own.
TEST_F(AdministrationTest, TotalsOfSeveralOrganizationsAreKeptApart) {
    answer(200, R"({"from":"2026-11-01T00:00:00.000Z","to":"2026-11-22T00:00:00.000Z","usage":[],)"
                R"("totals":[{"organization":"acme","billing_code":"gwp","hours":1,"costs":[]},)"
                R"({"organization":"team","billing_code":"gwp","hours":2,"costs":[]}]})");
    EXPECT_EQ(run({"usage"}), 0) << err.str();
    EXPECT_NE(out.str().find("ORGANIZATION  TOTAL OF  HOURS  COST\n"
                             "acme          gwp        1.00     -\n"
                             "team          gwp        2.00     -\n"),
              std::string::npos)
        << out.str();
}

TEST_F(AdministrationTest, OrphansAreAdoptedOrRemoved) {
    answer(200, R"({"orphans":[{"provider":"local","external_name":"oct-1","kind":"lost","detail":"a directory",)"
                R"("resource":null,"generation":1,"first_seen":"2026-11-22T22:00:00.000Z",)"
                R"("last_seen":"2026-11-22T22:00:00.000Z","removed_at":null}],"next":null})");
    EXPECT_EQ(run({"orphans", "ls"}), 0);
    EXPECT_NE(out.str().find("local     oct-1  lost"), std::string::npos) << out.str();
    answer(
        202,
        R"({"resource":{"id":"res_1","name":"mine","state":"updating"},"operation":{"id":"op_1","state":"queued"}})");
    answer(200, R"({"id":"op_1","state":"succeeded"})");
    answer(200, R"({"id":"res_1","name":"mine","state":"ready"})");
    EXPECT_EQ(run({"orphans", "adopt", "local", "oct-1", "--plan", "small", "--name", "mine", "--shared-server",
                   "hephy-instance-0000001", "-q"}),
              0)
        << err.str();
    EXPECT_EQ(asked().at(1), "POST /api/v1/orphans/local/oct-1/adopt");
    EXPECT_EQ(calls[1].body, R"({"name":"mine","plan":"small","server":"hephy-instance-0000001"})");
    EXPECT_EQ(out.str(), "mine is taken over and ready\n");
    said = false;
    EXPECT_EQ(run({"orphans", "rm", "local", "oct-1"}), 1);
    EXPECT_EQ(questions.back(), "remove oct-1 and its data from local, for good?");
    answer(200, R"({"removed":false,"orphan":{"external_name":"oct-1"}})");
    EXPECT_EQ(run({"orphans", "rm", "local", "oct-1", "--yes"}), 0);
    EXPECT_EQ(asked().back(), "DELETE /api/v1/orphans/local/oct-1");
    EXPECT_EQ(out.str(), "oct-1 is being removed\n");
    answer(409, R"({"error":"it is foreign"})");
    EXPECT_EQ(run({"orphans", "rm", "local", "x", "--yes"}), 1);
}

}  // namespace
}  // namespace slipway::cli
