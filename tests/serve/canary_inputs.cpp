// Where a secret can stand in what the program is given while it runs.
#include <gmock/gmock.h>
#include <sodium.h>

#include "canary_run.h"

namespace slipway::testing {

using ::testing::StartsWith;
namespace fs = std::filesystem;

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
        out.pop_back();
        return out;
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
    body("an unknown plan", make, R"({"engine":"redis","plan":"CANARY"})");
    body("an unknown engine", make, R"({"engine":"CANARY","plan":"small"})");
    body("an unknown plan of the Redis API", "/v1/redis/instance", R"({"plan":"CANARY","billingcode":"gwp"})");
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

// And those who know the server, but not what is in it.
void CanaryRun::ask_what_is_not_theirs() {
    const std::string again =
        ask("POST", "/api/v1/keys", as_bearer(site_.admin_key()) + "Idempotency-Key: of-a-key\r\n",
            R"({"role":"user","description":"of a test"})");
    expect_clean("the repeated answer to the repeated request", again, {"user's key"});
    const std::string credentials = "/api/v1/resources/sessions/credentials";
    for (const std::string& fields : {as_bearer(reader_), as_bearer("slk_x"), std::string()}) {
        const std::string answer = ask("GET", credentials, fields);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 40"));
        expect_clean("the answer to who is not the owner", answer);
    }
    expect_clean("the URL for who is not the owner", ask("GET", "/v1/redis/url/" + url_.name));
    if (!tls()) return;
    http::test::RawClient plain(site_.port());
    plain.send("GET /v1/redis/plans HTTP/1.1\r\nHost: x\r\n" + as_bearer("slk_" + plant("a key sent in clear")) +
               "\r\n");
    const std::string refusal = plain.read_to_end();
    EXPECT_THAT(refusal, StartsWith("HTTP/1.1 400 "));
    expect_clean("the answer to a key sent in clear", refusal);
}

}  // namespace slipway::testing
