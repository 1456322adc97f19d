#include "store/master_key.h"

#include <utility>

#include <fmt/format.h>
#include <sodium.h>

#include "base/base64.h"
#include "base/secret_file.h"
#include "store/sealer.h"

namespace slipway::store {
namespace {

constexpr std::size_t kMaxFile = 255;

Secret make_key_line(Random& random) {
    std::string key(kKeyBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(key.data(), key.size())));
    std::string text = to_base64(key);
    Secret line(text + "\n");
    sodium_memzero(key.data(), key.size());
    sodium_memzero(text.data(), text.size());
    return line;
}

// Empty where it is none.
Secret from_hex(std::string_view text) {
    std::string key(kKeyBytes, '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    const int failed = sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), text.data(),
                                      text.size(), nullptr, &size, &end);
    Secret parsed(std::move(key));
    const bool whole = failed == 0 && size == kKeyBytes && end == text.data() + text.size();
    return whole ? std::move(parsed) : Secret();
}

}  // namespace

Result<Secret> parse_master_key(const Secret& text) {
    static constexpr std::string_view kSpace = " \t\r\n";
    std::string_view view = text.reveal();
    const std::size_t start = std::min(view.find_first_not_of(kSpace), view.size());
    view.remove_prefix(start);
    view = view.substr(0, view.find_last_not_of(kSpace) + 1);
    Secret parsed = view.size() == 2 * kKeyBytes ? from_hex(view) : Secret(from_base64(view).value_or(""));
    if (parsed.reveal().size() != kKeyBytes) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("a master key is {} bytes as base64 or hexadecimal; this text of {} characters "
                                "is not",
                                kKeyBytes, view.size()));
    }
    return parsed;
}

Result<Secret> load_or_create_master_key(const std::filesystem::path& file, Random& random) {
    const auto content = load_or_create_secret_file(file, kMaxFile, [&] { return make_key_line(random); }, random);
    Result<Secret> key = content ? parse_master_key(*content) : fail(content.error());
    if (!key) {
        const std::string where = content ? file.string() + ": " : "";
        key.error().message = fmt::format("the master key file {}{}", where, key.error().message);
    }
    return key;
}

}  // namespace slipway::store
