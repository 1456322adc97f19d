// What the tests of databases over HTTP share: a site, and its clusters' databases by the HarbourMaster API.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"
#include "sql_client.h"

namespace slipway::testing {

constexpr const char* kClusters = "/v1/organizations/default/clusters";
constexpr const char* kInstances = "/v1/hephy/instances";

class DatabasesOverHttp : public ::testing::Test {
  protected:
    explicit DatabasesOverHttp(std::string engine) : engine_(std::move(engine)) {}

    Answer ask(const std::string& method, const std::string& target, const std::string& body = {}) const {
        return as(site_.admin_key(), method, target, body);
    }
    Answer as(const std::string& key, const std::string& method, const std::string& target,
              const std::string& body = {}) const {
        return site_.request(method, target, body,
                             fmt::format("Authorization: {}\r\nAccept: application/json\r\n"
                                         "Content-Type: application/json\r\n",
                                         key));
    }
    static std::string path_of(const std::string& cluster) {
        return fmt::format("{}/{}/hephy/databases", kClusters, cluster);
    }
    // Accepted, and not waited for.
    void request(const std::string& cluster) const {
        EXPECT_EQ(ask("POST", kClusters, fmt::format(R"({{"name":"{}"}})", cluster)).status, 201);
        const Answer made = ask("POST", path_of(cluster), fmt::format(R"({{"engine":"{}"}})", engine_));
        EXPECT_EQ(made.status, 201) << made.body;
    }
    [[nodiscard]] std::string state_of(const std::string& cluster) const {
        return ask("GET", path_of(cluster)).text("state");
    }
    bool comes_to(const std::string& cluster, const std::string& state) const {
        return eventually([&] { return state_of(cluster) == state; }, std::chrono::seconds(60));
    }
    Login login_of(const std::string& cluster) const {
        const Answer found = ask("GET", path_of(cluster));
        const std::string port = found.text("hephy_db_port");
        return {engine_, static_cast<std::uint16_t>(port.empty() ? 0 : std::stoul(port)),
                found.text("hephy_db_user"), found.text("hephy_db_password"), found.text("hephy_db_name")};
    }
    Login create(const std::string& cluster) const {
        request(cluster);
        EXPECT_TRUE(comes_to(cluster, "ready")) << ask("GET", path_of(cluster)).body << site_.log();
        return login_of(cluster);
    }
    json::array instances() const {
        const Answer found = ask("GET", kInstances);
        EXPECT_EQ(found.status, 200) << found.body;
        return found.object().at("instances").as_array();
    }
    // The server's main process: the holder of its directory's lock.
    pid_t server_process(const Login& login) const {
        namespace fs = std::filesystem;
        for (const auto& entry : fs::directory_iterator(site_.state() + "/instances")) {
            if (entry.path().filename().string().starts_with('.')) continue;
            const auto meta = json::parse(file_text(entry.path() / "meta.json"));
            if (meta && json::get_int(meta->as_object(), "port") == login.port) {
                return static_cast<pid_t>(std::stol(file_text(entry.path() / "lock")));
            }
        }
        return 0;
    }

    std::string engine_;
    Site site_;
};

// What holds for both engines.
class ServeDatabases : public DatabasesOverHttp, public ::testing::WithParamInterface<std::string> {
  protected:
    ServeDatabases() : DatabasesOverHttp(GetParam()) {}
};

}  // namespace slipway::testing
