#include "base/random.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sodium.h>

namespace slipway {
namespace {
constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kHex = "0123456789abcdef";
}  // namespace

std::uint64_t Random::next() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) { return next() % bound; }

double Random::unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

std::string Random::hex(std::size_t digits) {
    std::string out;
    for (std::size_t i = 0; i < digits; ++i) out += kHex[below(kHex.size())];
    return out;
}

std::string Random::alphanumeric(std::size_t length) {
    std::string out;
    for (std::size_t i = 0; i < length; ++i) out += kAlphanumeric[below(kAlphanumeric.size())];
    return out;
}

SystemRandom::SystemRandom() {
    if (sodium_init() < 0) std::abort();  // no random source: nothing safe can be done
}

void SystemRandom::fill(std::span<std::byte> out) { randombytes_buf(out.data(), out.size()); }

void SeededRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const std::uint64_t value = engine_();
        const std::size_t count = std::min(out.size(), sizeof value);
        std::memcpy(out.data(), &value, count);
        out = out.subspan(count);
    }
}

}  // namespace slipway
