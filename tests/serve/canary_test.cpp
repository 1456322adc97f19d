// Secrets of every kind are given to the built program in every place where one can stand, and everything that it
// shows, writes and starts is searched for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include "canary_test_support.h"

namespace slipway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;
using Names = std::set<std::string>;

struct Run {
    std::string name;
    std::string format;
    bool tls;
};
void PrintTo(const Run& run, std::ostream* out) { *out << run.name; }

// A request that carries the canary of its name; `told`: the sender is told what it sent.
struct Input {
    std::string name;
    std::string method;
    std::string target;
    std::string fields = {};
    std::string body = {};
    bool told = false;
};

json::object object_in(const std::string& answer) {
    const auto parsed = json::parse(answer.substr(std::min(answer.find("\r\n\r\n"), answer.size())));
    if (parsed && parsed->is_object()) return parsed->get_object();
    ADD_FAILURE() << "no JSON object: " << answer;
    return {};
}

std::string text_in(const std::string& answer, std::string_view key) {
    return json::get_string(object_in(answer), key);
}

std::string bytes_of_base64(std::string_view text) {
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    EXPECT_EQ(sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                text.size(), "\n", &size, nullptr, sodium_base64_VARIANT_ORIGINAL),
              0);
    bytes.resize(size);
    return bytes;
}

std::string as_bearer(const std::string& key) { return "Authorization: Bearer " + key + "\r\n"; }

mode_t mode_of(const fs::path& path) {
    struct stat facts{};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777U;
}

class CanaryRun : public CanaryTest, public ::testing::WithParamInterface<Run> {
  protected:
    [[nodiscard]] bool tls() const { return GetParam().tls; }
    void start();
    // Everything that is answered to these bytes.
    std::string say(const std::string& bytes) const;
    std::string ask(const std::string& method, const std::string& target, const std::string& fields = {},
                    const std::string& body = {}) const;
    std::string as_administrator(const std::string& method, const std::string& target,
                                 const std::string& body = {}) const {
        return ask(method, target, as_bearer(site_.admin_key()), body);
    }
    void send(const std::vector<Input>& inputs) const;
    Ended command(std::vector<std::string> words, const std::string& key) const;

    void make_secrets();
    void make_caches();
    void make_webhooks();
    void plant_in_heads();
    void plant_in_targets();
    void plant_in_bodies();
    void plant_in_webhooks();
    void plant_in_commands();

    void search_answers();
    void search_stream() const;
    void search_commands();
    void search_deliveries();
    void search_processes();
    void search_followed_events();
    void search_files();

    http::test::TestAuthority authority_;
    Recorder recorder_;
    std::string key_;       // of a user
    std::string resource_;  // its name
    RedisUrl url_{"redis://default:none@none:1"};
    RedisUrl anonymous_url_{"redis://default:none@none:1"};
    // In the addresses of webhooks, which whoever belongs to their organization may read.
    const Names addresses_{"path of a webhook", "query of a webhook", "path of a failing webhook",
                           "query of an unreachable webhook"};
};

void CanaryRun::start() {
    std::vector<std::string> words{"--log-format", GetParam().format, "--log-level", "debug"};
    if (tls()) {
        const http::test::IssuedPair pair = authority_.issue();
        pems_.write(pair);
        const std::string pem = pair.key.reveal();
        // What comes before and after it is the same in every key, or public.
        const std::size_t line = pem.find('\n') + 1;
        canaries_.know("TLS key", pem.substr(line + 48, 16));
        canaries_.know("TLS key", pem.substr(line + 65, 26));
        words.insert(words.end(), {"--tls-cert", pems_.certificate(), "--tls-key", pems_.key()});
    }
    site_.configure("[webhooks]\nallow_private = true\n[reconcile]\ninterval = \"1s\"\n");
    const std::string secret = plant("environment of the server");
    ASSERT_NO_FATAL_FAILURE(site_.start(words, {{"SECRET_OF_SOMEBODY", secret}, {"SLIPWAY_KEY", secret}}));
    canaries_.know("administrator's key", site_.admin_key().substr(4));
    const std::string master = file_text(site_.state() + "/master.key");
    canaries_.know("master key", master);
    canaries_.know("master key", bytes_of_base64(master));
}

