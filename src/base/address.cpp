#include "base/address.h"

#include <algorithm>
#include <array>

namespace slipway {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

struct Range {
    std::uint32_t first;
    int bits;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return a << 24U | b << 16U | c << 8U | d;
}

constexpr std::array<Range, 15> kSpecial{{{v4(0, 0, 0, 0), 8},
                                          {v4(10, 0, 0, 0), 8},
                                          {v4(100, 64, 0, 0), 10},
                                          {v4(127, 0, 0, 0), 8},
                                          {v4(169, 254, 0, 0), 16},
                                          {v4(172, 16, 0, 0), 12},
                                          {v4(192, 0, 0, 0), 24},
                                          {v4(192, 0, 2, 0), 24},
                                          {v4(192, 88, 99, 0), 24},
                                          {v4(192, 168, 0, 0), 16},
                                          {v4(198, 18, 0, 0), 15},
                                          {v4(198, 51, 100, 0), 24},
                                          {v4(203, 0, 113, 0), 24},
                                          {v4(224, 0, 0, 0), 4},
                                          {v4(240, 0, 0, 0), 4}}};

bool is_public_v4(const address_v4& address) {
    const std::uint32_t value = address.to_uint();
    return std::ranges::none_of(kSpecial, [&](const Range& range) {
        const std::uint32_t mask = ~std::uint32_t{0} << static_cast<unsigned>(32 - range.bits);
        return (value & mask) == range.first;
    });
}

address_v4 wrapped(const address_v6::bytes_type& bytes, std::size_t at) {
    return address_v4(address_v4::bytes_type{bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
}

bool is_public_v6(const address_v6& address) {
    const address_v6::bytes_type bytes = address.to_bytes();
    if (address.is_v4_mapped()) return is_public_v4(wrapped(bytes, 12));
    constexpr std::array<unsigned char, 12> nat64{0x00, 0x64, 0xff, 0x9b};
    if (std::ranges::equal(nat64, std::span(bytes).first<12>())) return is_public_v4(wrapped(bytes, 12));
    if (bytes[0] == 0x20 && bytes[1] == 0x02) return is_public_v4(wrapped(bytes, 2));  // 6to4
    const bool global_unicast = (bytes[0] & 0xe0U) == 0x20U;                           // 2000::/3
    const bool documentation = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
    const bool protocols = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02;  // 2001::/23, Teredo in it
    return global_unicast && !documentation && !protocols;
}

}  // namespace

bool is_public(const boost::asio::ip::address& address) {
    return address.is_v4() ? is_public_v4(address.to_v4()) : is_public_v6(address.to_v6());
}

std::string ipv4_text(std::int64_t number) { return address_v4(static_cast<std::uint32_t>(number)).to_string(); }

}  // namespace slipway
