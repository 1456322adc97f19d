// One run of the built program with canaries in all its inputs.
#pragma once

#include "canary_test_support.h"
#include "sql_client.h"

namespace slipway::testing {

using Names = std::set<std::string>;

struct Run {
    std::string name;
    std::string format;
    bool tls;
    std::string engine;  // of databases
};
inline void PrintTo(const Run& run, std::ostream* out) { *out << run.name; }

// A request that carries the canary of its name; `told`: the sender is told what it sent.
struct Input {
    std::string name;
    std::string method;
    std::string target;
    std::string fields = {};
    std::string body = {};
    bool told = false;
};

json::object object_in(const std::string& answer);
std::string text_in(const std::string& answer, std::string_view key);
std::string as_bearer(const std::string& key);

class CanaryRun : public CanaryTest, public ::testing::WithParamInterface<Run> {
  protected:
    [[nodiscard]] bool tls() const { return GetParam().tls; }
    void start();
    void start_site();
    void know_key(const std::string& name, const std::string& pem);
    // Everything that is answered to these bytes.
    std::string say(const std::string& bytes) const;
    std::string ask(const std::string& method, const std::string& target, const std::string& fields = {},
                    const std::string& body = {}) const;
    std::string as_administrator(const std::string& method, const std::string& target,
                                 const std::string& body = {}) const {
        return ask(method, target, as_bearer(site_.admin_key()), body);
    }
    void send(const std::vector<Input>& inputs) const;
    // By the HarbourMaster API.
    std::string hephy(const std::string& key, const std::string& method, const std::string& target,
                      const std::string& body = {}) const;
    // The answer that has this state.
    std::string hephy_comes_to(const std::string& target, const std::string& state) const;
    Ended command(std::vector<std::string> words, const std::string& key) const;

    void make_secrets();
    void make_caches();
    void make_webhooks();
    void make_databases();
    void make_machines();
    std::string make_database(const std::string& cluster, const std::string& body) const;
    void back_up(const Login& login);
    void rotate(const Login& former);
    void know_what_is_sealed();
    void plant_in_heads();
    void plant_in_targets();
    void plant_in_bodies();
    void plant_in_webhooks();
    void plant_in_commands();
    void plant_in_hephy_heads();
    void plant_in_hephy_bodies();
    void plant_in_machines();
    void ask_what_is_not_theirs();

    void search_answers();
    void search_hephy_answers() const;
    void search_stream() const;
    void search_commands();
    void search_deliveries();
    void search_processes();
    void search_followed_events();
    void search_files();

    http::test::TestAuthority authority_;
    std::vector<std::string> words_;
    std::map<std::string, std::string> environment_;
    std::string instance_;         // where databases are
    std::string master_password_;  // its
    Recorder recorder_;
    std::string key_;     // of a user
    std::string reader_;  // the key of one who only reads
    RedisUrl url_{"redis://default:none@none:1"};
    RedisUrl anonymous_url_{"redis://default:none@none:1"};
    // In the addresses of webhooks, which whoever belongs to their organization may read.
    const Names addresses_{"path of a webhook", "query of a webhook", "path of a failing webhook",
                           "query of an unreachable webhook"};
};

}  // namespace slipway::testing
