// A world with shared servers and what one asks of it there.
#pragma once

#include <gmock/gmock.h>

#include "faces/face_test_support.h"

namespace slipway::faces::test {

inline Catalog hephy_catalog(std::uint64_t threshold = 50) {
    std::vector<Plan> plans;
    for (const std::string engine : {"postgres", "mysql"}) {
        Plan server;
        server.kind = Kind::database_server;
        server.engine = engine;
        server.name = "small";
        server.provider = "local";
        server.parameters = {{"instance_class", "db.t3.medium"}};
        Plan database;
        database.kind = Kind::database;
        database.engine = engine;
        database.name = "shared";
        database.provider = "databases";
        database.placement = PlacementRule{"small", threshold, true};
        plans.push_back(std::move(server));
        plans.push_back(std::move(database));
    }
    return Catalog(std::move(plans));
}

class HephyWorld : public World {
  public:
    explicit HephyWorld(std::uint64_t threshold = 50) : World(false, hephy_catalog(threshold)) {}

    // As clients of the API send it.
    static Fields fields(const std::string& key) {
        return {{"Authorization", key}, {"Accept", "application/json"}, {"Content-Type", "application/json"}};
    }
    Reply as(const std::string& key, Method method, std::string_view target, std::string body = {}) {
        Fields all = fields(key);
        if (!body.empty()) all.emplace_back("Content-Length", std::to_string(body.size()));
        return ask(method, target, std::move(body), all);
    }
    // An organization with one cluster; a key of its own.
    std::string tenant(const std::string& organization, const std::string& cluster = "shop") {
        EXPECT_EQ(
            as(admin, Method::post, "/v1/organizations", json::dump(json::object{{"name", organization}})).status,
            201);
        const Reply made = as(admin, Method::post, "/v1/organizations/" + organization + "/keys", "{}");
        EXPECT_EQ(made.status, 201) << made.body;
        const std::string key = json::get_string(made.json(), "key");
        add_cluster(key, organization, cluster);
        return key;
    }
    void add_cluster(const std::string& key, const std::string& organization, const std::string& cluster) {
        const Reply made = as(key, Method::post, "/v1/organizations/" + organization + "/clusters",
                              json::dump(json::object{{"name", cluster}}));
        EXPECT_EQ(made.status, 201) << made.body;
    }
    static std::string path(const std::string& organization, const std::string& cluster = "shop") {
        return fmt::format("/v1/organizations/{}/clusters/{}/hephy/databases", organization, cluster);
    }
    static std::string text(const Reply& reply, std::string_view key) {
        return json::get_string(reply.json(), key);
    }

    // Those that a refusal finds fault with.
    static std::set<std::string> fields_of(const Reply& refused) {
        std::set<std::string> fields;
        const json::object body = refused.json();
        const json::value* details = body.if_contains("details");
        if (details == nullptr) return fields;
        for (const json::value& each : details->as_array()) {
            fields.insert(json::get_string(each.as_object(), "field"));
        }
        return fields;
    }

    const std::string admin = key("default", Role::administrator);
};

}  // namespace slipway::faces::test
