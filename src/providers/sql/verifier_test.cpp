#include "providers/sql/verifier.h"

#include <array>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"

namespace slipway::sql {
namespace {

std::string hmac(const std::string& key, const std::string& text) {
    std::array<unsigned char, 32> out{};
    unsigned length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &length);
    return {reinterpret_cast<const char*>(out.data()), length};
}
std::string sha256(const std::string& text) {
    std::array<unsigned char, 32> out{};
    EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
    return {reinterpret_cast<const char*>(out.data()), out.size()};
}

// The exchange of RFC 7677, section 3: both its proofs follow from the verifier alone.
TEST(ScramVerifier, SaysWhatTheExampleOfTheStandardSays) {
    const std::string salt = from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value();
    const std::string verifier = scram_verifier(Secret("pencil"), salt);
    const std::string start = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$";
    ASSERT_TRUE(verifier.starts_with(start)) << verifier;
    const std::size_t colon = verifier.find(':', start.size());
    const std::string stored = from_base64(verifier.substr(start.size(), colon - start.size())).value();
    const std::string server = from_base64(verifier.substr(colon + 1)).value();
    const std::string exchange =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    EXPECT_EQ(to_base64(hmac(server, exchange)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    // The client's proof is its key, hidden by a signature with the stored key; that is the digest of its key.
    std::string key = from_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").value();
    const std::string signature = hmac(stored, exchange);
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ signature[i]);
    EXPECT_EQ(sha256(key), stored);
}

TEST(ScramVerifier, IsRecognizedByItsPasswordAlone) {
    const std::string salt(kSaltBytes, '\x01');
    const std::string verifier = scram_verifier(Secret("secret"), salt);
    EXPECT_TRUE(scram_matches(verifier, Secret("secret")));
    EXPECT_FALSE(scram_matches(verifier, Secret("Secret")));
    EXPECT_FALSE(scram_matches(verifier.substr(1), Secret("secret")));
    EXPECT_FALSE(scram_matches("md5d41d8cd98f00b204e9800998ecf8427e", Secret("secret")));
    EXPECT_FALSE(scram_matches("SCRAM-SHA-256$0:AQ==$x:y", Secret("secret")));
    EXPECT_FALSE(scram_matches("SCRAM-SHA-256$2000000000:AQ==$x:y", Secret("secret")));
    EXPECT_FALSE(scram_matches("", Secret("secret")));
    EXPECT_NE(verifier, scram_verifier(Secret("secret"), std::string(kSaltBytes, '\x02')));
    EXPECT_EQ(verifier.find("secret"), std::string::npos);
}

TEST(ScramVerifier, IsNotMadeOfWhatWouldBeReadInAnotherWay) {
    EXPECT_EQ(scram_verifier(Secret(""), "salt"), "");
    EXPECT_EQ(scram_verifier(Secret("p\xC3\xA4ss"), "salt"), "");
    EXPECT_EQ(scram_verifier(Secret("tab\t"), "salt"), "");
}

// SELECT PASSWORD('…') of any server answers these.
TEST(MysqlHash, IsThatOfTheServer) {
    EXPECT_EQ(mysql_native_hash(Secret("password")), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    EXPECT_EQ(mysql_native_hash(Secret("root")), "*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B");
}

}  // namespace
}  // namespace slipway::sql
