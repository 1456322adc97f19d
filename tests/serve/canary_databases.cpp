// Secrets of databases: their passwords, those of their servers, the key of their certificate, and what is given to
// the HarbourMaster API. A database is made, backed up, restored and given a new password.
#include <thread>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "canary_run.h"
#include "domain/resource.h"
#include "sql_client.h"
#include "store/master_key.h"
#include "store/sealer.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;
using ::testing::StartsWith;
namespace fs = std::filesystem;

constexpr const char* kClusters = "/v1/organizations/default/clusters";
constexpr const char* kJson = "Accept: application/json\r\nContent-Type: application/json\r\n";

std::string path_of(const std::string& cluster) { return fmt::format("{}/{}/hephy/databases", kClusters, cluster); }

Login login_in(const std::string& answer, const std::string& engine) {
    const json::object access = object_in(answer);
    return {engine, static_cast<std::uint16_t>(std::stoul("0" + json::get_string(access, "hephy_db_port"))),
            json::get_string(access, "hephy_db_user"), json::get_string(access, "hephy_db_password"),
            json::get_string(access, "hephy_db_name")};
}

// Their directories below /proc.
std::vector<fs::path> children_of(pid_t parent) {
    std::vector<fs::path> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
        if (file_text(entry.path() / "status").contains(fmt::format("\nPPid:\t{}\n", parent))) {
            found.push_back(entry.path());
        }
    }
    return found;
}

// A session that keeps everybody from its tenant's table t until the object's end.
class Holder {
  public:
    explicit Holder(Login login) : login_(std::move(login)), thread_([this] { hold(); }) {}
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() {
        eventually([this] { return let_go(); }, seconds(60));
        thread_.join();
    }
    [[nodiscard]] bool holds() const { return !number().empty(); }

  private:
    [[nodiscard]] bool mysql() const { return login_.engine == "mysql"; }
    void hold() const {
        ask_sql(login_,
                mysql() ? "LOCK TABLES t WRITE; SELECT SLEEP(600)" : "BEGIN; LOCK TABLE t; SELECT pg_sleep(600)");
    }
    // Of its connection; "" where there is none.
    [[nodiscard]] std::string number() const {
        return ask_sql(login_, mysql()
                                   ? "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'"
                                   : "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            .value_or("");
    }
    [[nodiscard]] bool let_go() const {
        const std::string found = number();
        return !found.empty() &&
               ask_sql(login_, mysql() ? "KILL " + found : fmt::format("SELECT pg_terminate_backend({})", found));
    }

    const Login login_;
    std::thread thread_;
};

}  // namespace

std::string CanaryRun::hephy(const std::string& key, const std::string& method, const std::string& target,
                             const std::string& body) const {
    return ask(method, target, fmt::format("Authorization: {}\r\n{}", key, kJson), body);
}

std::string CanaryRun::hephy_comes_to(const std::string& target, const std::string& state) const {
    std::string last;
    const auto there = [&] { return text_in(last = hephy(key_, "GET", target), "state") == state; };
    EXPECT_TRUE(eventually(there, seconds(90))) << last << site_.log();
    return last;
}

std::string CanaryRun::make_database(const std::string& cluster, const std::string& body) const {
    expect_clean("the answer that tells of a new cluster",
                 hephy(key_, "POST", kClusters, fmt::format(R"({{"name":"{}"}})", cluster)));
    const std::string made = hephy(key_, "POST", path_of(cluster), body);
    EXPECT_THAT(made, StartsWith("HTTP/1.1 201 "));
    return hephy_comes_to(path_of(cluster), "ready");
}

