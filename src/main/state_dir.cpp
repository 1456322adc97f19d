#include "main/state_dir.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway {
namespace {

constexpr std::string_view kKeyPrefix = "slk_";
constexpr std::size_t kKeyLength = 43;  // alphanumeric characters: 256 bits
constexpr std::size_t kMaxKey = 128;

class File {
  public:
    File(const std::filesystem::path& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int number() const { return number_; }
    [[nodiscard]] bool is_open() const { return number_ >= 0; }

  private:
    int number_;
};

std::unexpected<Error> refuse(const std::filesystem::path& path, std::string_view what) {
    return fail(ErrorCode::storage, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

bool key_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

Result<Secret> read_key(const File& file, const std::filesystem::path& path) {
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return refuse(path, "cannot look at it");
    if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::forbidden, fmt::format("{} is no file", path.string()));
    if ((facts.st_mode & 077U) != 0) {
        return fail(ErrorCode::forbidden,
                    fmt::format("{} has mode {:04o}, so that others may read it: remove it, and a new key is made",
                                path.string(), facts.st_mode & 07777U));
    }
    std::string text(kMaxKey + 2, '\0');
    const ssize_t size = ::read(file.number(), text.data(), text.size());
    if (size < 0) return refuse(path, "cannot read it");
    text.resize(static_cast<std::size_t>(size));
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

// Written under another name and then linked to its own: it is there whole or not at all, and never replaced.
Status create_key(const std::filesystem::path& path, Random& random) {
    const Secret line(fmt::format("{}{}\n", kKeyPrefix, random.alphanumeric(kKeyLength)));
    const std::filesystem::path draft = path.string() + "." + random.hex(16);
    {
        const File file(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
        if (!file.is_open()) return refuse(draft, "cannot make it");
        const std::string& text = line.reveal();
        const bool written = ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
        if (!written || ::fsync(file.number()) != 0) return refuse(draft, "cannot write it");
    }
    const bool linked = ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
    if (!linked) return refuse(path, "cannot make it");
    ::unlink(draft.c_str());
    const File directory(path.parent_path(), O_RDONLY | O_DIRECTORY);
    if (!directory.is_open() || ::fsync(directory.number()) != 0)
        return refuse(path.parent_path(), "cannot sync it");
    return {};
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
    for (int attempt = 0; attempt < 2; ++attempt) {
        const File opened(file, O_RDONLY | O_NOFOLLOW);
        if (opened.is_open()) return read_key(opened, file);
        if (errno != ENOENT) return refuse(file, "cannot open it");
        if (const Status made = create_key(file, random); !made) return fail(made.error());
    }
    return fail(ErrorCode::storage, fmt::format("{} vanished", file.string()));
}

}  // namespace slipway
