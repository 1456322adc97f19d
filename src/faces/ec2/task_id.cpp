#include "faces/ec2/task_id.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace slipway::faces {
namespace {

constexpr std::string_view kPrefix = "op_";
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // of make_ulid()
constexpr std::size_t kDigits = 26;
constexpr std::size_t kUuidLength = 36;

// 128 bits, the first one first.
using Bytes = std::array<std::uint8_t, 16>;

bool is_hyphen(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

std::optional<std::uint8_t> nibble_of(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

// 26 digits of 5 bits are two more than there are: those are zero.
std::optional<Bytes> bytes_of(std::string_view ulid) {
    if (ulid.size() != kDigits) return std::nullopt;
    Bytes bytes{};
    unsigned gathered = 0;
    unsigned bits = 0;
    std::size_t to = 0;
    for (std::size_t i = 0; i < kDigits; ++i) {
        const std::size_t value = kAlphabet.find(ulid[i]);
        if (value == std::string_view::npos || (i == 0 && value > 7)) return std::nullopt;
        gathered = (gathered << 5U) | static_cast<unsigned>(value);
        bits += i == 0 ? 3 : 5;
        if (bits < 8) continue;
        bits -= 8;
        bytes.at(to++) = static_cast<std::uint8_t>(gathered >> bits);
        gathered &= (1U << bits) - 1U;
    }
    return bytes;
}

std::string ulid_of(const Bytes& bytes) {
    std::string ulid;
    ulid.reserve(kDigits);
    unsigned gathered = 0;
    unsigned bits = 2;  // the two that are zero
    for (const std::uint8_t byte : bytes) {
        gathered = (gathered << 8U) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            ulid += kAlphabet[gathered >> bits];
            gathered &= (1U << bits) - 1U;
        }
    }
    return ulid;
}

}  // namespace

std::string task_id_of(const OperationId& operation) {
    const std::string_view text = operation.str();
    if (!text.starts_with(kPrefix)) return {};
    const auto bytes = bytes_of(text.substr(kPrefix.size()));
    if (!bytes) return {};
    std::string uuid;
    uuid.reserve(kUuidLength);
    for (const std::uint8_t byte : *bytes) {
        if (is_hyphen(uuid.size())) uuid += '-';
        uuid += fmt::format("{:02x}", byte);
    }
    return uuid;
}

std::optional<OperationId> operation_of(std::string_view task_id) {
    if (task_id.size() != kUuidLength) return std::nullopt;
    Bytes bytes{};
    std::size_t nibbles = 0;
    for (std::size_t i = 0; i < kUuidLength; ++i) {
        if (is_hyphen(i)) {
            if (task_id[i] != '-') return std::nullopt;
            continue;
        }
        const auto nibble = nibble_of(task_id[i]);
        if (!nibble) return std::nullopt;
        std::uint8_t& byte = bytes.at(nibbles++ / 2);
        byte = static_cast<std::uint8_t>((byte << 4U) | *nibble);
    }
    return OperationId(std::string(kPrefix) + ulid_of(bytes));
}

}  // namespace slipway::faces