std::string CanaryRun::say(const std::string& bytes) const {
    std::unique_ptr<http::test::RawClient> client;
    if (tls()) {
        auto made = std::make_unique<http::test::TlsClient>(site_.port(), authority_.certificate());
        EXPECT_EQ(made->shake(), "");
        client = std::move(made);
    } else {
        client = std::make_unique<http::test::RawClient>(site_.port());
    }
    client->send(bytes);
    return client->read_to_end();
}

std::string CanaryRun::ask(const std::string& method, const std::string& target, const std::string& fields,
                           const std::string& body) const {
    return say(fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
                           method, target, body.size(), fields, body));
}

void CanaryRun::send(const std::vector<Input>& inputs) const {
    for (const Input& each : inputs) {
        const std::string answer = ask(each.method, each.target, each.fields, each.body);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 ")) << each.name;
        expect_clean("the answer to: " + each.name, answer, each.told ? Names{each.name} : Names{});
    }
}

CanaryTest::Ended CanaryRun::command(std::vector<std::string> words, const std::string& key) const {
    words.insert(words.end(),
                 {"--server", fmt::format("{}://localhost:{}", tls() ? "https" : "http", site_.port())});
    if (tls()) words.insert(words.end(), {"--ca-file", pems_.write("ca.pem", authority_.certificate())});
    return run(std::move(words), {{"SLIPWAY_KEY", key}});
}

// What the program itself makes, and shows in the one answer to its owner.
void CanaryRun::make_secrets() {
    const std::string user =
        ask("POST", "/api/v1/keys", as_bearer(site_.admin_key()) + "Idempotency-Key: of-a-key\r\n",
            R"({"role":"user","description":"of a test"})");
    key_ = text_in(user, "key");
    ASSERT_THAT(key_, StartsWith("slk_")) << user;
    canaries_.know("user's key", key_.substr(4));
    expect_clean("the answer that shows a key", user, {"user's key"});
    const Ended made = command({"keys", "create", "--role", "reader"}, site_.admin_key());
    ASSERT_EQ(made.status, 0) << made.err;
    canaries_.know("reader's key", made.out.substr(4));
    expect_clean("the output of keys create", made.out, {"reader's key"});
    expect_clean("the progress of keys create", made.err);
    make_webhooks();
    make_caches();
}

void CanaryRun::make_caches() {
    const std::string open = ask("POST", "/v1/redis/instance", "", R"({"plan":"small","billingcode":"gwp"})");
    anonymous_url_ = RedisUrl(text_in(open, "REDIS_URL"));
    ASSERT_EQ(anonymous_url_.password.size(), 32U) << open;
    canaries_.know("anonymous password", anonymous_url_.password);
    expect_clean("the answer with the anonymous URL", open, {"anonymous password"});
    const std::string made = ask("POST", "/api/v1/resources", as_bearer(key_),
                                 R"({"engine":"redis","plan":"small","name":"sessions","wait_seconds":60})");
    ASSERT_THAT(made, StartsWith("HTTP/1.1 201 "));
    const std::string credentials = ask("GET", "/api/v1/resources/sessions/credentials", as_bearer(key_));
    url_ = RedisUrl(text_in(credentials, "url"));
    ASSERT_EQ(url_.password.size(), 32U) << credentials;
    canaries_.know("password", url_.password);
    expect_clean("the answer with the credentials", credentials, {"password"});
    expect_clean("the answer that tells of a new resource", made);
    const Ended shown = command({"url", "sessions"}, key_);
    expect_clean("the output of url", shown.out, {"password"});
    expect_clean("the errors of url", shown.err);
    EXPECT_THAT(ask("POST", "/v1/memcached/instance", "", R"({"plan":"small","billingcode":"gwp"})"),
                StartsWith("HTTP/1.1 200 "));
    // The engine is changed while it runs, used, asked with a wrong password, and brought back from its death.
    EXPECT_EQ(redis(url_, {"SET", "k", "v"}), "+OK");
    RedisUrl wrong = url_;
    wrong.password = plant("wrong password at the engine");
    EXPECT_EQ(redis(wrong, {"GET", "k"}), "");
    EXPECT_THAT(
        ask("PATCH", "/api/v1/resources/sessions", as_bearer(key_), R"({"plan":"medium","wait_seconds":60})"),
        StartsWith("HTTP/1.1 200 "));
    const auto before = site_.engines(anonymous_url_.name);
    ASSERT_EQ(before.size(), 1U);
    kill_process(before.front());
    EXPECT_TRUE(eventually([&] { return redis(anonymous_url_, {"PING"}) == "+PONG"; }, std::chrono::seconds(30)));
}

