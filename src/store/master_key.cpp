#include "store/master_key.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sealer.h"

namespace slipway::store {
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
    return fail(ErrorCode::storage,
                fmt::format("the master key file {}: {}: {}", path.string(), what, std::strerror(errno)));
}

Result<Secret> read_key(const File& file, const std::filesystem::path& path) {
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return refuse(path, "cannot look at it");
    if (!S_ISREG(facts.st_mode)) {
        return fail(ErrorCode::invalid_argument, fmt::format("the master key file {} is no file", path.string()));
    }
    if ((facts.st_mode & 077U) != 0) {
        return fail(ErrorCode::forbidden,
                    fmt::format("the master key file {} has mode {:04o}: others may read it. Make it 0600, and "
                                "rotate the keys if others may have read it",
                                path.string(), facts.st_mode & 07777U));
    }
    std::array<char, 256> buffer{};
    const ssize_t size = ::read(file.number(), buffer.data(), buffer.size());
    if (size < 0) return refuse(path, "cannot read it");
    const Secret text(std::string(buffer.data(), static_cast<std::size_t>(size)));
    sodium_memzero(buffer.data(), buffer.size());
    auto key = parse_master_key(text);
    if (!key) key.error().message = fmt::format("the master key file {}: {}", path.string(), key.error().message);
    return key;
}

Status write_all(const File& file, const std::string& text, const std::filesystem::path& path) {
    if (::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.number()) != 0) {
        return refuse(path, "cannot write it");
    }
    return {};
}

// Written under another name and then linked to its own: it is there whole or not at all, and never replaced.
Status create(const std::filesystem::path& path, Random& random) {
    std::string key(kKeyBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(key.data(), key.size())));
    std::array<char, sodium_base64_ENCODED_LEN(kKeyBytes, sodium_base64_VARIANT_ORIGINAL)> text{};
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    const Secret line(std::string(text.data()) + "\n");
    sodium_memzero(key.data(), key.size());
    sodium_memzero(text.data(), text.size());

    const std::filesystem::path draft = path.string() + "." + random.hex(16);
    const File file(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file.is_open()) return refuse(draft, "cannot make it");
    Status status = write_all(file, line.reveal(), draft);
    if (status && ::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        status = refuse(path, "cannot make it");
    }
    ::unlink(draft.c_str());
    if (!status) return status;
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const File directory(parent, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open() || ::fsync(directory.number()) != 0) return refuse(parent, "cannot sync it");
    return {};
}

}  // namespace

Result<Secret> parse_master_key(const Secret& text) {
    static constexpr std::string_view kSpace = " \t\r\n";
    std::string_view view = text.reveal();
    const std::size_t start = std::min(view.find_first_not_of(kSpace), view.size());
    view.remove_prefix(start);
    view = view.substr(0, view.find_last_not_of(kSpace) + 1);
    std::string key(kKeyBytes, '\0');
    auto* out = reinterpret_cast<unsigned char*>(key.data());
    std::size_t size = 0;
    const char* end = nullptr;
    const bool hex = view.size() == 2 * kKeyBytes;
    const int code = hex ? sodium_hex2bin(out, key.size(), view.data(), view.size(), nullptr, &size, &end)
                         : sodium_base642bin(out, key.size(), view.data(), view.size(), nullptr, &size, &end,
                                             sodium_base64_VARIANT_ORIGINAL);
    Secret parsed(std::move(key));
    if (code != 0 || size != kKeyBytes || end != view.data() + view.size()) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("a master key is {} bytes as base64 or hexadecimal; this text of {} characters "
                                "is not",
                                kKeyBytes, view.size()));
    }
    return parsed;
}

Result<Secret> load_or_create_master_key(const std::filesystem::path& file, Random& random) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const File opened(file, O_RDONLY | O_NOFOLLOW);
        if (opened.is_open()) return read_key(opened, file);
        if (errno != ENOENT) return refuse(file, "cannot open it");
        if (Status status = create(file, random); !status) return fail(status.error());
    }
    return fail(ErrorCode::storage, fmt::format("the master key file {} vanished", file.string()));
}

}  // namespace slipway::store
