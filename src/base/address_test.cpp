#include "base/address.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

bool open(const char* text) { return is_public(boost::asio::ip::make_address(text)); }

TEST(Address, TheInternetIsPublic) {
    for (const char* each :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1", "128.0.0.1",
          "172.15.255.255", "172.32.0.0", "192.167.1.1", "198.17.0.1", "223.255.0.1", "2606:4700:4700::1111",
          "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"}) {
        EXPECT_TRUE(open(each)) << each;
    }
}

// Each could reach a service that trusts its network, a cloud's metadata before all.
TEST(Address, WhatOnlyThisNetworkCanReachIsNot) {
    for (const char* each : {"0.0.0.0",
                             "10.1.2.3",
                             "100.64.0.1",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.168.1.1",
                             "198.18.0.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "fe80::1",
                             "fc00::1",
                             "fd00:ec2::254",
                             "ff02::1",
                             "2001:db8::1",
                             "2001::1",
                             "::ffff:127.0.0.1",
                             "::ffff:169.254.169.254",
                             "64:ff9b::7f00:1",
                             "2002:a00:1::1",
                             "::7f00:1"}) {
        EXPECT_FALSE(open(each)) << each;
    }
}

TEST(Address, ANumberIsWrittenWithDots) {
    EXPECT_EQ(ipv4_text(0x0a4d0002), "10.77.0.2");
    EXPECT_EQ(ipv4_text(0xffffffff), "255.255.255.255");
}

}  // namespace
}  // namespace slipway
