// One run of the built program with canaries in all its inputs.
#pragma once

#include "canary_test_support.h"

namespace slipway::testing {

using Names = std::set<std::string>;

struct Run {
    std::string name;
    std::string format;
    bool tls;
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
    void ask_what_is_not_theirs();

    void search_answers();
    void search_stream() const;
    void search_commands();
    void search_deliveries();
    void search_processes();
    void search_followed_events();
    void search_files();

    http::test::TestAuthority authority_;
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
