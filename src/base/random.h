// Randomness is passed in, so that a whole history can be repeated from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace slipway {

class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> out) = 0;

    std::uint64_t next();
    // Uniform in [0, bound), without modulo bias worth naming (64 bits over small bounds). bound > 0.
    std::uint64_t below(std::uint64_t bound);
    // Uniform in [0, 1).
    double unit();
    // `digits` lower-case hexadecimal digits.
    std::string hex(std::size_t digits);
    // `length` characters of [A-Za-z0-9], about 5.95 bits each.
    std::string alphanumeric(std::size_t length);
};

// The kernel's generator (through libsodium). Thread-safe.
class SystemRandom final : public Random {
  public:
    SystemRandom();
    void fill(std::span<std::byte> out) override;
};

// Repeatable; for simulation and tests only. Not thread-safe.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
    void fill(std::span<std::byte> out) override;

  private:
    std::mt19937_64 engine_;
};

}  // namespace slipway