// Three that work or fail in ways of their own. Their addresses hold what receivers take for credentials.
void CanaryRun::make_webhooks() {
    const std::vector<std::pair<std::string, std::string>> wanted{
        {"first", fmt::format("http://{}/takes/{}?token={}", recorder_.address(), plant("path of a webhook"),
                              plant("query of a webhook"))},
        {"failing", fmt::format("http://{}/fails/{}", recorder_.address(), plant("path of a failing webhook"))},
        {"unreachable", "http://127.0.0.1:1/hook?key=" + plant("query of an unreachable webhook")}};
    for (const auto& [name, address] : wanted) {
        const std::string made =
            ask("POST", "/api/v1/webhooks", as_bearer(key_) + "Idempotency-Key: " + name + "\r\n",
                fmt::format(R"({{"url":"{}"}})", address));
        const std::string secret = text_in(made, "secret");
        ASSERT_THAT(secret, StartsWith("whsec_")) << made;
        canaries_.know("signing secret", secret.substr(6));
        canaries_.know("signing secret", bytes_of_base64(secret.substr(6)));
        EXPECT_THAT(canaries_.found_in(made), Contains("signing secret"));
        const std::string tested =
            ask("POST", "/api/v1/webhooks/" + text_in(made, "id") + "/test", as_bearer(key_));
        expect_clean("the test of a webhook", tested);
        EXPECT_THAT(tested, HasSubstr(name == "first" ? R"("delivered":true)" : R"("delivered":false)"));
    }
}

