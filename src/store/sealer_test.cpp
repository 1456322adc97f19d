#include "store/sealer.h"

#include <fstream>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/start_test_support.h"
#include "base/temporary_directory_test_support.h"
#include "store/master_key.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace slipway::store {
namespace {

template <class T>
T run(Task<T> task) {
    boost::asio::io_context context;
    std::optional<T> result;
    start(context, into(result, std::move(task)));
    context.run();
    return std::move(result).value();
}

class SealerTest : public ::testing::Test {
  protected:
    std::unique_ptr<KeyRing> ring(const std::string& master = std::string(32, 'm')) {
        auto made = run(KeyRing::load_or_create(Secret(master), store, random, clock));
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : nullptr;
    }

    TemporaryDirectory temporary;
    std::filesystem::path directory = temporary.path();
    ManualClock clock{from_micros(1'700'000'000'000'000)};
    SystemRandom random;
    MemoryStore store{clock};
};

TEST_F(SealerTest, OpensWhatItSealedInTheSameContextOnly) {
    const auto keys = ring();
    for (const std::string& plain : {std::string(), std::string("hunter2"), std::string(5000, '\0')}) {
        const Sealed sealed = keys->seal(Secret(plain), "res_1/password");
        EXPECT_EQ(sealed.key_id, keys->current());
        EXPECT_TRUE(keys->open(sealed, "res_1/password")->equals(plain));
        EXPECT_EQ(keys->open(sealed, "res_2/password").error().code, ErrorCode::invalid_argument);
        EXPECT_EQ(keys->open(sealed, "").error().code, ErrorCode::invalid_argument);
    }
    EXPECT_NE(keys->seal(Secret("x"), "c").ciphertext, keys->seal(Secret("x"), "c").ciphertext) << "a nonce each";
}

TEST_F(SealerTest, AMacIsTheSameForTheSameSecretInTheSameContextOnly) {
    const auto keys = ring();
    const std::string mac = keys->mac(Secret("hunter2"), "c");
    EXPECT_EQ(mac.size(), 64U);
    EXPECT_EQ(mac.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(keys->mac(Secret("hunter2"), "c"), mac);
    EXPECT_NE(keys->mac(Secret("hunter3"), "c"), mac);
    EXPECT_NE(keys->mac(Secret("hunter2"), "d"), mac);
    EXPECT_NE(keys->mac(Secret("bc"), "a"), keys->mac(Secret("c"), "ab")) << "where the one ends is part of it";
    EXPECT_NE(mac, sha256("hunter2"));
}

// It is compared with one that was stored before a rotation, or before a restart.
TEST_F(SealerTest, AMacOutlivesDataKeysAndDependsOnTheMasterKeyAlone) {
    const auto keys = ring();
    const std::string mac = keys->mac(Secret("hunter2"), "c");
    ASSERT_TRUE(run(keys->rotate(store)));
    EXPECT_EQ(keys->mac(Secret("hunter2"), "c"), mac);
    EXPECT_EQ(ring()->mac(Secret("hunter2"), "c"), mac);
    MemoryStore other{clock};
    const auto elsewhere = run(KeyRing::load_or_create(Secret(std::string(32, 'm')), other, random, clock));
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ((*elsewhere)->mac(Secret("hunter2"), "c"), mac);
    const auto stranger = run(KeyRing::load_or_create(Secret(std::string(32, 'n')), other, random, clock));
    EXPECT_FALSE(stranger) << "another master key opens nothing";
    MemoryStore third{clock};
    const auto another = run(KeyRing::load_or_create(Secret(std::string(32, 'n')), third, random, clock));
    ASSERT_TRUE(another);
    EXPECT_NE((*another)->mac(Secret("hunter2"), "c"), mac);
}

TEST_F(SealerTest, RefusesEveryChangeOfASealedValue) {
    const auto keys = ring();
    const Sealed sealed = keys->seal(Secret("hunter2"), "c");
    for (std::size_t i = 0; i < sealed.ciphertext.size(); ++i) {
        Sealed changed = sealed;
        changed.ciphertext[i] = changed.ciphertext[i] == 'A' ? 'B' : 'A';
        const auto opened = keys->open(changed, "c");
        // The last character before padding has bits that mean nothing; strict decoding refuses those too.
        EXPECT_FALSE(opened) << i;
    }
    Sealed cut = sealed;
    cut.ciphertext.resize(8);
    EXPECT_FALSE(keys->open(cut, "c"));
    EXPECT_FALSE(keys->open({sealed.key_id, ""}, "c"));
    EXPECT_EQ(keys->open({"unknown", sealed.ciphertext}, "c").error().code, ErrorCode::not_found);
}

TEST_F(SealerTest, KeepsOldKeysThroughRotationAndRestart) {
    auto keys = ring();
    const Sealed first = keys->seal(Secret("one"), "c");
    ASSERT_TRUE(run(keys->rotate(store)));
    const Sealed second = keys->seal(Secret("two"), "c");
    EXPECT_NE(first.key_id, second.key_id);
    EXPECT_TRUE(keys->open(first, "c")->equals("one"));
    ASSERT_TRUE(run(keys->rotate(store)));
    keys = ring();
    EXPECT_TRUE(keys->open(first, "c")->equals("one"));
    EXPECT_TRUE(keys->open(second, "c")->equals("two"));
    EXPECT_NE(keys->current(), second.key_id);
}

TEST_F(SealerTest, ReplicasAgreeOnKeysThatOneOfThemMade) {
    const auto one = ring();
    const auto two = ring();
    EXPECT_EQ(one->current(), two->current());
    ASSERT_TRUE(run(one->rotate(store)));
    const Sealed sealed = one->seal(Secret("x"), "c");
    EXPECT_EQ(two->open(sealed, "c").error().code, ErrorCode::not_found);
    ASSERT_TRUE(run(two->reload(store)));
    EXPECT_TRUE(two->open(sealed, "c")->equals("x"));
}

TEST_F(SealerTest, SaysAtStartThatTheMasterKeyIsWrong) {
    const auto keys = ring();
    const auto wrong = run(KeyRing::load_or_create(Secret(std::string(32, 'w')), store, random, clock));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ErrorCode::unavailable);
    EXPECT_NE(wrong.error().message.find("wrong master key"), std::string::npos) << wrong.error().message;
    EXPECT_EQ(ring()->current(), keys->current()) << "and nothing was changed";
    const auto small = run(KeyRing::load_or_create(Secret(std::string(31, 'm')), store, random, clock));
    EXPECT_EQ(small.error().code, ErrorCode::invalid_argument);
}

// Every byte that the store wrote is searched for the plaintext and the keys.
TEST_F(SealerTest, NoPlaintextIsInAnyStoredByte) {
    const std::string canary = "canary-9f27c1-plaintext";
    const std::string master = "master-canary-0123456789abcdef!!";
    ASSERT_EQ(master.size(), 32U);
    {
        auto opened = SqliteStore::open(directory / "data", clock, random);
        ASSERT_TRUE(opened);
        auto keys = run(KeyRing::load_or_create(Secret(master), **opened, random, clock));
        ASSERT_TRUE(keys);
        Resource resource;
        resource.id = ResourceId("res_1");
        resource.organization = OrganizationId("acme");
        resource.state = resource_state::Requested{OperationId("op_1")};
        resource.secrets["password"] = (*keys)->seal(Secret(canary), secret_context(resource.id, "password"));
        Commit commit;
        commit.writes.emplace_back(write::PutResource{resource});
        ASSERT_TRUE(run((*opened)->commit(commit)));
        const auto stored = run((*opened)->resource(resource.id)).value();
        ASSERT_TRUE((*keys)->open(stored->secrets.at("password"), secret_context(resource.id, "password")));
    }
    bool found_ciphertext = false;
    for (const auto& file : std::filesystem::directory_iterator(directory / "data")) {
        std::ifstream in(file.path(), std::ios::binary);
        std::ostringstream bytes;
        bytes << in.rdbuf();
        EXPECT_EQ(bytes.str().find(canary), std::string::npos) << file.path();
        EXPECT_EQ(bytes.str().find(master), std::string::npos) << file.path();
        found_ciphertext |= bytes.str().find("ciphertext") != std::string::npos;
    }
    EXPECT_TRUE(found_ciphertext) << "the search looked in the wrong place";
}

TEST_F(SealerTest, MasterKeyFileIsMadeOnceAndPrivate) {
    const auto path = directory / "master.key";
    const auto made = load_or_create_master_key(path, random);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->reveal().size(), kKeyBytes);
    struct stat facts{};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_TRUE(load_or_create_master_key(path, random)->equals(made->reveal())) << "the same at the next start";
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1) << "no draft is left";

    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    const auto open_to_others = load_or_create_master_key(path, random);
    EXPECT_EQ(open_to_others.error().code, ErrorCode::forbidden);
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    std::ofstream(path, std::ios::trunc) << "short";
    EXPECT_EQ(load_or_create_master_key(path, random).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(load_or_create_master_key(directory / "no" / "key", random).error().code, ErrorCode::storage);
}

TEST_F(SealerTest, MasterKeyTextIsBase64OrHexadecimalOf32Bytes) {
    const std::string hex(64, 'a');
    EXPECT_TRUE(parse_master_key(Secret(hex))->equals(std::string(32, '\xaa')));
    EXPECT_TRUE(parse_master_key(Secret("  " + hex + "\n"))->equals(std::string(32, '\xaa')));
    EXPECT_TRUE(
        parse_master_key(Secret("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))->equals(std::string(32, '\0')));
    for (const std::string& bad : {std::string(), std::string(" "), std::string(63, 'a'), std::string(64, 'x'),
                                   std::string(43, 'A'), std::string(44, 'A'), std::string("hunter2")}) {
        const auto parsed = parse_master_key(Secret(bad));
        ASSERT_FALSE(parsed) << bad;
        if (bad.size() > 2) {
            EXPECT_EQ(parsed.error().message.find(bad), std::string::npos) << "the text is in the error";
        }
    }
}

}  // namespace
}  // namespace slipway::store
