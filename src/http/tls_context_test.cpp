// What a server takes as its certificate and key, and how it says no.
#include "http/tls_context.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/certificate_test_support.h"

namespace slipway::http::test {
namespace {

class TlsContextTest : public ::testing::Test {
  protected:
    TlsContextTest() { folder_.write(pair_); }

    [[nodiscard]] TlsFiles files() const { return {folder_.certificate(), folder_.key()}; }
    // The error of loading; "" where there is none.
    [[nodiscard]] std::string refusal(ErrorCode code = ErrorCode::invalid_argument) const {
        const auto loaded = TlsContext::load(files());
        if (loaded) return {};
        EXPECT_EQ(loaded.error().code, code);
        const std::string message = loaded.error().message;
        EXPECT_TRUE(message.starts_with(folder_.certificate().string()) ||
                    message.starts_with(folder_.key().string()))
            << "it names the file: " << message;
        // Base64 of a key's inside: its second line is the same for all keys of a kind, the third is not.
        const std::string& key = pair_.key.reveal();
        EXPECT_EQ(message.find(key.substr(key.size() / 2, 20)), std::string::npos);
        return message;
    }

    TestAuthority authority_;
    IssuedPair pair_ = authority_.issue({.names = "DNS:a.example,IP:192.0.2.1,IP:::1"});
    PemFolder folder_;
};

TEST_F(TlsContextTest, TellsWhatTheCertificateIsGoodFor) {
    const auto loaded = TlsContext::load(files());
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Certificate& facts = (*loaded)->certificate();
    EXPECT_EQ(facts.names, (std::vector<std::string>{"a.example", "192.0.2.1", "::1"}));
    const TimePoint now = SystemClock().now();
    EXPECT_LT(facts.not_before, now);
    EXPECT_GT(facts.not_after, now + std::chrono::days(89));
    EXPECT_LT(facts.not_after, now + std::chrono::days(91));
    const auto read = read_certificate(folder_.certificate());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->names, facts.names);
}

TEST_F(TlsContextTest, AChainFollowsTheServersOwnCertificate) {
    folder_.write("cert.pem", pair_.certificate + authority_.certificate());
    EXPECT_EQ(refusal(), "");
    folder_.write("cert.pem", authority_.certificate() + pair_.certificate);
    EXPECT_NE(refusal().find("the server's own certificate comes first"), std::string::npos);
}

TEST_F(TlsContextTest, AKeyOfAnotherCertificateIsRefusedNamingBoth) {
    folder_.write("key.pem", authority_.issue().key.reveal());
    const std::string message = refusal();
    EXPECT_NE(message.find(folder_.key().string() + ": is not the key of"), std::string::npos) << message;
    EXPECT_NE(message.find(folder_.certificate().string()), std::string::npos) << message;
}

TEST_F(TlsContextTest, AKeyThatOthersMayReadIsRefusedNamingItsMode) {
    for (const mode_t mode : {0604U, 0644U, 0660U, 0602U, 0620U}) {
        ::chmod(folder_.key().c_str(), mode);
        const std::string message = refusal(ErrorCode::forbidden);
        EXPECT_NE(message.find(fmt::format("has mode {:04o}", mode)), std::string::npos) << message;
        EXPECT_NE(message.find("make it 0600"), std::string::npos) << message;
    }
    ::chmod(folder_.key().c_str(), 0400);
    EXPECT_EQ(refusal(), "");
}

// How Debian keeps keys below /etc/ssl/private: root's, readable by a group. Of any other owner that is too wide.
TEST_F(TlsContextTest, AGroupMayReadAKeyOfRootsAlone) {
    ::chmod(folder_.key().c_str(), 0640);
    if (::geteuid() == 0) {
        EXPECT_EQ(refusal(), "");
        ASSERT_EQ(::chown(folder_.key().c_str(), 12345, 12345), 0);
        ::chmod(folder_.key().c_str(), 0600);
        EXPECT_NE(refusal(ErrorCode::forbidden).find("belongs to uid 12345"), std::string::npos);
    } else {
        EXPECT_NE(refusal(ErrorCode::forbidden).find("has mode 0640"), std::string::npos);
    }
}

TEST_F(TlsContextTest, SwappedFilesAreRecognized) {
    folder_.write("key.pem", pair_.certificate);
    EXPECT_NE(refusal().find("were the two files swapped?"), std::string::npos);
    folder_.write("key.pem", pair_.key.reveal());
    folder_.write("cert.pem", pair_.key.reveal());
    EXPECT_NE(refusal().find("were the two files swapped?"), std::string::npos);
}

TEST_F(TlsContextTest, AKeyWithAPassphraseIsRefusedWithoutAskingForIt) {
    const TestKey key = TestAuthority::make_key();
    folder_.write("key.pem", TestAuthority::key_pem(key.get(), "hunter2").reveal());
    EXPECT_NE(refusal().find("has a passphrase"), std::string::npos);
}

TEST_F(TlsContextTest, WhatIsNoPemOrNoFileIsRefused) {
    folder_.write("cert.pem", "hello\n");
    EXPECT_NE(refusal().find("holds no certificate in PEM"), std::string::npos);
    folder_.write("cert.pem", "");
    EXPECT_NE(refusal().find("holds no certificate in PEM"), std::string::npos);
    std::string damaged = pair_.certificate;
    damaged.replace(damaged.find('\n') + 10, 8, "AAAAAAAA");
    folder_.write("cert.pem", damaged);
    EXPECT_NE(refusal().find("cannot be read"), std::string::npos);
    folder_.write("cert.pem", pair_.certificate + damaged);
    EXPECT_NE(refusal().find("cannot be read"), std::string::npos) << "nor anywhere in the chain";
    folder_.write(pair_);
    folder_.write("key.pem", "hello\n");
    EXPECT_NE(refusal().find("holds no private key in PEM"), std::string::npos);
    std::filesystem::remove(folder_.key());
    EXPECT_NE(refusal().find("cannot be opened: No such file"), std::string::npos);
    std::filesystem::create_directory(folder_.key());
    EXPECT_NE(refusal().find("is no file"), std::string::npos);
}

TEST_F(TlsContextTest, AFileWithoutEndIsNotReadToItsEnd) {
    folder_.write("cert.pem", std::string(2UL * 1024 * 1024, ' '));
    EXPECT_NE(refusal().find("is larger than"), std::string::npos);
}

// What renews certificates points to the present one by a symbolic link.
TEST_F(TlsContextTest, SymbolicLinksAreFollowed) {
    const auto target = folder_.write("key-2026.pem", pair_.key.reveal());
    std::filesystem::remove(folder_.key());
    std::filesystem::create_symlink(target, folder_.key());
    EXPECT_EQ(refusal(), "");
    ::chmod(target.c_str(), 0644);
    EXPECT_NE(refusal(ErrorCode::forbidden).find("has mode 0644"), std::string::npos)
        << "the mode is that of the file behind it";
}

}  // namespace
}  // namespace slipway::http::test