void CanaryRun::plant_in_heads() {
    const std::string list = "/api/v1/resources";
    const std::string open = "/v1/redis/instance";
    std::vector<Input> inputs;
    const auto field = [&](const std::string& name, const std::string& text, const std::string& target) {
        inputs.push_back({name, "GET", target, fmt::format(fmt::runtime(text), plant(name)) + "\r\n"});
    };
    field("a bearer key", "Authorization: Bearer {}", list);
    field("a bearer key with the right prefix", "Authorization: Bearer slk_{}", list);
    field("a bearer key without its scheme", "Authorization: {}", list);
    field("a key of another scheme", "Authorization: Digest response={}", list);
    field("two keys at once", "Authorization: Bearer x\r\nAuthorization: Bearer {}", list);
    field("a key on an open face", "Authorization: Bearer slk_{}", open);
    field("a password that is not base64", "Authorization: Basic !{}", list);
    field("a cookie", "Cookie: session={}", open);
    field("a key in a field of its own", "X-Api-Key: {}", list);
    field("a token in a field of its own", "X-Auth-Token: {}", open);
    field("a key for a proxy", "Proxy-Authorization: Bearer {}", open);
    field("a referrer", "Referer: https://example.org/?token={}", open);
    field("a program's name", "User-Agent: tool/1 (key={})", open);
    field("a request id that is none", "X-Request-Id: key {}", open);
    field("a trace that is none", "traceparent: {}", open);
    field("a trace of another version", "traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-{}",
          open);
    field("a state of a trace",
          "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a={}", open);
    field("a media type", "Accept: application/{}", list);
    field("an expectation", "Expect: {}", open);
    field("a field that is none", "X Key: {}", open);
    send(inputs);
    const auto encoded = [](const std::string& text) {
        std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
        sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          sodium_base64_VARIANT_ORIGINAL);
        return std::string(out.c_str());
    };
    send({{"a password", "GET", list, "Authorization: Basic " + encoded("u:" + plant("a password")) + "\r\n"},
          {"a user's name", "GET", list, "Authorization: Basic " + encoded(plant("a user's name")) + "\r\n"},
          {"a key cut short", "GET", list, as_bearer(key_.substr(0, 30))},
          {"a key that is too long", "GET", list, as_bearer(key_ + "x")}});
    // What changes something is where a trace is kept.
    send({{"a trace kept with a creation", "POST", open,
           "traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" +
               plant("a trace kept with a creation") + "\r\n",
           R"({"plan":"nosuch","billingcode":"gwp"})"}});
    const std::string removed = ask("DELETE", "/v1/redis/instance/" + anonymous_url_.name,
                                    "traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" +
                                        plant("a trace kept with a deletion") + "\r\n");
    EXPECT_THAT(removed, StartsWith("HTTP/1.1 200 "));
    for (const std::string& bytes :
         {"GET / " + plant("a version") + "\r\n\r\n", plant("a method") + " / HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: " + plant("a host") + ":x:y@z\r\n\r\n", plant("what is no HTTP") + "\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: " + plant("a length") + "\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + plant("a long field") + std::string(20'000, 'x') +
              "\r\n\r\n"}) {
        expect_clean("the answer to what is no request", say(bytes));
    }
}

void CanaryRun::plant_in_targets() {
    const std::string admin = as_bearer(site_.admin_key());
    const std::string address =
        fmt::format("{}@{}:{}", "default:" + plant("a URL's password"), url_.host, url_.port);
    send({{"a key in a query", "GET", "/api/v1/resources?key=" + plant("a key in a query"), admin},
          {"a token in a query", "GET", "/v1/redis/plans?token=" + plant("a token in a query")},
          {"a password in a query", "GET", "/healthz?password=" + plant("a password in a query")},
          {"a key in a stream's query", "GET", "/api/v1/events?access_token=" + plant("a key in a stream's query")},
          {"a key as a parameter's name", "GET", "/api/v1/resources?" + plant("a key as a parameter's name"), admin,
           "", true},
          {"a key on an unknown path", "GET", "/nosuch/" + plant("a key on an unknown path") + "?key=x"},
          {"a password before the host", "GET",
           "http://user:" + plant("a password before the host") + "@host/v1/redis/plans"},
          {"a password in a fragment", "GET", "/v1/redis/plans#" + plant("a password in a fragment")},
          {"a URL's password", "GET", "/v1/redis/url/" + address},
          {"a URL's password", "DELETE", "/v1/redis/instance/" + address},
          {"a URL's password", "GET", "/v1/memcached/operations/stats/" + address},
          {"a URL's password", "GET", "/api/v1/resources/" + address, admin},
          {"a URL's password", "GET", "/api/v1/resources/" + address + "/events", admin},
          {"a URL's password", "DELETE", "/api/v1/orphans/local/" + address, admin},
          {"a password for a name", "GET", "/api/v1/resources/" + plant("a password for a name"), admin},
          {"the password for a name", "GET", "/api/v1/resources/" + url_.password, admin},
          {"a key for its id", "DELETE", "/api/v1/keys/slk_" + plant("a key for its id"), admin},
          {"the key for its id", "GET", "/api/v1/keys/" + key_, admin},
          {"a signing secret for an id", "GET", "/api/v1/webhooks/whsec_" + plant("a signing secret for an id"),
           admin},
          {"an id of an operation", "GET", "/api/v1/operations/" + plant("an id of an operation"), admin},
          {"an id of an organization", "GET", "/api/v1/organizations/" + plant("an id of an organization"), admin},
          {"a cursor", "GET", "/api/v1/resources?after=" + plant("a cursor"), admin},
          {"a selector", "GET", "/api/v1/resources?selector=" + plant("a selector") + "%20in%20(", admin},
          {"a filter", "GET", "/api/v1/resources?state=" + plant("a filter"), admin}});
}

