#include "store/codec.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

const TimePoint kNow = from_micros(1'700'000'000'123'456);
const std::string kOdd = std::string("tab\t \"quoted\" back\\slash \x01 é \xff\xfe nul\0 end", 41);

Resource full_resource() {
    Resource in;
    in.id = ResourceId("res_1");
    in.name = kOdd;
    in.kind = Kind::database_server;
    in.engine = "postgres";
    in.plan = "small";
    in.provider = "local";
    in.external_name = "slipway-1";
    in.generation = 18'446'744'073'709'551'615U;
    in.organization = OrganizationId("acme");
    in.face = "native";
    in.billing_code = "code";
    in.labels = {{"team", "x"}, {kOdd, kOdd}, {"", ""}};
    in.pooled = true;
    in.host = HostId("host-1");
    in.health = Health::degraded;
    in.health_at = kNow;
    in.health_detail = "slow";
    in.remnants = {"a database", kOdd};
    in.parameters = {{"n", 1}, {"d", 0.5}, {"deep", {{"list", {1, nullptr, true}}}}, {"big", UINT64_MAX}};
    in.allocations = {{"port", 10'000}, {"low", INT64_MIN}};
    in.secrets = {{"password", {"key-1", "c2VhbGVk"}}, {kOdd, {"", ""}}};
    in.handle = {{"pid", 7}};
    in.placed_on = ResourceId("res_0");
    in.address = "10.77.0.2";
    in.expiry = Expiry{kNow, from_micros(to_micros(kNow) - 1), true, true};
    in.own_parameters = {{"database", kOdd}};
    in.created_at = kNow;
    in.updated_at = from_micros(-1);
    in.version = 9;
    return in;
}

void expect_same(const Resource& a, const Resource& b) {
    EXPECT_EQ(encode(a), encode(b));
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.generation, b.generation);
    EXPECT_EQ(a.organization, b.organization);
    EXPECT_EQ(a.labels, b.labels);
    EXPECT_EQ(a.pooled, b.pooled);
    EXPECT_EQ(a.host, b.host);
    EXPECT_EQ(a.state, b.state);
    EXPECT_EQ(a.health, b.health);
    EXPECT_EQ(a.health_at, b.health_at);
    EXPECT_EQ(a.remnants, b.remnants);
    EXPECT_EQ(a.parameters, b.parameters);
    EXPECT_EQ(a.allocations, b.allocations);
    EXPECT_EQ(a.secrets, b.secrets);
    EXPECT_EQ(a.handle, b.handle);
    EXPECT_EQ(a.placed_on, b.placed_on);
    EXPECT_EQ(a.address, b.address);
    EXPECT_EQ(a.expiry, b.expiry);
    EXPECT_EQ(a.own_parameters, b.own_parameters);
    EXPECT_EQ(a.updated_at, b.updated_at);
    EXPECT_EQ(a.version, b.version);
}

TEST(Codec, WhatMostResourcesHaveNotIsLeftOutAndAnOldRowHasIt) {
    Resource in = full_resource();
    in.placed_on = {};
    in.address = {};
    in.expiry = {};
    in.own_parameters = {};
    const std::string body = encode(in);
    EXPECT_EQ(body.find("placed_on"), std::string::npos);
    EXPECT_EQ(body.find("address"), std::string::npos);
    EXPECT_EQ(body.find("expiry"), std::string::npos);
    EXPECT_EQ(body.find("own_parameters"), std::string::npos);
    const auto out = decode_resource("res_1", body, 9);
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->placed_on.empty());
    EXPECT_TRUE(out->address.empty());
    EXPECT_FALSE(out->expiry);
    EXPECT_TRUE(out->own_parameters.empty());
}

TEST(Codec, EveryStateOfAResourceComesBackAsItWas) {
    using namespace resource_state;
    const OperationId op("op_1");
    const Endpoint endpoint{"redis", "cache.example", 65'535};
    const std::vector<ResourceState> states = {Requested{op},
                                               Provisioning{op},
                                               Ready{endpoint, {}},
                                               Ready{endpoint, op},
                                               Updating{op, endpoint},
                                               Deprovisioning{op},
                                               Deprovisioning{op, true},
                                               Gone{kNow},
                                               Failed{kOdd}};
    std::set<std::size_t> alternatives;
    for (const ResourceState& state : states) {
        Resource in = full_resource();
        in.state = state;
        alternatives.insert(state.index());
        const auto out = decode_resource("res_1", encode(in), 9);
        ASSERT_TRUE(out) << out.error().message << out.error().detail;
        expect_same(*out, in);
    }
    EXPECT_EQ(alternatives.size(), std::variant_size_v<ResourceState>) << "a new state is not tested here";
}

TEST(Codec, AResourceOfDefaultsComesBackToo) {
    const auto out = decode_resource("", encode(Resource()), 0);
    ASSERT_TRUE(out) << out.error().detail;
    expect_same(*out, Resource());
}

Operation full_operation() {
    Operation in;
    in.id = OperationId("op_1");
    in.resource = ResourceId("res_1");
    in.organization = OrganizationId("acme");
    in.kind = OperationKind::update;
    in.provider = "local";
    in.host = HostId("host-1");
    in.direction = Direction::undo;
    in.cursor = 3;
    for (const StepKind kind : {StepKind::create, StepKind::verify, StepKind::update, StepKind::change,
                                StepKind::restart, StepKind::remove}) {
        in.steps.push_back(
            {.kind = kind, .attempts = 4'294'967'295U, .last_error = kOdd, .request_id = "req", .moves = 5});
    }
    in.steps[0].uncertain = true;
    in.steps[1].absent_once = true;
    in.steps[1].status = StepStatus::intended;
    in.steps[2].status = StepStatus::done;
    in.steps[3].status = StepStatus::undone;
    in.token = "token";
    in.fence = 7;
    in.leases = 8;
    in.cancel_requested = true;
    in.cancel_reason = "asked";
    in.failure = kOdd;
    in.blocked_by = OperationId("op_0");
    in.run_at = kNow;
    in.deadline = kNow + std::chrono::hours(1);
    in.actor = "key_1";
    in.request_id = "request";
    in.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    in.created_at = kNow;
    in.updated_at = kNow;
    in.version = 3;
    return in;
}

TEST(Codec, EveryStateOfAnOperationComesBackAsItWas) {
    using namespace operation_state;
    const std::vector<OperationState> states = {Queued{},
                                                Running{LeaseToken("lease_1"), kNow},
                                                Waiting{kNow, kOdd},
                                                Retrying{kNow, "error"},
                                                Succeeded{kNow},
                                                Failed{kNow, "why"},
                                                Cancelled{kNow, "asked"}};
    std::set<std::size_t> alternatives;
    for (const OperationState& state : states) {
        Operation in = full_operation();
        in.state = state;
        alternatives.insert(state.index());
        const auto out = decode_operation("op_1", encode(in), 3, "op_0");
        ASSERT_TRUE(out) << out.error().message << out.error().detail;
        EXPECT_EQ(encode(*out), encode(in));
        EXPECT_EQ(out->state, in.state);
        EXPECT_EQ(out->steps, in.steps);
        EXPECT_EQ(out->kind, in.kind);
        EXPECT_EQ(out->direction, in.direction);
        EXPECT_EQ(out->blocked_by, in.blocked_by);
        EXPECT_EQ(out->fence, in.fence);
        EXPECT_EQ(out->cancel_requested, in.cancel_requested);
        EXPECT_EQ(out->deadline, in.deadline);
        EXPECT_EQ(out->version, in.version);
    }
    EXPECT_EQ(alternatives.size(), std::variant_size_v<OperationState>) << "a new state is not tested here";
}

EventDraft full_event() {
    EventDraft in;
    in.at = kNow;
    in.type = "resource.ready";
    in.message = kOdd;
    in.resource = ResourceId("res_1");
    in.operation = OperationId("op_1");
    in.organization = OrganizationId("acme");
    in.actor = "key_1";
    in.request_id = "request";
    in.provider_request_id = "aws-1";
    in.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    in.data = {{"n", 0.25}};
    return in;
}

TEST(Codec, AnEventComesBackAsItWas) {
    const auto out = decode_event(encode(full_event()), 12);
    ASSERT_TRUE(out) << out.error().detail;
    EXPECT_EQ(out->sequence, 12U);
    EXPECT_EQ(encode(out->body), encode(full_event()));
    EXPECT_EQ(out->body.message, kOdd);
    EXPECT_EQ(out->body.data, full_event().data);
}

TEST(Codec, IgnoresMembersOfANewerVersion) {
    const auto newer = [](std::string body) { return body.insert(1, R"("from_the_future":{"x":[1]},)"); };
    Resource resource = full_resource();
    resource.state = resource_state::Failed{"no"};
    EXPECT_TRUE(decode_resource("res_1", newer(encode(resource)), 1));
    EXPECT_TRUE(decode_operation("op_1", newer(encode(full_operation())), 1, ""));
    EXPECT_TRUE(decode_event(newer(encode(full_event())), 1));
}

// Every member in turn is left out, and given the wrong type: never a crash, always an error that names it.
template <class Decode>
void damage_each_member(const std::string& body, Decode decode) {
    const json::object whole = json::parse(body)->as_object();
    for (const auto& member : whole) {
        json::object without = whole;
        without.erase(member.key());
        const auto missing = decode(json::dump(without));
        ASSERT_FALSE(missing) << member.key();
        EXPECT_EQ(missing.error().code, ErrorCode::storage);
        EXPECT_NE(missing.error().detail.find(member.key()), std::string::npos) << missing.error().detail;
        for (const json::value& wrong : {json::value(nullptr), json::value(1.5), json::value(json::array{1})}) {
            json::object twisted = whole;
            twisted[member.key()] = wrong;
            EXPECT_FALSE(decode(json::dump(twisted))) << member.key();
        }
    }
}

TEST(Codec, NamesWhatIsMissingOrWrong) {
    Resource resource;
    resource.state = resource_state::Gone{kNow};
    resource.remnants = {"x"};
    damage_each_member(encode(resource), [](const std::string& body) { return decode_resource("", body, 1); });
    Operation operation;
    operation.steps = {Step{}};
    damage_each_member(encode(operation),
                       [](const std::string& body) { return decode_operation("", body, 1, ""); });
    damage_each_member(encode(EventDraft()), [](const std::string& body) { return decode_event(body, 1); });
}

TEST(Codec, SurvivesEveryDamagedByteAndEveryCut) {
    Resource resource = full_resource();
    resource.name = "plain";
    resource.labels.clear();
    resource.remnants.clear();
    resource.secrets.clear();
    resource.state = resource_state::Updating{OperationId("op_1"), {"redis", "h", 1}};
    const std::string body = encode(resource);
    for (std::size_t i = 0; i < body.size(); ++i) {
        EXPECT_FALSE(decode_resource("res_1", body.substr(0, i), 1));
        for (const char byte : {'\0', '"', '{', '9', '\xff'}) {
            std::string damaged = body;
            damaged[i] = byte;
            // Whatever it says, it does not crash, and never makes it somebody else's.
            const auto decoded = decode_resource("res_1", damaged, 1);
            if (decoded) {
                EXPECT_EQ(decoded->id, ResourceId("res_1"));
            }
        }
    }
    EXPECT_FALSE(decode_resource("res_2", body, 1)) << "the row of another one";
    EXPECT_FALSE(decode_resource("res_1", "[]", 1));
    EXPECT_FALSE(decode_resource("res_1", "", 1));
}

// A worker indexes the steps with the cursor: a row that names none is skipped like any other that cannot be read.
TEST(Codec, AnOpenOperationStandsAtOneOfItsSteps) {
    Operation operation = full_operation();
    for (const std::size_t cursor : {operation.steps.size(), std::size_t{4'294'967'295}}) {
        operation.cursor = static_cast<std::uint32_t>(cursor);
        operation.state = operation_state::Queued{};
        const auto open = decode_operation("op_1", encode(operation), 1, "");
        ASSERT_FALSE(open) << cursor;
        EXPECT_EQ(open.error().detail, "member \"cursor\" names no step");
        operation.state = operation_state::Succeeded{kNow};
        EXPECT_TRUE(decode_operation("op_1", encode(operation), 1, "")) << "it has ended";
    }
    operation.cursor = 0;
    operation.steps.clear();
    operation.state = operation_state::Queued{};
    EXPECT_FALSE(decode_operation("op_1", encode(operation), 1, ""));
}

// The difference of two times far out does not fit, and neither does the year of one.
TEST(Codec, ATimeIsOneOfTheCalendar) {
    Resource resource = full_resource();
    resource.state = resource_state::Failed{"no"};
    for (const std::int64_t wrong : {INT64_MAX, INT64_MIN, std::int64_t{253'402'300'800'000'000}}) {
        resource.created_at = from_micros(wrong);
        const auto read = decode_resource("res_1", encode(resource), 1);
        ASSERT_FALSE(read) << wrong;
        EXPECT_EQ(read.error().detail, "member \"created_at\" is no time between the years 1 and 9999");
    }
    for (const std::int64_t good :
         {std::int64_t{253'402'300'799'999'999}, std::int64_t{0}, kNow.time_since_epoch().count()}) {
        resource.created_at = from_micros(good);
        EXPECT_TRUE(decode_resource("res_1", encode(resource), 1)) << good;
    }
}

}  // namespace
}  // namespace slipway::store
