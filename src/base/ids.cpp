#include "base/ids.h"

#include "base/random.h"

namespace slipway {

std::string make_ulid(TimePoint now, Random& random) {
    static constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    auto millis =
        static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count());
    std::string out(26, '0');
    for (int i = 9; i >= 0; --i) {
        out[static_cast<std::size_t>(i)] = alphabet[millis & 31U];
        millis >>= 5U;
    }
    std::array<std::uint64_t, 2> words{};
    random.fill(std::as_writable_bytes(std::span(words)));
    auto [low, high] = words;
    for (std::size_t i = 10; i < 18; ++i, low >>= 5U) out[i] = alphabet[low & 31U];
    for (std::size_t i = 18; i < 26; ++i, high >>= 5U) out[i] = alphabet[high & 31U];
    return out;
}

}  // namespace slipway