void CanaryRun::plant_in_bodies() {
    const std::string user = as_bearer(key_);
    const std::string make = "/api/v1/resources";
    std::vector<Input> inputs;
    const auto body = [&](const std::string& name, const std::string& target, std::string text,
                          const std::string& fields = {}, bool told = false) {
        const std::size_t at = text.find("CANARY");
        text.replace(at, 6, plant(name));
        const bool native = target.starts_with("/api/");
        inputs.push_back({name, "POST", target, (native ? user : "") + fields, text, told});
    };
    body("a body cut short", make, R"({"engine":"redis","password":"CANARY")");
    body("a body that is no JSON", make, "password=CANARY");
    body("a form", "/v1/redis/instance", "password=CANARY", "Content-Type: application/x-www-form-urlencoded\r\n");
    body("a body that is no UTF-8", make, "{\"password\":\"CANARY\xff\"}");
    body("a body that is an array", make, R"(["CANARY"])");
    body("an unknown field", make, R"({"engine":"redis","plan":"small","password":"CANARY"})");
    body("an unknown field of the Redis API", "/v1/redis/instance", R"({"plan":"small","password":"CANARY"})");
    body("a field's name", make, R"({"engine":"redis","plan":"small","CANARY":1})", "", true);
    body("a field twice", make, R"({"engine":"redis","plan":"small","name":"CANARY","name":"CANARY"})");
    body("a wrong type", make, R"({"engine":{"password":"CANARY"},"plan":"small"})");
    body("a wrong type of the Redis API", "/v1/redis/instance", R"({"plan":["CANARY"],"billingcode":"gwp"})");
    body("a name", make, R"({"engine":"redis","plan":"small","name":"redis://u:CANARY@h"})");
    body("a billing code", make,
         R"({"engine":"redis","plan":"small","billing_code":"CANARY)" + std::string(300, 'x') + "\"}");
    body("a role", "/api/v1/keys", R"({"role":"CANARY"})");
    body("an end of a key", "/api/v1/keys", R"({"role":"user","expires_at":"CANARY"})");
    body("a type of event", "/api/v1/webhooks", R"({"url":"https://example.org/","types":["CANARY"]})");
    body("a long body", make, R"({"name":"CANARY)" + std::string(300'000, 'x') + "\"}");
    body("a verb", "/api/v1/plan", R"({"verb":"CANARY"})");
    send(inputs);
}

void CanaryRun::plant_in_webhooks() {
    const auto post = [&](const std::string& name, const std::string& address) {
        const std::string body = fmt::format(fmt::runtime(R"({{"url":")" + address + R"("}})"), plant(name));
        send({{name, "POST", "/api/v1/webhooks", as_bearer(key_), body}});
        EXPECT_EQ(ask("POST", "/api/v1/webhooks", as_bearer(key_), body).substr(9, 3), "400") << name;
    };
    post("a webhook's password", "https://user:{}@example.org/");
    post("a webhook's user", "https://{}@example.org/");
    post("a webhook's fragment", "https://example.org/#{}");
    post("a webhook's port", "https://example.org:{}/");
    post("a webhook's scheme", "{}://example.org/");
    post("a webhook's plain address", "http://example.org/?token={}");
}

