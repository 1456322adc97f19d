// Servers of databases in trouble, seen through the whole program: killed in the middle, hung, with a full disk.
// What was asked for comes to its end or is said to have failed, nothing stays behind, and the others' go on.
#include <set>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "databases_test_support.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ServeTroubled : public ServeDatabases {
  protected:
    // Servers that serve so many, and one more.
    void configure(int threshold) {
        site_.configure(
            fmt::format("[[plan]]\nkind = \"database-server\"\nengine = \"{0}\"\nname = \"small\"\n"
                        "parameters = {{instance_class = \"db.t3.medium\"}}\n"
                        "[[plan]]\nkind = \"database\"\nengine = \"{0}\"\nname = \"shared\"\nthreshold = {1}\n",
                        engine_, threshold));
    }
    Login master(const std::string& instance) const {
        for (const json::value& each : instances()) {
            const json::object& found = each.as_object();
            if (json::get_string(found, "name") != instance) continue;
            return {engine_, static_cast<std::uint16_t>(std::stoul("0" + json::get_string(found, "port"))),
                    json::get_string(found, "user"), json::get_string(found, "password"),
                    engine_ == "postgres" ? "postgres" : "mysql"};
        }
        ADD_FAILURE() << "there is no " << instance;
        return {};
    }
    [[nodiscard]] bool postgres() const { return engine_ == "postgres"; }
    static std::set<std::string> words(const std::string& text) {
        std::set<std::string> found;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line, ',');) {
            if (!line.empty()) found.insert(line);
        }
        return found;
    }
    // The databases and users of tenants on an instance, told by its own catalogs.
    std::set<std::string> tenants_of(const std::string& instance) const {
        const std::string query =
            postgres()
                ? "SELECT coalesce(string_agg(name, ','), '') FROM (SELECT datname::text AS name FROM pg_database"
                  " WHERE datname LIKE 'cluster-%' OR datname LIKE 'oct-%' UNION SELECT rolname::text FROM"
                  " pg_roles WHERE rolname LIKE 'hephy-%' OR rolname LIKE 'oct-%') AS tenants"
                : "SELECT COALESCE(GROUP_CONCAT(name), '') FROM (SELECT SCHEMA_NAME AS name FROM"
                  " information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'cluster-%' UNION SELECT User FROM"
                  " mysql.user WHERE User LIKE 'hephy-%') AS tenants";
        std::string why;
        const auto text = ask_sql(master(instance), query, &why);
        EXPECT_TRUE(text) << why;
        return words(text.value_or(""));
    }
    std::set<std::string> names_of(const std::vector<std::string>& clusters) const {
        std::set<std::string> names;
        for (const std::string& each : clusters) {
            const Answer found = ask("GET", path_of(each));
            names.insert(found.text("hephy_db_name"));
            names.insert(found.text("hephy_db_user"));
        }
        return names;
    }
    // Every process of the server that has this main process: that one and its children.
    static std::vector<agent::Process> family(pid_t server) {
        std::vector<agent::Process> found;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) continue;
            const pid_t pid = std::stoi(name);
            const std::optional<agent::ProcessStat> stat = agent::read_stat(pid);
            const bool child = file_text(entry.path() / "status").contains(fmt::format("\nPPid:\t{}\n", server));
            if (stat && (pid == server || child)) found.push_back({pid, stat->start_time});
        }
        return found;
    }
    static void signal_all(const std::vector<agent::Process>& processes, int number) {
        for (const agent::Process& each : processes) {
            if (const UniqueFd pidfd = agent::open_pidfd(each)) agent::send_signal(pidfd, number);
        }
    }
    void remove(const std::string& cluster) const {
        EXPECT_EQ(ask("DELETE", path_of(cluster)).status, 200);
        EXPECT_TRUE(comes_to(cluster, "decommissioned")) << ask("GET", path_of(cluster)).body << site_.log();
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeTroubled, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeTroubled, AServerKilledWhileDatabasesAreMadeFinishesThemAndLosesNone) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login first = create("first");
    const Login administrator = master("hephy-instance-0000001");
    std::vector<std::string> clusters{"first"};
    std::vector<std::thread> callers;
    for (int i = 0; i < 8; ++i) {
        clusters.push_back(fmt::format("c{}", i));
        callers.emplace_back([this, cluster = clusters.back()] { request(cluster); });
    }
    // PostgreSQL locks the template while it copies it; what others' sessions do is not shown to this one.
    const std::string under_way =
        postgres() ? "SELECT count(*) FROM pg_locks WHERE classid = 'pg_database'::regclass AND mode = 'ShareLock'"
                   : "SELECT COUNT(*) > 1 FROM slipway.tenants";
    EXPECT_TRUE(eventually(
        [&] {
            const auto seen = ask_sql(administrator, under_way);
            return seen && *seen != "0";
        },
        seconds(30)));
    ASSERT_EQ(::kill(server_process(first), SIGKILL), 0);
    for (std::thread& caller : callers) caller.join();
    for (const std::string& each : clusters) {
        ASSERT_TRUE(comes_to(each, "ready")) << ask("GET", path_of(each)).body << site_.log();
        std::string why;
        EXPECT_TRUE(eventually([&] { return ask_sql(login_of(each), "SELECT 'in'", &why) == "in"; }, seconds(30)))
            << each << ": " << why;
    }
    EXPECT_EQ(tenants_of("hephy-instance-0000001"), names_of(clusters)) << "one of each, and nobody's else";
    for (const std::string& each : clusters) remove(each);
    EXPECT_THAT(tenants_of("hephy-instance-0000001"), IsEmpty());
}

