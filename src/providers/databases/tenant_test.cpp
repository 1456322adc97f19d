#include "providers/databases/tenant.h"

#include <gtest/gtest.h>

#include "providers/databases/errors.h"

namespace slipway::databases {
namespace {

Target target() { return {InstallationId("ins_1"), ResourceId("res_1"), "oct-1a2b3c4d", 7, "token", {}}; }

TEST(Tags, AreReadAsTheyWereWritten) {
    const Tag tag{InstallationId("ins_1"), ResourceId("res_1"), 7, "oct-1a2b3c4d", "a database; 'with' spaces"};
    EXPECT_EQ(to_text(tag), "slipway:1 ins_1 res_1 7 oct-1a2b3c4d a database; 'with' spaces");
    EXPECT_EQ(parse_tag(to_text(tag)), tag);
    for (const std::string each :
         {"", "anything", "slipway:2 a b 1 c d", "slipway:1 ", "slipway:1 a b 1 c", "slipway:1 a b 1 c ",
          "slipway:1 a b x c d", "slipway:1 a b 1x c d", "slipway:1 a b -1 c d", "slipway:1  b 1 c d",
          "slipway:1 a b 99999999999999999999 c d"}) {
        EXPECT_FALSE(parse_tag(each)) << each;
    }
}

TEST(Tenants, AreNamedByParametersThenByTheHandleThenByTheExternalName) {
    Spec spec;
    Target named = target();
    EXPECT_EQ(tenant_of(named, spec)->user, "oct-1a2b3c4d");
    EXPECT_EQ(tenant_of(named, spec)->database(), "oct-1a2b3c4d");
    EXPECT_EQ(tenant_of(named, spec)->connections, 20);
    named.handle = {{"user", "of-handle"}, {"database", "db-of-handle"}};
    EXPECT_EQ(tenant_of(named, spec)->user, "of-handle");
    spec.parameters = {{"user", "hephy-cluster-1"}, {"database", "cluster-1"}, {"connections", 5}};
    EXPECT_EQ(tenant_of(named, spec)->user, "hephy-cluster-1");
    EXPECT_EQ(tenant_of(named, spec)->database(), "cluster-1");
    EXPECT_EQ(tenant_of(named, spec)->connections, 5);
}

TEST(Tenants, WrongParametersAreNamed) {
    const auto problem = [](json::object parameters, const std::string& engine = "postgres") {
        Spec spec;
        spec.engine = engine;
        spec.parameters = std::move(parameters);
        const auto tenant = tenant_of(target(), spec);
        if (tenant) return std::string("none");
        EXPECT_EQ(tenant.error().error_class, ErrorClass::permanent);
        return tenant.error().message.substr(0, tenant.error().message.find(' '));
    };
    EXPECT_EQ(problem({{"connections", 0}}), "connections");
    EXPECT_EQ(problem({{"connections", "many"}}), "connections");
    EXPECT_EQ(problem({{"extensions", "pgcrypto"}}), "extensions");
    EXPECT_EQ(problem({{"extensions", {"Bad Name"}}}), "extensions");
    EXPECT_EQ(problem({{"extensions", json::array(65, "a")}}), "extensions");
    EXPECT_EQ(problem({{"extensions", {"pgcrypto"}}}, "mysql"), "extensions:");
    EXPECT_EQ(problem({{"extensions", {"pgcrypto", "uuid-ossp"}}, {"connections", 10'000}}), "none");
    Target spaced = target();
    spaced.external_name = "a b";
    EXPECT_FALSE(tenant_of(spaced, {}));
}

TEST(SqlErrors, EachHasAClass) {
    const auto class_of = [](std::string code, bool touched = false) {
        return error_of({sql::Failure::refused_by_server, std::move(code), "no"}, touched).error_class;
    };
    for (const std::string code : {"53100", "53200", "55006", "55P03", "40001", "40P01", "58030", "2BP01", "XX000",
                                   "57014", "1205", "1213", "1021", "1114", "1290", ""}) {
        EXPECT_EQ(class_of(code), ErrorClass::transient) << code;
    }
    for (const std::string code : {"42501", "42601", "22023", "0A000", "58P01", "1044", "1064", "1102", "1227"}) {
        EXPECT_EQ(class_of(code), ErrorClass::permanent) << code;
    }
    for (const std::string code : {"42710", "42P04", "23505", "1007", "1062", "1396"}) {
        EXPECT_EQ(class_of(code), ErrorClass::conflict) << code;
    }
    EXPECT_EQ(class_of("57014", true), ErrorClass::unknown_outcome) << "what came before it has happened";
    const auto failed = [](sql::Failure failure, bool touched) {
        return error_of({failure, "", "no"}, touched).error_class;
    };
    for (const sql::Failure failure : {sql::Failure::timeout, sql::Failure::lost}) {
        EXPECT_EQ(failed(failure, true), ErrorClass::unknown_outcome);
        EXPECT_EQ(failed(failure, false), ErrorClass::transient);
    }
    for (const sql::Failure failure : {sql::Failure::refused, sql::Failure::starting,
                                       sql::Failure::too_many_connections, sql::Failure::denied}) {
        EXPECT_EQ(failed(failure, true), ErrorClass::transient);
    }
    EXPECT_EQ(failed(sql::Failure::invalid, false), ErrorClass::permanent);
}

}  // namespace
}  // namespace slipway::databases
