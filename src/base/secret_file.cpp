#include "base/secret_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway {
namespace {

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

Result<Secret> read(const File& file, const std::filesystem::path& path, std::size_t max_bytes) {
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return refuse(path, "cannot look at it");
    if (!S_ISREG(facts.st_mode)) {
        return fail(ErrorCode::invalid_argument, fmt::format("{} is no file", path.string()));
    }
    if ((facts.st_mode & 077U) != 0) {
        return fail(
            ErrorCode::forbidden,
            fmt::format("{} has mode {:04o}, so that others may read or change it: make it 0600, and replace "
                        "the key if others may have read it",
                        path.string(), facts.st_mode & 07777U));
    }
    std::string text(max_bytes + 1, '\0');
    const ssize_t size = ::read(file.number(), text.data(), text.size());
    if (size < 0) return refuse(path, "cannot read it");
    text.resize(static_cast<std::size_t>(size));
    return Secret(std::move(text));
}

Status write_draft(const std::filesystem::path& draft, const Secret& content) {
    const File file(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file.is_open()) return refuse(draft, "cannot make it");
    const std::string& text = content.reveal();
    const bool written = ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::fsync(file.number()) != 0) return refuse(draft, "cannot write it");
    return {};
}

// Written under another name and then linked to its own: it is there whole or not at all, and never replaced.
Status create(const std::filesystem::path& path, const Secret& content, Random& random) {
    const std::filesystem::path draft = path.string() + "." + random.hex(16);
    Status status = write_draft(draft, content);
    if (status && ::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        status = refuse(path, "cannot make it");
    }
    ::unlink(draft.c_str());
    if (!status) return status;
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    const File directory(parent, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open() || ::fsync(directory.number()) != 0) return refuse(parent, "cannot sync it");
    return {};
}

}  // namespace

Result<Secret> load_or_create_secret_file(const std::filesystem::path& file, std::size_t max_bytes,
                                          const std::function<Secret()>& make, Random& random) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const File opened(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        if (opened.is_open()) return read(opened, file, max_bytes);
        if (errno != ENOENT) return refuse(file, "cannot open it");
        if (const Status made = create(file, make(), random); !made) return fail(made.error());
    }
    return fail(ErrorCode::storage, fmt::format("{} vanished", file.string()));
}

}  // namespace slipway
