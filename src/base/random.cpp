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

// One word of randomness for each character, asked for together: the kernel's generator is a system call, and a
// name and a password are drawn for every request.
std::string characters(Random& random, std::string_view alphabet, std::size_t length) {
    constexpr std::size_t kAtOnce = 64;
    std::array<std::uint64_t, kAtOnce> words{};
    std::string out;
    out.reserve(length);
    while (out.size() < length) {
        const auto some = std::span(words).first(std::min(kAtOnce, length - out.size()));
        random.fill(std::as_writable_bytes(some));
        for (const std::uint64_t word : some) out += alphabet[word % alphabet.size()];
    }
    sodium_memzero(words.data(), sizeof words);
    return out;
}
}  // namespace

std::uint64_t Random::next() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) { return next() % bound; }

double Random::unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

std::string Random::hex(std::size_t digits) { return characters(*this, kHex, digits); }

std::string Random::alphanumeric(std::size_t length) { return characters(*this, kAlphanumeric, length); }

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
