// What the tests of the native face share: keys of every role, and requests in one line.
#pragma once

#include <string>
#include <vector>

#include "faces/face_test_support.h"

namespace slipway::faces::test {

// Logs that the test has written; they are read in parts of twenty bytes.
class Logs final : public OperationLogs {
  public:
    std::map<OperationId, std::string> texts;
    bool broken = false;

    std::shared_ptr<StepLog> open(const OperationId&, std::vector<Secret>) override { return nullptr; }
    Result<LogPart> read(const OperationId& operation, std::uint64_t offset, std::size_t) const override {
        if (broken) return fail(ErrorCode::storage, "the disk is broken");
        const auto found = texts.find(operation);
        const std::string text = found == texts.end() ? "" : found->second;
        const std::size_t from = std::min<std::size_t>(offset, text.size());
        const std::string part = text.substr(from, 20);
        return LogPart{part, from + part.size()};
    }
    Status remove(const OperationId&) override { return {}; }
};

class NativeTest : public testing::Test {
  protected:
    NativeTest() = default;
    explicit NativeTest(Catalog plans) : world(false, std::move(plans)) {}

    Reply get(std::string_view path, const Fields& as) { return world.ask(Method::get, path, "", as); }
    Reply post(std::string_view path, std::string body, const Fields& as) {
        return world.ask(Method::post, path, std::move(body), as);
    }
    Reply patch(std::string_view path, std::string body, const Fields& as) {
        return world.ask(Method::patch, path, std::move(body), as);
    }
    Reply put(std::string_view path, std::string body, const Fields& as) {
        return world.ask(Method::put, path, std::move(body), as);
    }
    Reply drop(std::string_view path, const Fields& as) { return world.ask(Method::delete_, path, "", as); }
    static Fields with(Fields fields, std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return fields;
    }
    static std::string text(const json::object& from, std::string_view key) { return json::get_string(from, key); }
    static json::object member(const Reply& reply, std::string_view key) {
        const json::object all = reply.json();
        const auto* found = all.if_contains(key);
        EXPECT_TRUE(found != nullptr && found->is_object()) << reply.body;
        return found != nullptr && found->is_object() ? found->get_object() : json::object();
    }
    static json::array items(const Reply& reply, std::string_view key) {
        const json::object all = reply.json();
        const auto* found = all.if_contains(key);
        EXPECT_TRUE(found != nullptr && found->is_array()) << reply.body;
        return found != nullptr && found->is_array() ? found->get_array() : json::array();
    }
    static std::vector<std::string> fields_of(const Reply& reply) {
        std::vector<std::string> fields;
        for (const json::value& each : items(reply, "problems")) {
            fields.push_back(text(each.as_object(), "field"));
        }
        return fields;
    }
    // A ready resource of the team; `more` are further members of the request.
    json::object make(const std::string& more = "", const std::string& plan = "small") {
        world.manual.advance(std::chrono::seconds(1));
        const Reply made = post("/api/v1/resources",
                                fmt::format(R"({{"engine":"redis","plan":"{}","wait_seconds":60{}{}}})", plan,
                                            more.empty() ? "" : ",", more),
                                user);
        EXPECT_EQ(made.status, 201) << made.body;
        return made.status == 201 ? member(made, "resource") : json::object();
    }
    Orphan lost(std::string kind = "lost") {
        Orphan orphan;
        orphan.provider = "local";
        orphan.external_name = "oct-0badcafe";
        orphan.kind = std::move(kind);
        orphan.resource = ResourceId("res_lost");
        orphan.generation = 1;
        orphan.first_seen = orphan.last_seen = world.clock().now();
        Commit commit;
        commit.writes.emplace_back(write::PutOrphan{orphan});
        EXPECT_TRUE(world.run(world.store.commit(std::move(commit))));
        world.worker.put(orphan.external_name);
        return orphan;
    }
    void serve_ports() {
        world.ports.logs = &logs;
        world.ports.orphans = [this] { return world.store.orphans(); };
        world.ports.sweep = [](SweepRequest) -> Task<Result<SweepResult>> { co_return SweepResult{}; };
        world.ports.doctor = []() -> Task<Result<std::vector<Finding>>> { co_return std::vector<Finding>(); };
        world.ports.remove_orphan = [](std::string provider, std::string name) -> Task<Result<OrphanRemoval>> {
            if (name != "oct-0badcafe") co_return fail(ErrorCode::not_found, "no sweep has found such an orphan");
            OrphanRemoval removal;
            removal.orphan.provider = provider;
            removal.orphan.external_name = name;
            removal.orphan.kind = "lost";
            removal.removed = true;
            co_return removal;
        };
        world.ports.test_webhook = [](WebhookId) -> Task<Result<Delivery>> {
            co_return Delivery{false, 500, "it answered 500"};
        };
    }

    World world;
    Fields admin = World::bearer(world.key("default", Role::administrator));
    Fields user = World::bearer(world.key("team", Role::user));
    Logs logs;
    Fields reader = World::bearer(world.key("team", Role::reader));
    Fields stranger = World::bearer(world.key("other", Role::user));
};

}  // namespace slipway::faces::test
