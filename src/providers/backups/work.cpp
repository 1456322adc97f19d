#include "providers/backups/work.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "providers/backups/definers.h"

namespace slipway::backups {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t kPiece = 256UL * 1024;
constexpr std::size_t kMostContents = 64UL << 20;  // of an archive with some 500,000 entries

Finished of_error(const Error& error) { return {Finished::How::not_now, error.message, error.detail}; }
Finished of_system(std::string why) {
    return {errno == ENOSPC || errno == EDQUOT ? Finished::How::not_now : Finished::How::never, std::move(why),
            std::strerror(errno)};
}
Finished of_reason(Reason reason) {
    return {reason.later ? Finished::How::not_now : Finished::How::never, std::move(reason.words), {}};
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

// A file from its beginning, piece by piece.
class Pieces {
  public:
    explicit Pieces(const fs::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {}
    [[nodiscard]] bool open() const { return static_cast<bool>(fd_); }
    void rewind() { ::lseek(fd_.get(), 0, SEEK_SET); }
    // Valid until the next call; empty at the end.
    std::string_view next() {
        ssize_t got = 0;
        do {
            got = ::read(fd_.get(), piece_.data(), piece_.size());
        } while (got < 0 && errno == EINTR);
        return {piece_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    }

  private:
    UniqueFd fd_;
    std::vector<char> piece_ = std::vector<char>(kPiece);
};

// "" where the data are what was written.
std::string damage(Pieces& pieces, const BackupMeta& meta, const JobSide& side) {
    Sha256 sum;
    std::uint64_t bytes = 0;
    for (std::string_view piece = pieces.next(); !piece.empty() && !side.stop.raised(); piece = pieces.next()) {
        sum.add(piece);
        bytes += piece.size();
    }
    pieces.rewind();
    if (bytes == meta.bytes && sum.hex() == meta.sha256) return {};
    return "the backup is damaged: its data are not those that were written";
}

// A file of the tenant's names, gone with this.
class ListFile {
  public:
    ListFile(fs::path path, const std::string& text) : path_(std::move(path)) {
        ::unlink(path_.c_str());
        const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        written_ = fd && write_all(fd.get(), text);
    }
    ListFile(const ListFile&) = delete;
    ListFile& operator=(const ListFile&) = delete;
    ~ListFile() { ::unlink(path_.c_str()); }
    [[nodiscard]] bool written() const { return written_; }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
    bool written_ = false;
};

Finished restore_postgres(JobSide& side, const RestoreOrder& order, Pieces& pieces,
                          steady_clock::time_point until) {
    std::string contents;
    Streams listing;
    listing.feed = [&] { return pieces.next(); };
    listing.take = [&](std::string_view piece) {
        contents += piece;
        return contents.size() <= kMostContents;
    };
    const Ended listed = run_program(contents_of(order.tools), listing, side.stop, until);
    if (!listed.well()) return of_reason(reason_of(listed, "reading the backup's contents"));
    pieces.rewind();
    const ListFile list(order.files.list_file(order.login.database), restorable(contents));
    if (!list.written()) return of_system("the directory of backups cannot be written");
    Streams streams;
    streams.feed = [&] {
        const std::string_view piece = pieces.next();
        side.done += piece.size();
        return piece;
    };
    const Ended ended = run_program(restore_into(order.tools, order.login, list.path()), streams, side.stop, until);
    return ended.well() ? Finished{} : of_reason(reason_of(ended, "the restore"));
}

Finished restore_mysql(JobSide& side, const RestoreOrder& order, Pieces& pieces, steady_clock::time_point until) {
    DefinerFilter filter(order.login.user);
    bool ended_once = false;
    Streams streams;
    streams.feed = [&]() -> std::string_view {
        while (!ended_once) {
            const std::string_view piece = pieces.next();
            side.done += piece.size();
            ended_once = piece.empty();
            const std::string_view passed = ended_once ? filter.end() : filter.pass(piece);
            if (!passed.empty()) return passed;
        }
        return {};
    };
    const Ended ended = run_program(restore_into(order.tools, order.login, {}), streams, side.stop, until);
    return ended.well() ? Finished{} : of_reason(reason_of(ended, "the restore"));
}

}  // namespace

Finished dump(JobSide& side, const DumpOrder& order) {
    if (const Status begun = order.files.begin(order.meta); !begun) return of_error(begun.error());
    const fs::path path = order.files.data_being_made(order.meta.external_name);
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return of_system("the directory of backups cannot be written");
    Sha256 sum;
    std::optional<Finished> refused;
    Streams streams;
    streams.take = [&](std::string_view piece) {
        if (order.most > 0 && side.done + piece.size() > order.most) {
            refused = Finished{Finished::How::never,
                               fmt::format("the backup is larger than its plan allows ({} MB)", order.most >> 20),
                               {}};
        } else if (!write_all(file.get(), piece)) {
            refused = of_system("the disk of the backups is full, or fails");
            refused->how = Finished::How::not_now;
        }
        sum.add(piece);
        side.done += piece.size();
        return !refused;
    };
    const Ended ended =
        run_program(dump_of(order.tools, order.login), streams, side.stop, steady_clock::now() + order.limit);
    if (!ended.well()) {
        ::ftruncate(file.get(), 0);  // its room is needed by others
        if (refused) return *refused;
        return of_reason(reason_of(ended, "the dump"));
    }
    if (::fsync(file.get()) != 0) return of_system("the disk of the backups is full, or fails");
    BackupMeta meta = order.meta;
    meta.bytes = side.done;
    meta.sha256 = sum.hex();
    if (const Status finished = order.files.finish(meta); !finished) return of_error(finished.error());
    return {};
}

Finished restore(JobSide& side, const RestoreOrder& order) {
    const auto until = steady_clock::now() + order.limit;
    // What is open can be read to its end, even if the backup is removed meanwhile.
    Pieces pieces(order.files.data(order.meta.external_name));
    if (!pieces.open()) return {Finished::How::never, "the backup is not there any more", {}};
    if (const std::string wrong = damage(pieces, order.meta, side); !wrong.empty() && !side.stop.raised()) {
        return {Finished::How::never, wrong, {}};
    }
    return order.login.engine == "mysql" ? restore_mysql(side, order, pieces, until)
                                         : restore_postgres(side, order, pieces, until);
}

}  // namespace slipway::backups
