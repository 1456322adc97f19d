#include "http/auth.h"

#include <gtest/gtest.h>

#include "http/error_status.h"

namespace slipway::http {
namespace {

Result<std::optional<Credentials>> of(std::initializer_list<std::pair<std::string, std::string>> fields) {
    auto request = make_request(Method::get, "/");
    for (const auto& [name, value] : fields) request->headers.add(name, value);
    return credentials_of(*request);
}

TEST(Auth, ReadsEveryForm) {
    auto raw = of({{"Authorization", "KEY123"}});
    ASSERT_TRUE(raw && *raw);
    EXPECT_EQ((*raw)->form, CredentialForm::raw);
    EXPECT_TRUE((*raw)->secret.equals("KEY123"));

    auto bearer = of({{"AUTHORIZATION", "bearer   KEY123 "}});
    ASSERT_TRUE(bearer && *bearer);
    EXPECT_EQ((*bearer)->form, CredentialForm::bearer);
    EXPECT_TRUE((*bearer)->secret.equals("KEY123"));

    auto basic = of({{"authorization", "Basic YWRtaW46cGE6c3M="}});
    ASSERT_TRUE(basic && *basic);
    EXPECT_EQ((*basic)->user, "admin");
    EXPECT_TRUE((*basic)->secret.equals("pa:ss")) << "only the first colon divides";

    auto token = of({{"X-Auth-Token", "KEY123"}});
    ASSERT_TRUE(token && *token);
    EXPECT_EQ((*token)->form, CredentialForm::token_header);
}

TEST(Auth, NoneIsNoError) {
    const auto none = of({{"Accept", "*/*"}});
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value());
}

TEST(Auth, AuthorizationWins) {
    const auto both = of({{"X-Auth-Token", "B"}, {"Authorization", "A"}});
    ASSERT_TRUE(both && *both);
    EXPECT_TRUE((*both)->secret.equals("A"));
}

TEST(Auth, UnreadableIsUnauthenticatedAndNeverQuoted) {
    for (const char* value : {"", " ", "Bearer", "Bearer ", "Basic", "Basic !!!SECRET", "Basic U0VDUkVU",
                              "Digest SECRET", "SECRET KEY"}) {
        const auto wrong = of({{"Authorization", value}});
        ASSERT_FALSE(wrong) << value;
        EXPECT_EQ(wrong.error().code, ErrorCode::unauthenticated);
        EXPECT_EQ((wrong.error().message + wrong.error().detail).find("SECRET"), std::string::npos);
    }
    EXPECT_FALSE(of({{"Authorization", "A"}, {"Authorization", "A"}}));
    EXPECT_FALSE(of({{"X-Auth-Token", "A"}, {"X-Auth-Token", "A"}}));
    EXPECT_FALSE(of({{"X-Auth-Token", ""}}));
}

TEST(ErrorStatus, QuotaIsTheCallersAndOutageIsOurs) {
    EXPECT_EQ(status_of(ErrorCode::exhausted), 429);
    EXPECT_EQ(status_of(ErrorCode::unavailable), 503);
    EXPECT_EQ(status_of(ErrorCode::storage), 503);
    EXPECT_EQ(status_of(ErrorCode::idempotency_reuse), 422);
    EXPECT_EQ(status_of(ErrorCode::provider_failure), 502);
    EXPECT_EQ(status_of(ErrorCode::internal), 500);
}

}  // namespace
}  // namespace slipway::http
