// How the program is started and asked, and the secrets that it makes itself.
#include "canary_run.h"

#include <gmock/gmock.h>
#include <sodium.h>

namespace slipway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

// Those that there are without a configuration, but for machines, which nothing is made for here.
constexpr std::string_view kPlans = R"(
[[plan]]
name = "small"
[[plan]]
name = "medium"
[[plan]]
engine = "memcached"
name = "small"
[[plan]]
kind = "database-server"
engine = "postgres"
name = "small"
parameters = {instance_class = "db.t3.medium", max_connections = 200}
[[plan]]
kind = "database-server"
engine = "mysql"
name = "small"
parameters = {instance_class = "db.t3.medium", max_connections = 200}
[[plan]]
kind = "database"
engine = "postgres"
name = "shared"
[[plan]]
kind = "database"
engine = "mysql"
name = "shared"
[[plan]]
kind = "backup"
engine = "postgres"
name = "standard"
[[plan]]
kind = "backup"
engine = "mysql"
name = "standard"
[[plan]]
kind = "machine"
engine = "vm"
name = "tiny"
provider = "dummy"
parameters = {image = "tiny"}
)";

std::string bytes_of_base64(std::string_view text) {
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    EXPECT_EQ(sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                text.size(), "\n", &size, nullptr, sodium_base64_VARIANT_ORIGINAL),
              0);
    bytes.resize(size);
    return bytes;
}

}  // namespace

json::object object_in(const std::string& answer) {
    const auto parsed = json::parse(answer.substr(std::min(answer.find("\r\n\r\n"), answer.size())));
    if (parsed && parsed->is_object()) return parsed->get_object();
    ADD_FAILURE() << "no JSON object: " << answer;
    return {};
}

std::string text_in(const std::string& answer, std::string_view key) {
    return json::get_string(object_in(answer), key);
}

std::string as_bearer(const std::string& key) { return "Authorization: Bearer " + key + "\r\n"; }

// What comes before and after it is the same in every key, or public.
void CanaryRun::know_key(const std::string& name, const std::string& pem) {
    const std::size_t line = pem.find('\n') + 1;
    canaries_.know(name, pem.substr(line + 48, 16));
    canaries_.know(name, pem.substr(line + 65, 26));
}

void CanaryRun::start() {
    words_ = {"--log-format", GetParam().format, "--log-level", "debug"};
    std::string databases;
    if (tls()) {
        const http::test::IssuedPair pair = authority_.issue();
        pems_.write(pair);
        know_key("TLS key", pair.key.reveal());
        words_.insert(words_.end(), {"--tls-cert", pems_.certificate(), "--tls-key", pems_.key()});
        const http::test::IssuedPair other = authority_.issue();
        know_key("databases' TLS key", other.key.reveal());
        databases = fmt::format("[databases]\ntls = \"allow\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n",
                                pems_.write("databases.pem", other.certificate).string(),
                                pems_.write("databases.key", other.key.reveal()).string());
    }
    // The first port is taken, so that an attempt fails.
    const std::string address = recorder_.address();
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    site_.configure(fmt::format("[webhooks]\nallow_private = true\n[local]\nport_first = {}\nport_last = {}\n{}{}",
                                port, std::min(port + 500, 65'535), databases, kPlans));
    const std::string secret = plant("environment of the server");
    environment_ = {{"SECRET_OF_SOMEBODY", secret}, {"SLIPWAY_KEY", secret}};
    ASSERT_NO_FATAL_FAILURE(start_site());
    canaries_.know("administrator's key", site_.admin_key().substr(4));
    const std::string master = file_text(site_.state() + "/master.key");
    canaries_.know("master key", master);
    canaries_.know("master key", bytes_of_base64(master));
}

void CanaryRun::start_site() { site_.start(words_, environment_); }

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
    reader_ = made.out.substr(0, made.out.find('\n'));
    canaries_.know("reader's key", reader_.substr(4));
    expect_clean("the output of keys create", made.out, {"reader's key"});
    expect_clean("the progress of keys create", made.err);
    make_webhooks();
    make_caches();
    make_databases();
    make_machines();
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

}  // namespace slipway::testing