TEST_P(ServeTroubled, AHungServerHoldsUpNobodyElseAndItsOwnAreDoneWhenItWakes) {
    configure(1);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login first = create("first");
    (void)create("second");
    const Login other = create("other");
    ASSERT_NE(first.port, other.port);
    remove("second");  // its place is the next one that is given
    const std::vector<agent::Process> hung = family(server_process(first));
    ASSERT_FALSE(hung.empty());
    signal_all(hung, SIGSTOP);

    request("waiting");
    EXPECT_EQ(ask("DELETE", path_of("first")).status, 200);
    const Answer waiting = ask("GET", path_of("waiting"));
    EXPECT_EQ(waiting.text("hephy_instance_name"), "hephy-instance-0000001");
    for (int i = 0; i < 3; ++i) {
        const std::string cluster = fmt::format("beside-{}", i);
        const Login beside = create(cluster);
        EXPECT_NE(beside.port, first.port);
        EXPECT_EQ(ask_sql(beside, "SELECT 'in'"), "in");
        remove(cluster);
    }
    EXPECT_EQ(ask_sql(other, "SELECT 'in'"), "in");
    EXPECT_THAT(state_of("waiting"), ::testing::AnyOf("awaiting_provisioning", "provisioning"));
    EXPECT_THAT(state_of("first"), ::testing::AnyOf("awaiting_decommissioning", "decommissioning"));

    signal_all(hung, SIGCONT);
    EXPECT_TRUE(comes_to("waiting", "ready")) << ask("GET", path_of("waiting")).body << site_.log();
    EXPECT_TRUE(comes_to("first", "decommissioned")) << ask("GET", path_of("first")).body << site_.log();
    std::string why;
    EXPECT_EQ(ask_sql(login_of("waiting"), "SELECT 'in'", &why), "in") << why;
    EXPECT_EQ(tenants_of("hephy-instance-0000001"), names_of({"waiting"}));
}

// A request that is taken back while its server hangs leaves nothing there when that wakes.
TEST_P(ServeTroubled, WhatIsDeletedWhileItsServerHangsIsGoneWhenItWakes) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login first = create("first");
    const std::vector<agent::Process> hung = family(server_process(first));
    ASSERT_FALSE(hung.empty());
    signal_all(hung, SIGSTOP);
    request("unwanted");
    EXPECT_TRUE(comes_to("unwanted", "provisioning"));
    EXPECT_EQ(ask("DELETE", path_of("unwanted")).status, 200);
    signal_all(hung, SIGCONT);
    EXPECT_TRUE(comes_to("unwanted", "decommissioned")) << ask("GET", path_of("unwanted")).body << site_.log();
    EXPECT_EQ(tenants_of("hephy-instance-0000001"), names_of({"first"}));
    EXPECT_EQ(ask_sql(first, "SELECT 'in'"), "in");
}

