#include "main/identity.h"

#include <gtest/gtest.h>

#include "agent/testing.h"
#include "base/log.h"
#include "broker/broker.h"
#include "store/memory/memory_store.h"

namespace slipway {
namespace {

class IdentityTest : public ::testing::Test {
  protected:
    IdentityTest() {
        log::capture([](std::string_view) {});
    }
    ~IdentityTest() override { log::capture({}); }

    boost::asio::io_context io_;
    ManualClock clock_{from_micros(1'000'000)};
    SeededRandom random_{7};
    store::MemoryStore store_{clock_};

    Status enroll(const char* key) {
        return testing::run(io_, register_administrator(store_, Secret(key), clock_, random_));
    }
    std::optional<ApiKey> record(const char* key) {
        auto found = testing::run(io_, store_.api_key_by_hash(hash_key(Secret(key))));
        EXPECT_TRUE(found);
        return found.value_or(std::nullopt);
    }
    bool good(const char* key) {
        const auto found = record(key);
        return found && !found->revoked_at && found->role == Role::administrator;
    }
};

// The ownership tag on everything that is out there: another one would make all of it somebody else's.
TEST_F(IdentityTest, IsMadeOnceAndKept) {
    const auto first = testing::run(io_, load_or_create_identity(store_, clock_, random_));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->installation.str().starts_with("ins_"));
    EXPECT_TRUE(first->host.str().starts_with("host_"));
    const auto second = testing::run(io_, load_or_create_identity(store_, clock_, random_));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->installation, first->installation);
    EXPECT_EQ(second->host, first->host);
}

TEST_F(IdentityTest, TheAdministratorsKeyIsKnownFromTheFirstStartOn) {
    ASSERT_TRUE(enroll("first"));
    EXPECT_TRUE(good("first"));
    EXPECT_EQ(record("first")->organization, OrganizationId(kDefaultOrganization));
}

// Callers without a key own things too: those must be able to have a quota or a webhook.
TEST_F(IdentityTest, TheOrganizationsThatAlwaysExistDo) {
    ASSERT_TRUE(testing::run(io_, load_or_create_identity(store_, clock_, random_)));
    for (const char* id : {kDefaultOrganization, kAnonymousOrganization, kSystemOrganization}) {
        EXPECT_TRUE(*testing::run(io_, store_.organization(OrganizationId(id)))) << id;
    }
}

TEST_F(IdentityTest, RegisteringAgainChangesNothing) {
    ASSERT_TRUE(enroll("first"));
    const ApiKeyId id = record("first")->id;
    ASSERT_TRUE(enroll("first"));
    EXPECT_EQ(record("first")->id, id);
}

// Removing admin.key and restarting is how a lost or stolen key is replaced.
TEST_F(IdentityTest, ANewKeyRevokesTheFormer) {
    ASSERT_TRUE(enroll("first"));
    ASSERT_TRUE(enroll("second"));
    EXPECT_TRUE(good("second"));
    EXPECT_FALSE(good("first"));
    ASSERT_TRUE(record("first")) << "its record stays: the audit log names it";
}

TEST_F(IdentityTest, AFormerKeyThatIsPutBackHoldsAgain) {
    ASSERT_TRUE(enroll("first"));
    ASSERT_TRUE(enroll("second"));
    ASSERT_TRUE(enroll("first"));
    EXPECT_TRUE(good("first"));
    EXPECT_FALSE(good("second"));
}

}  // namespace
}  // namespace slipway
