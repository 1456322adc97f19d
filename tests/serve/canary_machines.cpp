// Machines: the passwords that their owners give, in the requests that are carried out and in those that are not.
#include <gmock/gmock.h>

#include "canary_run.h"

namespace slipway::testing {

using ::testing::StartsWith;

namespace {

std::string login(const std::string& username, const std::string& password, const std::string& more = {}) {
    return fmt::format(R"({{"username":"{}","password":"{}"{}}})", username, password, more);
}

}  // namespace

// By a provider that makes nothing: what is looked for is what the server makes of them.
void CanaryRun::make_machines() {
    const std::string body = login("suitepad", plant("a machine's password"));
    const std::string made = ask("POST", "/create", "Idempotency-Key: of-a-machine\r\n", body);
    ASSERT_THAT(made, StartsWith("HTTP/1.1 200 "));
    expect_clean("the answer with a machine's address", made);
    expect_clean("the answer to the same again",
                 ask("POST", "/create-async", "Idempotency-Key: of-a-machine\r\n", body));
    const std::string other = ask("POST", "/create", "Idempotency-Key: of-a-machine\r\n",
                                  login("suitepad", plant("another password under the same key")));
    EXPECT_THAT(other, StartsWith("HTTP/1.1 422 "));
    expect_clean("the answer to another password", other);
    for (const std::string target : {"/create-async", "/instances"}) {
        const std::string begun = ask("POST", target, "", login("suitepad", plant("a password for " + target)));
        EXPECT_THAT(begun, StartsWith("HTTP/1.1 20"));
        expect_clean("the answer of " + target, begun);
    }
    const std::string native = ask("POST", "/api/v1/resources", as_bearer(key_),
                                   login("suitepad", plant("a native machine's password"),
                                         R"(,"engine":"vm","plan":"tiny","name":"web1","wait_seconds":60)"));
    ASSERT_THAT(native, StartsWith("HTTP/1.1 201 "));
    expect_clean("the answer that tells of a new machine", native);
    expect_clean("the credentials of a machine", ask("GET", "/api/v1/resources/web1/credentials", as_bearer(key_)));
    const std::filesystem::path file = pems_.write("password", plant("a machine's password in a file") + "\n");
    const Ended commanded = command(
        {"create", "vm", "tiny", "--name", "web2", "--username", "suitepad", "--password-file", file}, key_);
    ASSERT_EQ(commanded.status, 0) << commanded.err;
    expect_clean("the output of create", commanded.out + commanded.err);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"machines", "-A", "-o", "wide"},
                                                  {"show", "web1", "--events"},
                                                  {"url", "web1"}}) {
        const Ended shown = command(words, words.front() == "machines" ? site_.admin_key() : key_);
        EXPECT_EQ(shown.status, 0) << shown.err;
        expect_clean("the output of " + words.front(), shown.out + shown.err);
    }
    const std::string removed = ask("GET", "/delete/" + text_in(made, "ip"));
    EXPECT_THAT(removed, StartsWith("HTTP/1.1 200 "));
}

void CanaryRun::plant_in_machines() {
    const std::string native = "/api/v1/resources";
    std::vector<Input> inputs;
    const auto body = [&](const std::string& name, const std::string& target, std::string text) {
        const std::size_t at = text.find("CANARY");
        text.replace(at, 6, plant(name));
        inputs.push_back({name, "POST", target, target.starts_with("/api/") ? as_bearer(key_) : "", text});
    };
    body("a password beside a bad username", "/create", R"({"username":"root","password":"CANARY"})");
    body("a password beside no username", "/create-async", R"({"password":"CANARY"})");
    body("a password for a username", "/create", R"({"username":"CANARY","password":"x"})");
    body("a password with a newline", "/create-async", R"({"username":"a","password":"CANARY\nx"})");
    body("a password that is too long", "/instances",
         R"({"username":"a","password":"CANARY)" + std::string(4096, 'x') + "\"}");
    body("a password in a list", "/create", R"({"username":"a","password":["CANARY"]})");
    body("a password twice", "/create", R"({"username":"a","password":"CANARY","password":"CANARY"})");
    body("a password in a body cut short", "/create", R"({"username":"a","password":"CANARY")");
    body("a password in a form", "/create", "username=a&password=CANARY");
    body("a password of a cache", native,
         R"({"engine":"redis","plan":"small","username":"a","password":"CANARY"})");
    body("a password beside a bad plan", native,
         R"({"engine":"vm","plan":"x","username":"a","password":"CANARY"})");
    body("a password in a dry run", "/api/v1/plan",
         R"({"verb":"create","request":{"engine":"vm","plan":"tiny","username":"a","password":"CANARY"}})");
    body("a password in a refused dry run", "/api/v1/plan",
         R"({"verb":"create","request":{"engine":"vm","plan":"tiny","username":"root","password":"CANARY"}})");
    const std::string console = native + "/web1/console";
    for (const std::string name : {"what is typed at a console", "a line that is typed at a console"}) {
        inputs.push_back(
            {name, "POST", console, as_bearer(key_), plant(name) + (name.contains("line") ? "\r" : "")});
    }
    const std::string large = "what is typed at a console, and too much";
    inputs.push_back({large, "POST", console, as_bearer(key_), plant(large) + std::string(4096, 'x')});
    for (const std::string name : {"after", "tail", "wait"}) {
        const std::string input = "a place in a console as " + name;
        inputs.push_back({input, "GET", fmt::format("{}?{}={}", console, name, plant(input)), as_bearer(key_)});
    }
    send(inputs);
    send({{"a password for an address", "GET", "/delete/" + plant("a password for an address")},
          {"a password for an address, later", "GET", "/delete-async/" + plant("a password for an address, later")},
          {"a password for an instance", "DELETE", "/instances/" + plant("a password for an instance")},
          {"a password for a task", "GET", "/status/" + plant("a password for a task")},
          {"a password in a query of a deletion", "GET",
           "/delete/198.18.0.1?password=" + plant("a password in a query of a deletion")}});
    const auto refused = [&](const std::string& name, std::vector<std::string> words) {
        const Ended ended = command(std::move(words), key_);
        EXPECT_NE(ended.status, 0) << name;
        expect_clean("the output of: " + name, ended.out + ended.err);
    };
    refused("a password as an option",
            {"create", "vm", "tiny", "--username", "a", "--password=" + plant("a password as an option")});
    refused("a password that is refused", {"create", "vm", "tiny", "--username", "root", "--password-file",
                                           pems_.write("refused", plant("a password that is refused"))});
}

}  // namespace slipway::testing
