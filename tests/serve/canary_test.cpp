// Secrets of every kind are given to the built program in every place where one can stand, and everything that it
// shows, writes and starts is searched for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "canary_run.h"

namespace slipway::testing {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

// None: it is not there.
std::optional<mode_t> mode_of(const fs::path& path) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) return std::nullopt;
    return facts.st_mode & 07777U;
}

// What others than the owner may do with a file. Its group is the engine's own, which reads its configuration, and
// has no other right to that; its data are its own.
mode_t rights_of_others(const fs::path& path) {
    static const std::set<std::string> kConfiguration{"redis.conf", "postgresql.conf", "pg_hba.conf", "my.cnf",
                                                      "users.sql",  "server.pem",      "server.key"};
    const std::string text = path.string();
    if (text.contains("/instances/") && text.contains("/data/")) return 060U;
    const bool of_instance = path.parent_path().parent_path().filename() == "instances";
    return of_instance && kConfiguration.contains(path.filename().string()) ? 040U : 0U;
}

}  // namespace

void CanaryRun::search_answers() {
    for (const std::string target : {"/metrics",
                                     "/healthz",
                                     "/readyz",
                                     "/api/v1/openapi.yaml",
                                     "/api/v1/openapi/redis.yaml",
                                     "/api/v1/openapi/memcached.yaml",
                                     "/api/v1/openapi/harbourmaster.yaml",
                                     "/api/v1/openapi/ec2.yaml",
                                     "/api/v1/me",
                                     "/api/v1/plans",
                                     "/api/v1/resources?include_gone=true",
                                     "/api/v1/resources?kind=database",
                                     "/api/v1/resources?kind=database-server",
                                     "/api/v1/resources?kind=backup",
                                     "/api/v1/resources?kind=machine&include_gone=true",
                                     "/api/v1/resources/web1/events",
                                     "/instances",
                                     "/api/v1/resources/sessions",
                                     "/api/v1/resources/sessions/events",
                                     "/api/v1/keys",
                                     "/api/v1/organizations",
                                     "/api/v1/organizations/default/quotas",
                                     "/api/v1/usage",
                                     "/api/v1/orphans",
                                     "/api/v1/doctor",
                                     "/v1/redis/instance",
                                     "/v1/redis/plans",
                                     "/v1/memcached/instance"}) {
        const std::string answer = as_administrator("GET", target);
        EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 ")) << target;
        expect_clean("GET " + target, answer);
    }
    expect_clean("the webhooks", as_administrator("GET", "/api/v1/webhooks"), addresses_);
    expect_clean("the sweep", as_administrator("POST", "/api/v1/sweep"));
    const std::string operations = as_administrator("GET", "/api/v1/operations?limit=1000");
    expect_clean("the operations", operations);
    const json::array listed = object_in(operations).at("operations").as_array();
    EXPECT_GE(listed.size(), 4U);
    for (const json::value& each : listed) {
        const std::string id = json::get_string(each.as_object(), "id");
        expect_clean("operation " + id, as_administrator("GET", "/api/v1/operations/" + id));
    }
    std::size_t events = 0;
    for (std::string after = "0"; !after.empty();) {
        const std::string page = as_administrator("GET", "/api/v1/events?limit=7&after=" + after);
        expect_clean("a page of events", page);
        const json::object read = object_in(page);
        events += read.at("events").as_array().size();
        after = json::get_string(read, "next");
    }
    EXPECT_GE(events, 10U);
}

// From the first event on.
void CanaryRun::search_stream() const {
    std::unique_ptr<http::test::RawClient> client;
    if (tls()) {
        auto made = std::make_unique<http::test::TlsClient>(site_.port(), authority_.certificate());
        EXPECT_EQ(made->shake(), "");
        client = std::move(made);
    } else {
        client = std::make_unique<http::test::RawClient>(site_.port());
    }
    client->send("GET /api/v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n" +
                 as_bearer(site_.admin_key()) + "\r\n");
    while (!client->received().contains("event: resource.gone") && client->receive()) {
    }
    EXPECT_THAT(client->received(), HasSubstr("event: resource.gone"));
    EXPECT_THAT(client->received(), HasSubstr("is taken by another program")) << "an attempt that failed";
    expect_clean("the stream of events", client->received());
}

void CanaryRun::search_commands() {
    const std::vector<std::vector<std::string>> all{{"ls", "-o", "wide", "--gone", "-A"},
                                                    {"ls", "--json"},
                                                    {"show", "sessions", "--events"},
                                                    {"why", "sessions", "--all"},
                                                    {"ops", "-A"},
                                                    {"events", "-A"},
                                                    {"keys", "ls", "-A"},
                                                    {"orgs", "ls"},
                                                    {"plans"},
                                                    {"machines", "-A", "--gone", "--json"},
                                                    {"why", "web1", "--all"},
                                                    {"usage"},
                                                    {"orphans", "ls"},
                                                    {"sweep"},
                                                    {"doctor"},
                                                    {"webhooks", "ls"},
                                                    {"ops", "--json"},
                                                    {"plan", "rm", "sessions"},
                                                    {"orgs", "show", "default"}};
    for (const std::vector<std::string>& words : all) {
        const Ended ended = command(words, site_.admin_key());
        EXPECT_NE(ended.out + ended.err, "") << words.front();
        expect_clean("the output of " + words.front(), ended.out + ended.err,
                     words.front() == "webhooks" ? addresses_ : Names());
    }
}

