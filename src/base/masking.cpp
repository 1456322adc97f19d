#include "base/masking.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace slipway {
namespace {

std::string in_json(const std::string& text) {
    const std::string quoted = json::dump(json::value(text));
    return quoted.substr(1, quoted.size() - 2);
}

std::uint32_t code_point(std::string_view character) {
    constexpr std::uint32_t kFollowing = 0x3f;
    constexpr std::array<std::uint32_t, 5> kLeading{0, 0x7f, 0x1f, 0x0f, 0x07};
    std::uint32_t code = static_cast<unsigned char>(character[0]) & kLeading.at(character.size());
    for (const char each : character.substr(1))
        code = (code << 6U) | (static_cast<unsigned char>(each) & kFollowing);
    return code;
}

// The same where nothing but ASCII is written as it is.
std::string in_ascii_json(const std::string& text) {
    constexpr std::uint32_t kBeyond = 0x10000;
    std::string out;
    const std::string escaped = in_json(text);
    for (std::string_view rest = escaped; !rest.empty();) {
        const std::size_t length = std::max<std::size_t>(utf8_character(rest), 1);
        const std::uint32_t code = length == 1 ? 0 : code_point(rest.substr(0, length));
        if (length == 1) {
            out += rest.front();
        } else if (code < kBeyond) {
            out += fmt::format("\\u{:04x}", code);
        } else {
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((code - kBeyond) >> 10U),
                               0xdc00 + ((code - kBeyond) & 0x3ffU));
        }
        rest.remove_prefix(length);
    }
    return out;
}

std::string with_each(const std::string& text, char what, std::string_view by) {
    std::string out;
    for (const char each : text) {
        if (each == what) {
            out += by;
        } else {
            out += each;
        }
    }
    return out;
}

}  // namespace

Mask::Mask(const std::vector<Secret>& secrets) {
    for (const Secret& secret : secrets) {
        const std::string& text = secret.reveal();
        if (text.size() < kShortest) continue;
        for (std::string form : {text, in_json(text), in_ascii_json(text), with_each(text, '\'', "'\"'\"'"),
                                 with_each(with_each(text, '\\', "\\\\"), '\'', "\\'")}) {
            const bool known = std::ranges::any_of(forms_, [&](const Secret& each) { return each.equals(form); });
            if (!known) forms_.emplace_back(std::move(form));
        }
    }
    std::ranges::sort(forms_, std::greater(), [](const Secret& form) { return form.reveal().size(); });
}

std::string Mask::apply(std::string_view text) const {
    std::string out(text);
    for (const Secret& form : forms_) {
        for (std::size_t at = 0; (at = out.find(form.reveal(), at)) != std::string::npos; at += kInstead.size()) {
            out.replace(at, form.reveal().size(), kInstead);
        }
    }
    return out;
}

}  // namespace slipway
