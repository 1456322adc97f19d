#include "images/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace slipway::images {
namespace {

constexpr std::size_t kPiece = 1024UL * 1024;

// O_NONBLOCK: a pipe at that place does not keep us waiting for its writer.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags) {
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags));
    if (!file && errno == ELOOP) return fail(ErrorCode::storage, path.string() + " is a symbolic link");
    if (!file && errno == ENOENT) return fail(ErrorCode::not_found, path.string() + " does not exist");
    if (!file) return refuse_path(path, "cannot open it");
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) return refuse_path(path, "cannot look at it");
    if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::storage, path.string() + " is no file");
    return file;
}

// All of it; the piece is empty at the end.
Status read_pieces(const UniqueFd& file, const std::filesystem::path& path,
                   const std::function<Status(std::string_view)>& take) {
    std::vector<char> buffer(kPiece);
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse_path(path, "cannot read it");
        if (got == 0) return {};
        if (Status taken = take({buffer.data(), static_cast<std::size_t>(got)}); !taken) return taken;
    }
}

Status write_piece(const UniqueFd& file, const std::filesystem::path& path, std::string_view piece) {
    while (!piece.empty()) {
        const ssize_t put = ::write(file.get(), piece.data(), piece.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return refuse_path(path, "cannot write it");
        piece.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

bool all_zero(std::string_view piece) {
    return std::ranges::all_of(piece, [](char c) { return c == '\0'; });
}

}  // namespace

std::unexpected<Error> refuse_path(const std::filesystem::path& path, std::string_view what) {
    const int why = errno;
    return fail(ErrorCode::storage, fmt::format("{}: {}: {}", path.string(), what, std::strerror(why)));
}

Result<std::uint64_t> size_of_file(const std::filesystem::path& path) {
    const auto file = open_file(path, O_NOFOLLOW);
    if (!file) return fail(file.error());
    struct stat facts{};
    if (::fstat(file->get(), &facts) != 0) return refuse_path(path, "cannot look at it");
    return static_cast<std::uint64_t>(facts.st_size);
}

Result<std::uint64_t> read_whole_file(const std::filesystem::path& path, const Sink& sink) {
    const auto file = open_file(path, O_NOFOLLOW);
    if (!file) return fail(file.error());
    std::uint64_t bytes = 0;
    const Status read = read_pieces(*file, path, [&](std::string_view piece) -> Status {
        bytes += piece.size();
        sink(piece);
        return {};
    });
    if (!read) return fail(read.error());
    return bytes;
}

Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const auto file = open_file(path, O_NOFOLLOW);
    if (!file) return fail(file.error());
    std::string text;
    const Status read = read_pieces(*file, path, [&](std::string_view piece) -> Status {
        text += piece;
        if (text.size() <= max_bytes) return {};
        return fail(ErrorCode::storage, fmt::format("{} has more than {} bytes", path.string(), max_bytes));
    });
    if (!read) return fail(read.error());
    return text;
}

Status write_file(const std::filesystem::path& path, std::string_view content) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return refuse_path(path, "cannot make it");
    return write_piece(file, path, content);
}

Result<Copied> copy_file(const std::filesystem::path& from, const std::filesystem::path& to, const StopSign& stop) {
    const auto source = open_file(from, 0);
    if (!source) return fail(source.error());
    const UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target) return refuse_path(to, "cannot make it");
    Copied copied;
    Sha256 digest;
    const Status read = read_pieces(*source, from, [&](std::string_view piece) -> Status {
        if (stop.raised()) return fail(ErrorCode::cancelled, "interrupted");
        copied.bytes += piece.size();
        digest.add(piece);
        if (!all_zero(piece)) return write_piece(target, to, piece);
        if (::lseek(target.get(), static_cast<off_t>(piece.size()), SEEK_CUR) < 0)
            return refuse_path(to, "cannot write it");
        return {};
    });
    if (!read) return fail(read.error());
    if (::ftruncate(target.get(), static_cast<off_t>(copied.bytes)) != 0) return refuse_path(to, "cannot write it");
    copied.sha256 = digest.hex();
    return copied;
}

Status sync_path(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file || ::fsync(file.get()) != 0) return refuse_path(path, "cannot sync it");
    return {};
}

}  // namespace slipway::images
