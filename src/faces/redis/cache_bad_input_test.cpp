// Whatever comes in: a clear 4xx that names what is wrong, and a store that nothing happened to.
#include "faces/face_test_support.h"

namespace slipway::faces::test {
namespace {

struct Bad {
    std::string body;
    int status = 400;
    std::string says;  // part of the answer
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

const std::string kPlans = "one of: large, medium, open, seed, small";

std::vector<Bad> bad_creates() {
    const std::string huge(60'000, 'x');
    return {
        {"", 400, "empty"},
        {" \r\n", 400, "empty"},
        {"plan=small&billingcode=gwp", 400, "malformed JSON"},
        {"{", 400, "malformed JSON"},
        {R"({"plan":"small","billingcode":"gwp"}})", 400, "malformed JSON"},
        {R"({"plan":"small","billingcode":"gwp",})", 400, "malformed JSON"},
        {"{'plan':'small'}", 400, "malformed JSON"},
        {"null", 400, "must be a JSON object"},
        {"[]", 400, "must be a JSON object"},
        {R"(["small","gwp"])", 400, "must be a JSON object"},
        {R"("small")", 400, "must be a JSON object"},
        {"1e999", 400, ""},
        {"{}", 400, "plan is required; " + kPlans + ". billingcode is required"},
        {R"({"billingcode":"gwp"})", 400, "plan is required; " + kPlans},
        {R"({"plan":"small"})", 400, "billingcode is required"},
        {R"({"plan":null,"billingcode":null})", 400, "plan is required; " + kPlans + ". billingcode is required"},
        {R"({"plan":1,"billingcode":"gwp"})", 400, "plan must be a string; " + kPlans},
        {R"({"plan":true,"billingcode":"gwp"})", 400, "plan must be a string; " + kPlans},
        {R"({"plan":["small"],"billingcode":"gwp"})", 400, "plan must be a string; " + kPlans},
        {R"({"plan":{"name":"small"},"billingcode":"gwp"})", 400, "plan must be a string; " + kPlans},
        {R"({"plan":"","billingcode":"gwp"})", 400, "plan is unknown; " + kPlans},
        {R"({"plan":"SMALL","billingcode":"gwp"})", 400, "plan is unknown; " + kPlans},
        {R"({"plan":"small ","billingcode":"gwp"})", 400, "plan is unknown; " + kPlans},
        {R"({"plan":"xl","billingcode":"gwp"})", 400, "plan is unknown; " + kPlans},
        {R"({"plan":"small'; DROP TABLE resources; --","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":"' OR '1'='1","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":"../../etc/passwd","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":"small\u0000","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":"ｓｍａｌｌ","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":")" + huge + R"(","billingcode":"gwp"})", 400, "plan is unknown"},
        {R"({"plan":"small","billingcode":7})", 400, "billingcode must be a string"},
        {R"({"plan":"small","billingcode":["gwp"]})", 400, "billingcode must be a string"},
        {R"({"plan":"small","billingcode":""})", 400, "billingcode must not be empty"},
        {R"({"plan":"small","billingcode":")" + huge + R"("})", 400, "billingcode must have at most 128"},
        {R"({"plan":"small","billingcode":"a\nb"})", 400, "billingcode must not hold control characters"},
        {R"({"plan":"small","billingcode":"a\u0000b"})", 400, "billingcode must not hold control characters"},
        {R"({"plan":"small","billingcode":"a\u007fb"})", 400, "billingcode must not hold control characters"},
        {R"({"plan":"small","billingcode":"\ud800"})", 400, "malformed JSON"},
        {"{\"plan\":\"small\",\"billingcode\":\"\xff\xfe\"}", 400, "malformed JSON"},
        {R"({"plan":"small","plan":"large","billingcode":"gwp"})", 400, "more than once"},
        {R"({"plan":"small","billingcode":"gwp","billingcode":"other"})", 400, "more than once"},
        {R"({"plan":"small","billingcode":"gwp","more":)" + nested(100) + "}", 400, "malformed JSON"},
        {nested(30'000), 400, "malformed JSON"},
    };
}

// What holds for one kind of cache holds for every kind. The parameter is the engine, which is a part of every
// path.
class CacheBadInput : public ::testing::TestWithParam<std::string> {
  protected:
    CacheBadInput() { world.offer_memcached(); }
    static std::string at(std::string_view path) { return fmt::format("/v1/{}{}", GetParam(), path); }
    Reply create(std::string body, const Fields& fields = {}) {
        return world.ask(Method::post, at("/instance"), std::move(body), fields);
    }
    // The name of a ready instance.
    std::string make() {
        const Reply made = create(R"({"plan":"small","billingcode":"gwp"})");
        EXPECT_EQ(made.status, 200) << made.body;
        const json::object body = made.json();
        const std::string url(body.empty() ? "" : body.begin()->value().as_string());
        const std::size_t start = url.find("oct-");
        return start == std::string::npos ? "" : url.substr(start, url.find('.', start) - start);
    }
    World world;
};

TEST_P(CacheBadInput, NoBadCreateChangesAnything) {
    const Counts before = world.counts();
    for (const Bad& bad : bad_creates()) {
        const Reply reply = create(bad.body);
        const std::string shown = bad.body.substr(0, 100);
        EXPECT_EQ(reply.status, bad.status) << shown << " -> " << reply.body;
        EXPECT_NE(json::get_string(reply.json(), "error").find(bad.says), std::string::npos)
            << shown << " -> " << reply.body;
        EXPECT_EQ(reply.json().size(), 1U) << "the contract knows one field";
        EXPECT_LT(reply.body.size(), 500U) << "what was sent is not sent back";
        EXPECT_EQ(world.counts(), before) << shown;
    }
}

// The words of a caller in another alphabet are not bad input.
TEST_P(CacheBadInput, UnicodeIsWelcomeWhereTextIs) {
    const Reply reply = create(R"({"plan":"small","billingcode":"Käse 乳酪 🧀","x":{"y":[1]}})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_NE(world.ask(Method::get, at("/instance")).body.find("Käse 乳酪 🧀"), std::string::npos);
}

TEST_P(CacheBadInput, BillingCodesAreBoundedInBytesToo) {
    std::string code;
    for (int i = 0; i < 128; ++i) code += "乳";
    const Counts before = world.counts();
    const Reply reply = create(R"({"plan":"small","billingcode":")" + code + R"("})");
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(world.counts(), before);
}

TEST_P(CacheBadInput, BadIdempotencyKeysAreRefused) {
    const Counts before = world.counts();
    const std::string body = R"({"plan":"small","billingcode":"gwp"})";
    for (const Fields& fields :
         {Fields{{"Idempotency-Key", ""}}, Fields{{"Idempotency-Key", std::string(129, 'k')}},
          Fields{{"Idempotency-Key", "a b"}}, Fields{{"Idempotency-Key", "ü"}},
          Fields{{"Idempotency-Key", "a"}, {"idempotency-key", "b"}}}) {
        const Reply reply = create(body, fields);
        EXPECT_EQ(reply.status, 400) << fields[0].second;
        EXPECT_NE(reply.body.find("Idempotency-Key"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_P(CacheBadInput, UnknownNamesAreNotFoundInAnyShape) {
    make();
    const Counts before = world.counts();
    for (const std::string& name :
         {std::string("oct-00000000"), std::string("x"), std::string("@"), std::string("default:x@"),
          std::string("'%20OR%20'1'='1"), std::string("%25"), std::string("oct-%2A"), std::string(4000, 'a'),
          std::string("res_01ARZ3NDEKTSV4RRFFQ69G5FAV"), std::string("%F0%9F%A7%80")}) {
        for (const auto& [method, path] : {std::pair(Method::get, "/url/"), std::pair(Method::get, "/instance/"),
                                           std::pair(Method::delete_, "/instance/"),
                                           GetParam() == "redis" ? std::pair(Method::delete_, "/intance/")
                                                                 : std::pair(Method::delete_, "/operations/cache/"),
                                           GetParam() == "redis" ? std::pair(Method::get, "/url/")
                                                                 : std::pair(Method::get, "/operations/stats/")}) {
            const Reply reply = world.ask(method, at(path) + name);
            EXPECT_EQ(reply.status, 404) << path << name.substr(0, 50);
            EXPECT_EQ(reply.body, R"({"error":"no such resource"})");
        }
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_P(CacheBadInput, NoBadTagChangesAnything) {
    const std::string name = make();
    const Counts before = world.counts();
    const auto with = [&](const std::string& rest) { return R"({"resource":")" + name + "\"" + rest + "}"; };
    const std::vector<Bad> all{
        {"", 400, "empty"},
        {"{}", 400, "resource is required. name is required. value is required"},
        {with(""), 400, "name is required. value is required"},
        {with(R"(,"name":"a")"), 400, "value is required"},
        {with(R"(,"name":"","value":"v")"), 400, "name must not be empty"},
        {with(R"(,"name":"a b","value":"v")"), 400, "name must be"},
        {with(R"(,"name":"a","value":1)"), 400, "value must be a string"},
        {with(R"(,"name":"a","value":null)"), 400, "value is required"},
        {with(R"(,"name":["a"],"value":"v")"), 400, "name must be a string"},
        {with(R"(,"name":"a","name":"b","value":"v")"), 400, "more than once"},
        {with(R"(,"name":"a","value":"x\u0000")"), 400, "value must not hold control"},
        {with(R"(,"name":")" + std::string(64, 'a') + R"(","value":"v")"), 400, "name must be"},
        {with(R"(,"name":"a","value":")" + std::string(256, 'v') + "\""), 400, "value must be at most"},
        {with(R"(,"name":"billingcode","value":"")"), 400, "value must be 1 to 128"},
        {R"({"resource":7,"name":"a","value":"v"})", 400, "resource must be a string"},
        {R"({"resource":"default:SECRET@oct-00000000","name":"a","value":"v"})", 404, "no such resource"},
        {R"({"resource":"arn:aws:elasticache:r:1:cluster:","name":"a","value":"v"})", 404, "no such resource"},
    };
    for (const Bad& bad : all) {
        const Reply reply = world.ask(Method::post, "/v1/tag", bad.body);
        EXPECT_EQ(reply.status, bad.status) << bad.body << " -> " << reply.body;
        EXPECT_NE(reply.body.find(bad.says), std::string::npos) << bad.body << " -> " << reply.body;
        EXPECT_EQ(reply.body.find("SECRET"), std::string::npos);
    }
    EXPECT_EQ(world.counts(), before);
}

TEST_P(CacheBadInput, MisspeltFiltersAreErrorsAndNotListings) {
    for (const auto& [query, says] :
         {std::pair("?billing=x", "billing is unknown"), std::pair("?limit=0", "limit must be an integer"),
          std::pair("?limit=1001", "between 1 and 1000"), std::pair("?limit=ten", "limit must be an integer"),
          std::pair("?limit=1&limit=2", "limit is given more than once"), std::pair("?plan=", "plan must have"),
          std::pair("?tag.=x", "tag. must be followed")}) {
        const Reply reply = world.ask(Method::get, at("/instance") + query);
        EXPECT_EQ(reply.status, 400) << query;
        EXPECT_NE(reply.body.find(says), std::string::npos) << query << " -> " << reply.body;
    }
}

TEST_P(CacheBadInput, WrongMethodsAreTold) {
    EXPECT_EQ(world.ask(Method::delete_, at("/plans")).status, 405);
    EXPECT_EQ(world.ask(Method::put, at("/instance"), "{}").status, 405);
    EXPECT_EQ(world.ask(Method::delete_, at("/instance")).status, 405) << "there is no deleting of everything";
    EXPECT_EQ(world.ask(Method::post, at("/url/x"), "{}").status, 405);
    EXPECT_EQ(world.ask(Method::get, "/v1/tag").status, 405);
    EXPECT_EQ(world.ask(Method::get, at("/nothing")).status, 404);
}

INSTANTIATE_TEST_SUITE_P(EveryKind, CacheBadInput, ::testing::Values("redis", "memcached"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace slipway::faces::test