void CanaryRun::plant_in_commands() {
    const std::string server = fmt::format("{}://localhost:{}", tls() ? "https" : "http", site_.port());
    const auto refused = [&](const std::string& name, const std::vector<std::string>& words,
                             const std::string& key) {
        const Ended ended = command(words, key);
        if (words.front() != "doctor") EXPECT_NE(ended.status, 0) << name;
        expect_clean("the output of: " + name, ended.out + ended.err);
    };
    for (const std::string verb : {"ls", "ops", "keys", "doctor"}) {
        std::vector<std::string> words{verb};
        if (verb == "keys") words.emplace_back("ls");
        refused(verb + " with a wrong key", words, plant(verb + " with a wrong key"));
    }
    refused("a wrong key of the right form", {"ls"}, "slk_" + plant("a wrong key of the right form"));
    refused("a key in two lines", {"ls"}, "slk_" + plant("a key in two lines") + "\nX-Other: 1");
    refused("a key for an id", {"keys", "revoke", "slk_" + plant("a key for an id")}, site_.admin_key());
    const fs::path file = pems_.write("key", plant("a key file") + "\n");
    refused("a key file", {"ls", "--key-file", file}, "");
    refused("a webhook with a password",
            {"webhooks", "create", "https://u:" + plant("a webhook with a password") + "@h/"}, key_);
}

void CanaryRun::search_answers() {
    for (const std::string target : {"/metrics",
                                     "/healthz",
                                     "/readyz",
                                     "/api/v1/openapi.yaml",
                                     "/api/v1/openapi/redis.yaml",
                                     "/api/v1/openapi/memcached.yaml",
                                     "/api/v1/me",
                                     "/api/v1/plans",
                                     "/api/v1/resources?include_gone=true",
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

// The server knows what it was given; what it starts does not.
void CanaryRun::search_processes() {
    const auto all = site_.processes();
    EXPECT_GE(all.size(), 4U) << "the server, its helper and two engines";
    for (const agent::Process& each : all) {
        const fs::path proc = "/proc/" + std::to_string(each.pid);
        const bool server = each.pid == site_.program().pid();
        const std::string what = fs::read_symlink(proc / "exe").string();
        EXPECT_NE(file_text(proc / "cmdline"), "");
        expect_clean("the command line of " + what, file_text(proc / "cmdline"));
        expect_clean("the environment of " + what, file_text(proc / "environ"),
                     server ? Names{"environment of the server"} : Names());
        EXPECT_THAT(file_text(proc / "limits"), HasSubstr("Max core file size        0                    0"))
            << what;
        // A dump that is made all the same holds no memory.
        EXPECT_EQ(file_text(proc / "coredump_filter"), "00000000\n") << what;
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
    expect_clean("the environment of a command", file_text(proc + "/environ"), {"administrator's key"});
    follower.signal(SIGINT);
    EXPECT_EQ(follower.wait(), 130);
    expect_clean("the events that were followed", *first + follower.rest() + file_text(log));
}

// Everything is on disk as it stays there.
void CanaryRun::search_files() {
    std::size_t seen = 0;
    Names in_store;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(site_.state())) {
        if (!entry.is_regular_file()) continue;
        ++seen;
        const std::string path = entry.path();
        // The engine reads its configuration, and has no other right to it.
        const mode_t group = path.ends_with("/redis.conf") ? 040U : 0U;
        EXPECT_EQ(mode_of(path) & 077U, group) << path;
        const std::string text = file_text(path);
        if (path.ends_with("/admin.key")) {
            expect_clean(path, text, {"administrator's key"});
        } else if (path.ends_with("/master.key")) {
            expect_clean(path, text, {"master key"});
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
    search_answers();
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
         {"/v1/redis/instance", "/api/v1/resources/sessions", "a delivery failed", "[redacted]"}) {
        EXPECT_THAT(site_.log(), HasSubstr(part));
    }
}

INSTANTIATE_TEST_SUITE_P(Logs, CanaryRun,
                         ::testing::Values(Run{"JsonOverTls", "json", true}, Run{"TextOverHttp", "text", false}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace slipway::testing