void CanaryRun::search_deliveries() {
    EXPECT_TRUE(eventually([&] { return recorder_.kept().contains(R"("type":"resource.ready")"); },
                           std::chrono::seconds(30)));
    expect_clean("what receivers of webhooks were sent", recorder_.kept());
}

// The server knows what it was given, and tells root alone; what it starts does not know it.
void CanaryRun::search_processes() {
    std::set<pid_t> all{site_.program().pid()};
    for (const agent::Process& each : site_.processes()) all.insert(each.pid);
    EXPECT_GE(all.size(), 5U) << "the server, its helper, two engines and a database server";
    const bool root = ::geteuid() == 0;
    for (const pid_t pid : all) {
        const fs::path proc = "/proc/" + std::to_string(pid);
        const bool server = pid == site_.program().pid();
        const std::string words = file_text(proc / "cmdline");
        const std::string environment = file_text(proc / "environ");
        const std::string limits = file_text(proc / "limits");
        const std::string filter = file_text(proc / "coredump_filter");
        // A database server's for one connection has ended.
        if (const auto stat = agent::read_stat(pid); !stat || stat->state == 'Z') continue;
        EXPECT_NE(words, "");
        expect_clean("a command line", words);
        expect_clean("the environment of " + words, environment,
                     server && root ? Names{"environment of the server"} : Names());
        EXPECT_THAT(limits, HasSubstr("Max core file size        0                    0")) << words;
        // A dump that is made all the same holds no memory.
        EXPECT_EQ(filter, "00000000\n") << words;
    }
}

// A command that goes on for long has its key where nobody else looks.
void CanaryRun::search_followed_events() {
    const fs::path log = pems_.write("followed", "");
    std::vector<std::string> words{"events",
                                   "--follow",
                                   "--json",
                                   "--since-start",
                                   "-A",
                                   "--server",
                                   fmt::format("{}://localhost:{}", tls() ? "https" : "http", site_.port())};
    if (tls()) words.insert(words.end(), {"--ca-file", pems_.write("ca.pem", authority_.certificate())});
    Program follower(words, {{"SLIPWAY_KEY", site_.admin_key()}}, log);
    const std::optional<std::string> first = follower.line();
    ASSERT_TRUE(first) << file_text(log);
    const std::string proc = "/proc/" + std::to_string(follower.pid());
    expect_clean("the command line of a command", file_text(proc + "/cmdline"));
    // What cannot be dumped or traced is root's to look at.
    expect_clean("the environment of a command", file_text(proc + "/environ"),
                 ::geteuid() == 0 ? Names{"administrator's key"} : Names());
    // A crash of a command must not write the key to a disk.
    EXPECT_THAT(file_text(proc + "/limits"), HasSubstr("Max core file size        0                    0"));
    EXPECT_EQ(file_text(proc + "/coredump_filter"), "00000000\n");
    follower.signal(SIGINT);
    EXPECT_EQ(follower.wait(), 130);
    expect_clean("the events that were followed", *first + follower.rest() + file_text(log));
}

// Everything is on disk as it stays there.
void CanaryRun::search_files() {
    std::size_t seen = 0;
    Names in_store;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(site_.state())) {
        std::error_code gone;
        if (!entry.is_regular_file(gone)) continue;
        const std::string path = entry.path();
        const std::optional<mode_t> mode = mode_of(path);
        if (!mode) continue;  // an engine's own, which it has removed since
        EXPECT_EQ(*mode & 077U & ~rights_of_others(entry.path()), 0U) << path;
        ++seen;
        const std::string text = file_text(path);
        if (path.ends_with("/admin.key")) {
            expect_clean(path, text, {"administrator's key"});
        } else if (path.ends_with("/master.key")) {
            expect_clean(path, text, {"master key"});
        } else if (path.ends_with("/server.key")) {
            expect_clean(path, text, {"databases' TLS key"});
        } else if (path.contains("/store/")) {
            in_store.merge(canaries_.found_in(text));
        } else {
            expect_clean(path, text);
        }
    }
    EXPECT_EQ(in_store, addresses_) << "in the clear in the store";
    EXPECT_GE(seen, 6U);
}

TEST_P(CanaryRun, IsInNothingThatTheProgramShowsWritesOrStarts) {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_NO_FATAL_FAILURE(make_secrets());
    plant_in_heads();
    plant_in_targets();
    plant_in_bodies();
    plant_in_webhooks();
    plant_in_commands();
    plant_in_hephy_heads();
    plant_in_hephy_bodies();
    plant_in_machines();
    ask_what_is_not_theirs();
    search_answers();
    search_hephy_answers();
    search_stream();
    search_commands();
    search_deliveries();
    search_processes();
    search_followed_events();
    site_.kill();
    search_files();  // with what a server that ends in good order has tidied up
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.terminate(), 0);
    search_files();
    EXPECT_EQ(site_.program().rest(), "");
    expect_clean("the log", site_.log());
    // It is the log of all this: who asks what is in it, and who failed.
    for (const char* part :
         {"/v1/redis/instance", "/api/v1/resources/sessions", "a delivery failed", "[redacted]", "is taken by"}) {
        EXPECT_THAT(site_.log(), HasSubstr(part));
    }
}

INSTANTIATE_TEST_SUITE_P(Logs, CanaryRun,
                         ::testing::Values(Run{"JsonOverTls", "json", true, "postgres"},
                                           Run{"TextOverHttp", "text", false, "mysql"}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace slipway::testing