void CanaryRun::make_databases() {
    const std::string& engine = GetParam().engine;
    const std::string shown = make_database("shop", fmt::format(R"({{"engine":"{}"}})", engine));
    const Login first = login_in(shown, engine);
    ASSERT_GE(first.password.size(), 16U) << shown;
    canaries_.know("database's password", first.password);
    expect_clean("the answer with the access", shown, {"database's password"});
    const std::string servers = hephy(site_.admin_key(), "GET", "/v1/hephy/instances");
    const json::object server = object_in(servers).at("instances").as_array().at(0).as_object();
    instance_ = json::get_string(server, "name");
    master_password_ = json::get_string(server, "password");
    canaries_.know("server's password", master_password_);
    expect_clean("the instances", servers, {"server's password"});
    Login wrong = first;
    wrong.password = plant("wrong password at the database");
    EXPECT_EQ(ask_sql(wrong, "SELECT 1"), std::nullopt);
    std::string why;
    ASSERT_EQ(ask_sql(first, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')", &why), "") << why;

    back_up(first);
    // Filled from it.
    const Login copy = login_in(make_database("lab", R"({"restore_from":"nightly"})"), engine);
    canaries_.know("restored database's password", copy.password);
    EXPECT_EQ(ask_sql(copy, "SELECT v FROM t", &why), "kept") << why;
    rotate(first);
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(know_what_is_sealed());
    ASSERT_NO_FATAL_FAILURE(start_site());
}

// While the program that does it waits for a table.
void CanaryRun::back_up(const Login& login) {
    const std::string backups = path_of("shop") + "/backups";
    {
        const Holder holder(login);
        ASSERT_TRUE(eventually([&] { return holder.holds(); }, seconds(60)));
        const std::string made = hephy(key_, "POST", backups, R"({"name":"nightly"})");
        ASSERT_THAT(made, StartsWith("HTTP/1.1 201 "));
        expect_clean("the answer that tells of a new backup", made);
        const std::string program = login.engine == "mysql" ? "mariadb-dump" : "pg_dump";
        const auto searched = [&] {
            for (const fs::path& proc : children_of(site_.program().pid())) {
                const std::string words = file_text(proc / "cmdline");
                const std::string environment = file_text(proc / "environ");
                // What is started becomes it: it is begun by another program.
                if (!words.substr(0, words.find('\0')).ends_with(program) || environment.empty()) continue;
                expect_clean("the command line of a dump", words);
                expect_clean("the environment of a dump", environment, {"database's password"});
                return true;
            }
            return false;
        };
        EXPECT_TRUE(eventually(searched, seconds(60))) << site_.log();
    }
    expect_clean("the backup", hephy_comes_to(backups + "/nightly", "ready"));
}

void CanaryRun::rotate(const Login& former) {
    const std::string target = path_of("shop");
    EXPECT_THAT(hephy(key_, "POST", target + "/rotate", "{}"), StartsWith("HTTP/1.1 200 "));
    const auto comes_to = [&](const std::string& state) {
        return eventually(
            [&] {
                const json::object shown = object_in(hephy(key_, "GET", target));
                return shown.contains("rotation") &&
                       json::get_string(shown.at("rotation").as_object(), "state") == state;
            },
            seconds(60));
    };
    ASSERT_TRUE(comes_to("unconfirmed")) << hephy(key_, "GET", target) << site_.log();
    const std::string shown = hephy(key_, "GET", target);
    const Login next = login_in(shown, former.engine);
    ASSERT_NE(next.password, former.password);
    canaries_.know("new password", next.password);
    expect_clean("the answer with the new password", shown, {"new password"});
    EXPECT_EQ(ask_sql(next, "SELECT v FROM t"), "kept");
    EXPECT_EQ(ask_sql(former, "SELECT v FROM t"), "kept");
    EXPECT_THAT(hephy(key_, "POST", target + "/rotate", R"({"confirm":true})"), StartsWith("HTTP/1.1 200 "));
    ASSERT_TRUE(comes_to("confirmed")) << hephy(key_, "GET", target) << site_.log();
    EXPECT_EQ(ask_sql(former, "SELECT 1"), std::nullopt);
}

// What nobody is ever shown, such as the passwords of the broker's own logins: read by whoever has the master key.
void CanaryRun::know_what_is_sealed() {
    boost::asio::io_context io;
    SystemClock clock;
    SystemRandom random;
    auto store = store::SqliteStore::open(site_.state() + "/store", clock, random);
    ASSERT_TRUE(store) << store.error().message;
    auto master = store::load_or_create_master_key(site_.state() + "/master.key", random);
    ASSERT_TRUE(master) << master.error().message;
    auto keys =
        slipway::testing::run(io, store::KeyRing::load_or_create(std::move(*master), **store, random, clock));
    ASSERT_TRUE(keys) << keys.error().message;
    const auto all = slipway::testing::run(io, (*store)->resources({}, {"", 1000}));
    ASSERT_TRUE(all) << all.error().message;
    std::size_t management = 0;
    for (const Resource& each : all->items) {
        for (const auto& [name, sealed] : each.secrets) {
            const auto secret = (*keys)->open(sealed, secret_context(each.id, name));
            ASSERT_TRUE(secret) << secret.error().message;
            canaries_.know(fmt::format("sealed {} of a {}", name, each.engine), secret->reveal());
            if (name == "management_password" && each.kind == Kind::database_server) ++management;
        }
    }
    EXPECT_EQ(management, 1U);
}

void CanaryRun::plant_in_hephy_heads() {
    const std::string list = "/v1/hephy/instances";
    const std::string own = fmt::format("Authorization: {}\r\n", site_.admin_key());
    std::vector<Input> inputs;
    const auto field = [&](const std::string& name, const std::string& text) {
        inputs.push_back({name, "GET", list, fmt::format(fmt::runtime(text), plant(name)) + "\r\n"});
    };
    field("a raw key of HarbourMaster", "Authorization: {}");
    field("a raw key of HarbourMaster with its prefix", "Authorization: slk_{}");
    field("a bearer key of HarbourMaster", "Authorization: Bearer {}");
    field("a bearer key of HarbourMaster with its prefix", "Authorization: Bearer slk_{}");
    field("a raw and a bearer key", own + "Authorization: Bearer {}");
    field("a media type of HarbourMaster", own + "Accept: application/{}");
    field("a cookie of HarbourMaster", own + "Cookie: session={}");
    const std::string type = "a media type of a body";
    inputs.push_back({type, "POST", list, own + "Content-Type: application/" + plant(type) + "\r\n", "{}"});
    send(inputs);
    inputs.clear();
    const auto target = [&](const std::string& name, const std::string& text, const std::string& method = "GET") {
        inputs.push_back({name, method, fmt::format(fmt::runtime(text), plant(name)), own + kJson});
    };
    target("a password for an organization", "/v1/organizations/{}");
    target("a password for an organization's cluster", "/v1/organizations/{}/clusters/shop");
    target("a password for a cluster", std::string(kClusters) + "/{}");
    target("a password for a cluster's database", std::string(kClusters) + "/u:{}@h/hephy/databases");
    target("a password for a cluster to delete", std::string(kClusters) + "/u:{}@h", "DELETE");
    target("a password for a backup", path_of("shop") + "/backups/{}");
    target("a password for a backup to delete", path_of("shop") + "/backups/u:{}@h", "DELETE");
    target("a password for an instance", list + "/{}");
    target("a URL for an instance", list + "/postgres:%2F%2Fu:{}@h", "DELETE");
    target("a key of an organization", "/v1/organizations/default/keys/slk_{}", "DELETE");
    target("a password in a query of HarbourMaster", list + "?password={}");
    target("a cursor of HarbourMaster", list + "?limit={}");
    send(inputs);
}

void CanaryRun::plant_in_hephy_bodies() {
    std::vector<Input> inputs;
    const auto body = [&](const std::string& name, const std::string& target, std::string text) {
        text.replace(text.find("CANARY"), 6, plant(name));
        inputs.push_back(
            {name, "POST", target, fmt::format("Authorization: {}\r\n{}", site_.admin_key(), kJson), text});
    };
    const std::string databases = path_of("empty");
    const std::string named =
        fmt::format(R"({{"engine":"{}","hephy_instance_name":"{}",)", GetParam().engine, instance_);
    body("an instance's password", databases, named + R"("hephy_instance_password":"CANARY"})");
    body("an instance's password that is a number of words", databases,
         named + R"("hephy_instance_password":["CANARY"]})");
    body("an instance's password that is too long", databases,
         named + R"("hephy_instance_password":"CANARY)" + std::string(300, 'x') + "\"}");
    body("an instance's user", databases, named + R"("hephy_instance_user":"CANARY"})");
    body("an instance's host", databases, named + R"("hephy_instance_host":"u:CANARY@h"})");
    body("an instance's port", databases, named + R"("hephy_instance_port":"CANARY"})");
    body("an instance's name", databases, R"({"hephy_instance_name":"CANARY","hephy_instance_password":"x"})");
    body("a password without an instance", databases, R"({"hephy_instance_password":"CANARY"})");
    body("an engine of a database", databases, R"({"engine":"CANARY"})");
    body("a backup to restore", databases, R"({"restore_from":"CANARY"})");
    body("an unknown field of a database", databases, R"({"hephy_db_password":"CANARY","engine":"x"})");
    body("an unknown field's name of a database", databases, R"({"CANARY":1,"engine":"x"})");
    body("a body of HarbourMaster cut short", databases, R"({"hephy_instance_password":"CANARY)");
    body("a body of HarbourMaster that is no JSON", databases, "hephy_instance_password=CANARY");
    body("a password for a rotation", path_of("shop") + "/rotate", R"({"password":"CANARY","confirm":1})");
    body("a confirmation", path_of("shop") + "/rotate", R"({"confirm":"CANARY"})");
    body("a name of a backup", path_of("shop") + "/backups", R"({"name":"postgres://u:CANARY@h"})");
    body("a plan of a backup", path_of("shop") + "/backups", R"({"plan":"CANARY"})");
    body("a password for a new backup", path_of("shop") + "/backups", R"({"password":"CANARY","name":1})");
    body("a cluster to restore into", path_of("shop") + "/backups/nightly/restore", R"({"cluster":"u:CANARY@h"})");
    body("a name of a cluster", kClusters, R"({"name":"CANARY)" + std::string(200, 'x') + "\"}");
    body("a password for a new instance", "/v1/hephy/instances", R"({"engine":"postgres","password":"CANARY"})");
    body("a user of a new instance", "/v1/hephy/instances", R"({"engine":"postgres","user":"CANARY"})");
    body("a class of a new instance", "/v1/hephy/instances",
         R"({"engine":"postgres","user":"u","instance_class":"CANARY"})");
    body("a role of HarbourMaster", "/v1/organizations/default/keys", R"({"role":"CANARY"})");
    body("a name of an organization", "/v1/organizations", R"({"name":"u:CANARY@h"})");
    EXPECT_THAT(hephy(key_, "POST", kClusters, R"({"name":"empty"})"), StartsWith("HTTP/1.1 201 "));
    send(inputs);
    for (Input& each : inputs) each.fields = fmt::format("Authorization: Bearer {}\r\n{}", reader_, kJson);
    send(inputs);
    EXPECT_THAT(hephy(key_, "GET", databases), StartsWith("HTTP/1.1 404 ")) << "none of this made one";
}

// Who is told them, and who is not.
void CanaryRun::search_hephy_answers() const {
    const std::string& admin = site_.admin_key();
    const std::string right =
        fmt::format(R"({{"engine":"{}","hephy_instance_name":"{}","hephy_instance_password":"{}"}})",
                    GetParam().engine, instance_, master_password_);
    expect_clean("the answer to the right password", hephy(admin, "POST", path_of("shop"), right),
                 {"new password"});
    expect_clean("the answer to the right password of who may not say it",
                 hephy(reader_, "POST", path_of("shop"), right));
    expect_clean("the access", hephy(key_, "GET", path_of("shop")), {"new password"});
    expect_clean("an instance", hephy(admin, "GET", "/v1/hephy/instances/" + instance_), {"server's password"});
    for (const std::string& target :
         {path_of("shop"), path_of("shop") + "/backups", std::string("/v1/hephy/instances"),
          "/v1/hephy/instances/" + instance_, std::string("/v2/hephy/available")}) {
        expect_clean("what a reader is told of " + target, hephy(reader_, "GET", target));
    }
    for (const std::string& target :
         {std::string(kClusters), kClusters + std::string("/shop"), path_of("shop") + "/backups",
          path_of("shop") + "/backups/nightly", std::string("/v1/organizations"),
          std::string("/v1/organizations/default/keys")}) {
        const std::string answer = hephy(admin, "GET", target);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << target;
        expect_clean("GET " + target, answer);
    }
}

}  // namespace slipway::testing
