// Which addresses a webhook may have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/administration.h"

namespace slipway {
namespace {

TEST(WebhookUrl, PublicHttpsAddressesAreTaken) {
    for (const std::string url :
         {"https://example.org", "https://example.org/hook?a=b", "https://hooks.example.org:8443/x",
          "https://93.184.216.34/x", "https://[2606:4700::1111]/x", "HTTPS://example.org/"}) {
        EXPECT_EQ(webhook_url_problem(url, false), std::nullopt) << url;
    }
}

// A tenant could make the server ask what only the server reaches.
TEST(WebhookUrl, ThisMachineAndPrivateNetworksAreRefusedUnlessAllowed) {
    for (const std::string url : {"https://127.0.0.1/x",
                                  "https://localhost/x",
                                  "https://LOCALHOST/",
                                  "https://a.localhost/x",
                                  "https://10.1.2.3/",
                                  "https://172.31.0.1/",
                                  "https://192.168.1.1/",
                                  "https://169.254.169.254/latest",
                                  "https://100.64.0.1/",
                                  "https://0.0.0.0/",
                                  "https://224.0.0.1/",
                                  "https://255.255.255.255/",
                                  "https://[::1]/",
                                  "https://[::]/",
                                  "https://[fe80::1]/",
                                  "https://[fd00::1]/",
                                  "https://[::ffff:10.0.0.1]/",
                                  "https://[2002:7f00:1::]/",
                                  "https://[64:ff9b::7f00:1]/",
                                  "https://[2001:db8::1]/"}) {
        EXPECT_THAT(webhook_url_problem(url, false).value_or(""), ::testing::HasSubstr("private network")) << url;
        EXPECT_EQ(webhook_url_problem(url, true), std::nullopt) << url;
    }
    for (const std::string url : {"http://127.0.0.1:9/x", "http://localhost:9/x", "http://[::1]:9/x"}) {
        EXPECT_NE(webhook_url_problem(url, false), std::nullopt) << url;
        EXPECT_EQ(webhook_url_problem(url, true), std::nullopt) << url;
    }
}

TEST(WebhookUrl, EverythingElseIsRefused) {
    for (const std::string& url :
         {std::string(), std::string("example.org"), std::string("ftp://example.org/"),
          std::string("http://example.org/"), std::string("https://"), std::string("https:///x"),
          std::string("https://user:pw@example.org/"), std::string("https://example.org/#x"),
          std::string("https://example.org:0/"), std::string("https://example.org:99999/"),
          std::string("https://exa mple.org/"), std::string("https://example.org/\r\nX: y"),
          std::string("https://127.1/"), std::string("https://2130706433/"), std::string("https://0x7f.1/"),
          std::string("https://%6cocalhost/") + "%", std::string("file:///etc/passwd"),
          "https://example.org/" + std::string(2'000, 'x')}) {
        EXPECT_NE(webhook_url_problem(url, true), std::nullopt) << url;
    }
}

}  // namespace
}  // namespace slipway
