#include "canaries.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>

#include <sodium.h>

namespace slipway::testing {
namespace {

constexpr std::size_t kPart = 12;
constexpr std::size_t kPlanted = 40;
constexpr std::size_t kGroup = 3;  // bytes that base64 takes together

std::string folded(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string hex(std::string_view text) {
    std::string out(text.size() * 2 + 1, '\0');
    sodium_bin2hex(out.data(), out.size(), bytes_of(text), text.size());
    out.pop_back();
    return out;
}

// Of whole groups only: what follows has no part in them.
std::string base64(std::string_view text) {
    text = text.substr(0, text.size() / kGroup * kGroup);
    std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes_of(text), text.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();
    return out;
}

}  // namespace

std::size_t Canaries::begin_of(std::string_view part) {
    std::uint32_t first = 0;
    std::memcpy(&first, part.data(), sizeof(first));
    return (first * 2'654'435'761U) >> 12U;
}

void Canaries::add(Parts& parts, std::string_view text, const std::string& name) {
    for (std::size_t i = 0; i + kPart <= text.size(); ++i) {
        parts.names.emplace(text.substr(i, kPart), name);
        parts.begins[begin_of(text.substr(i))] = true;
    }
}

void Canaries::look(const Parts& parts, std::string_view text, std::set<std::string>& found) {
    for (std::size_t i = 0; i + kPart <= text.size(); ++i) {
        if (!parts.begins[begin_of(text.substr(i))]) continue;
        if (const auto part = parts.names.find(text.substr(i, kPart)); part != parts.names.end()) {
            found.insert(part->second);
        }
    }
}

std::string Canaries::plant(const std::string& name) {
    static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::seed_seq seed(name.begin(), name.end());
    std::mt19937_64 source(seed);
    std::string text(kPlanted, '\0');
    std::ranges::generate(text, [&] { return kAlphabet[source() % kAlphabet.size()]; });
    know(name, text);
    return text;
}

void Canaries::know(const std::string& name, std::string_view secret) {
    if (secret.size() < kPart) throw std::runtime_error(name + " is too short to be looked for");
    add(folded_, folded(secret), name);
    add(folded_, hex(secret), name);
    for (std::size_t skipped = 0; skipped < kGroup; ++skipped) {
        add(exact_, base64(secret.substr(skipped)), name);
    }
}

std::set<std::string> Canaries::found_in(std::string_view text) const {
    std::set<std::string> found;
    look(folded_, folded(text), found);
    look(exact_, text, found);
    return found;
}

}  // namespace slipway::testing