// A small file system of this thread's own at a directory; for who may mount.
class SmallDisk {
  public:
    SmallDisk(std::string directory, std::size_t megabytes) : directory_(std::move(directory)) {
        std::filesystem::create_directories(directory_);
        good_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("tmpfs", directory_.c_str(), "tmpfs", 0,
                        fmt::format("size={}m,mode=0755", megabytes).c_str()) == 0;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() { ::umount2(directory_.c_str(), MNT_DETACH); }
    [[nodiscard]] bool good() const { return good_; }
    // To the last byte.
    void fill() const {
        const UniqueFd file(::open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        const std::string block(1 << 16, '.');
        for (std::size_t size = block.size(); size > 0;) {
            if (::write(file.get(), block.data(), size) < 0) size /= 2;
        }
    }
    void free() const { std::filesystem::remove(ballast()); }

  private:
    [[nodiscard]] std::string ballast() const { return directory_ + "/.ballast"; }
    std::string directory_;
    bool good_ = false;
};

class ServeFullDisk : public ServeTroubled {
  protected:
    // What makes databases now, in its own words.
    std::string progress() const {
        const Answer all = site_.as_administrator("GET", "/api/v1/operations?open=true");
        std::string found;
        for (const json::value& each : all.object().at("operations").as_array()) {
            const json::object& operation = each.as_object();
            if (json::get_string(operation, "kind") == "provision")
                found += json::get_string(operation, "reason") + "\n";
        }
        return found;
    }
    // A PostgreSQL says so at once.
    void expect_failed(const std::string& cluster) const {
        request(cluster);
        EXPECT_TRUE(comes_to(cluster, "failed")) << ask("GET", path_of(cluster)).body << site_.log();
        EXPECT_THAT(ask("GET", path_of(cluster)).text("reason"), HasSubstr("disk"));
    }
    // A MariaDB has room for some small ones, and then waits for more; who waits for it is told why, and it is not
    // started again for that. The clusters that were asked for.
    std::vector<std::string> ask_until_it_waits(pid_t server) const {
        std::vector<std::string> asked;
        const auto told = [&] {
            return progress().contains("its disk is full") ||
                   ask("GET", path_of(asked.back())).text("reason").contains("its disk is full");
        };
        do {
            asked.push_back(fmt::format("full-{}", asked.size()));
            request(asked.back());
            EXPECT_TRUE(eventually([&] { return told() || state_of(asked.back()) == "ready"; }, seconds(120)))
                << ask("GET", path_of(asked.back())).body << progress() << site_.log();
        } while (asked.size() < 40 && state_of(asked.back()) == "ready");
        EXPECT_TRUE(told()) << progress() << site_.log();
        const Answer servers = site_.as_administrator("GET", "/api/v1/resources?kind=database-server");
        EXPECT_THAT(servers.body, HasSubstr("mysql does not answer: its disk is full")) << "its health";
        EXPECT_THAT(site_.log(), HasSubstr("an engine does not answer: its disk is full"));
        EXPECT_THAT(site_.log(), ::testing::Not(HasSubstr("restarting an engine")));
        EXPECT_TRUE(agent::read_stat(server)) << "the same process waits";
        return asked;
    }
    // Asked for again where it had failed.
    bool made_at_last(const std::string& cluster) const {
        const std::string state = state_of(cluster);
        if (state == "failed") {
            EXPECT_EQ(ask("POST", path_of(cluster), fmt::format(R"({{"engine":"{}"}})", engine_)).status, 201);
        }
        return state == "ready" && ask_sql(login_of(cluster), "SELECT 'in'") == "in";
    }
    void story() {
        const SmallDisk disk(site_.state() + "/instances", 400);
        ASSERT_TRUE(disk.good());
        const std::unique_ptr<Site, void (*)(Site*)> ended(&site_, [](Site* site) { site->clean_up(); });
        site_.configure("[reconcile]\ninterval = \"1s\"\n");
        ASSERT_NO_FATAL_FAILURE(site_.start());
        const Login first = create("first");
        ASSERT_EQ(ask_sql(first, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')"), "");
        (void)create("before");
        remove("before");
        const pid_t server = server_process(first);
        disk.fill();
        std::vector<std::string> clusters{"second"};
        if (postgres()) {
            expect_failed("second");
            EXPECT_EQ(ask_sql(first, "SELECT v FROM t"), "kept") << "what is there can be read";
        } else {
            clusters = ask_until_it_waits(server);
        }
        disk.free();
        for (const std::string& each : clusters) {
            EXPECT_TRUE(eventually([&] { return made_at_last(each); }, seconds(120)))
                << ask("GET", path_of(each)).body << progress() << site_.log();
        }
        EXPECT_EQ(ask_sql(first, "SELECT v FROM t"), "kept");
        clusters.emplace_back("first");
        EXPECT_EQ(tenants_of("hephy-instance-0000001"), names_of(clusters));
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, ServeFullDisk, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

// In a thread of its own: what is mounted is seen by it and its children alone.
TEST_P(ServeFullDisk, ADatabaseThatDoesNotFitIsSaidToHaveFailedAndLeavesNothing) {
    if (::geteuid() != 0) return;  // who may mount nothing has no small disk
    std::thread([this] { story(); }).join();
}

}  // namespace
}  // namespace slipway::testing
