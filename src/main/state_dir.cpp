#include "main/state_dir.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret_file.h"

namespace slipway {
namespace {

constexpr std::string_view kKeyPrefix = "slk_";
constexpr std::size_t kKeyLength = 43;  // alphanumeric characters: 256 bits
constexpr std::size_t kMaxKey = 128;

std::unexpected<Error> refuse(const std::filesystem::path& path, std::string_view what) {
    return fail(ErrorCode::storage, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

bool key_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// One trailing line end is for the editors of those who bring their own key.
Result<Secret> parse_key(const Secret& content, const std::filesystem::path& path) {
    std::string text = content.reveal();
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    Secret key(std::move(text));
    const std::string& value = key.reveal();
    if (value.size() < kKeyLength || value.size() > kMaxKey || !std::ranges::all_of(value, key_character)) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} holds no key ({} to {} of A-Z a-z 0-9 _): remove it, and a new one is made",
                                path.string(), kKeyLength, kMaxKey));
    }
    return key;
}

}  // namespace

Result<StateDir> prepare_state_dir(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", path.string(), error.message()));
    if (!std::filesystem::is_directory(absolute, error)) {
        std::filesystem::create_directories(absolute.parent_path(), error);
        if (::mkdir(absolute.c_str(), 0700) != 0 && errno != EEXIST) return refuse(absolute, "cannot make it");
    }
    StateDir made{std::filesystem::canonical(absolute, error)};
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", absolute.string(), error.message()));
    struct stat facts{};
    if (::stat(made.path.c_str(), &facts) != 0) return refuse(made.path, "cannot look at it");
    if (!S_ISDIR(facts.st_mode)) return fail(ErrorCode::storage, made.path.string() + " is not a directory");
    if (facts.st_uid != ::geteuid()) {
        return fail(ErrorCode::forbidden, fmt::format("{} belongs to uid {}, and this server runs as uid {}",
                                                      made.path.string(), facts.st_uid, ::geteuid()));
    }
    if ((facts.st_mode & 022U) != 0) {
        return fail(ErrorCode::forbidden,
                    fmt::format("{} has mode {:04o}, so that others may write to it: make it 0700",
                                made.path.string(), facts.st_mode & 07777U));
    }
    return made;
}

Result<Secret> load_or_create_admin_key(const std::filesystem::path& file, Random& random) {
    const auto make = [&] { return Secret(fmt::format("{}{}\n", kKeyPrefix, random.alphanumeric(kKeyLength))); };
    const Result<Secret> content = load_or_create_secret_file(file, kMaxKey + 1, make, random);
    return content ? parse_key(*content, file) : content;
}

}  // namespace slipway
