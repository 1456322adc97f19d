// What consoles printed: files that somebody else appends to meanwhile.
#include <algorithm>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/console.h"
#include "base/digest.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMarkDigits = 16;
constexpr const char* kLog = "console.log";
constexpr const char* kFormerLog = "console.log.1";
// Of a virtual machine's: what it may take before its beginning is given back, and how much of its end is kept.
constexpr std::int64_t kMostTaken = std::int64_t{2} << 20;
constexpr std::int64_t kKept = std::int64_t{1} << 20;
// As large as a block of any file system, or larger: of a part of one nothing is given back, it is only made zeros.
constexpr std::int64_t kGrain = std::int64_t{64} << 10;
constexpr std::int64_t kSector = 512;  // the unit of st_blocks

struct Log {
    UniqueFd file;
    std::string mark;
    std::uint64_t begin = 0;  // what is kept of it, as offsets
    std::uint64_t end = 0;
};

bool exists(int directory, const char* name) {
    struct stat seen{};
    return ::fstatat(directory, name, &seen, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

// Files are told apart by number and birth: a number is given again, at once on some file systems.
std::string mark_of(int file) {
    struct statx seen{};
    if (::statx(file, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &seen) != 0) return {};
    const bool born = (seen.stx_mask & STATX_BTIME) != 0;
    const std::string text =
        fmt::format("{} {}.{}", seen.stx_ino, born ? seen.stx_btime.tv_sec : 0, born ? seen.stx_btime.tv_nsec : 0);
    return sha256(text).substr(0, kMarkDigits);
}

// Invalid: there is none.
Answer<UniqueFd> open_log(int data, const char* name, uid_t owner) {
    if (!exists(data, name)) return UniqueFd();
    // O_NONBLOCK: opening a fifo that someone put there must not wait for its writer.
    UniqueFd file(::openat(data, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!file && errno == ENOENT) return UniqueFd();
    if (!file || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode) || seen.st_uid != owner) {
        return refuse(FailureCode::foreign, "something other than its console's file is in the way");
    }
    return file;
}

Answer<Log> look_at(UniqueFd file) {
    Log log;
    struct stat seen{};
    log.mark = mark_of(file.get());
    if (log.mark.empty() || ::fstat(file.get(), &seen) != 0) {
        return std::unexpected(os_failure("look at a console's file"));
    }
    log.end = static_cast<std::uint64_t>(seen.st_size);
    // What was given back is a hole.
    const off_t data = ::lseek(file.get(), 0, SEEK_DATA);
    log.begin = data > 0 ? std::min(static_cast<std::uint64_t>(data), log.end) : 0;
    log.file = std::move(file);
    return log;
}

// From the oldest to the one that is written now.
Answer<std::vector<Log>> open_logs(int directory, const ConsoleOwner& owner) {
    const Answer<UniqueFd> data = open_directory(directory, "data");
    if (!data) return std::unexpected(data.error());
    std::vector<Log> logs;
    // The present one first: where it becomes the former one meanwhile it is found twice, and none is missed.
    for (const char* name : {kLog, kFormerLog}) {
        if (name == kFormerLog && !owner.container) continue;
        Answer<UniqueFd> file = open_log(data->get(), name, owner.uid);
        if (!file) return std::unexpected(file.error());
        if (!*file) continue;
        Answer<Log> log = look_at(std::move(*file));
        if (!log) return std::unexpected(log.error());
        if (!logs.empty() && logs.front().mark == log->mark) continue;
        logs.insert(logs.begin(), std::move(*log));
    }
    return logs;
}

struct Start {
    std::size_t log = 0;
    std::uint64_t offset = 0;
    bool lost = false;
};

Start start_of_tail(const std::vector<Log>& logs, std::uint64_t tail) {
    for (std::size_t i = logs.size(); i-- > 0;) {
        const std::uint64_t kept = logs[i].end - logs[i].begin;
        if (kept >= tail || i == 0) return {i, logs[i].end - std::min(kept, tail), false};
        tail -= kept;
    }
    return {};
}

Start start_at(const std::vector<Log>& logs, const ConsolePlace& place) {
    for (std::size_t i = 0; i < logs.size(); ++i) {
        if (logs[i].mark != place.mark) continue;
        // Beyond its end: it was emptied meanwhile.
        const bool there = place.offset >= logs[i].begin && place.offset <= logs[i].end;
        return there ? Start{i, place.offset, false} : Start{i, logs[i].begin, true};
    }
    return {0, logs.front().begin, place.mark != kNoMark};
}

Answer<std::string> read_at(const Log& log, std::uint64_t offset, std::size_t most) {
    std::string bytes(std::min<std::uint64_t>(most, log.end - offset), '\0');
    const ssize_t got = ::pread(log.file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0) return std::unexpected(os_failure("read a console's file"));
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
}

}  // namespace

std::string to_string(const ConsolePlace& place) { return fmt::format("{}-{}", place.mark, place.offset); }

std::optional<ConsolePlace> parse_place(std::string_view text) {
    ConsolePlace place;
    place.mark = text.substr(0, kMarkDigits);
    const bool hexadecimal = place.mark.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (text.size() <= kMarkDigits + 1 || text[kMarkDigits] != '-' || !hexadecimal) return std::nullopt;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + kMarkDigits + 1, end, place.offset);
    if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    return place;
}

Answer<ConsolePart> read_console(int directory, const ConsoleOwner& owner, const ConsoleWish& wish) {
    const std::optional<ConsolePlace> after = parse_place(wish.after);
    if (!after && !wish.after.empty()) return refuse(FailureCode::invalid, "this is no place in a console");
    const Answer<std::vector<Log>> logs = open_logs(directory, owner);
    if (!logs) return std::unexpected(logs.error());
    ConsolePart part;
    part.next = to_string({std::string(kNoMark), 0});
    if (logs->empty()) {
        part.lost = after && after->mark != kNoMark;
        return part;
    }
    const Start start = after ? start_at(*logs, *after) : start_of_tail(*logs, wish.tail);
    part.lost = start.lost;
    std::uint64_t offset = start.offset;
    for (std::size_t i = start.log; i < logs->size(); ++i) {
        const Log& log = (*logs)[i];
        if (i > start.log) offset = log.begin;
        Answer<std::string> bytes = read_at(log, offset, kMaxConsolePart - part.bytes.size());
        if (!bytes) return std::unexpected(bytes.error());
        offset += bytes->size();
        part.bytes += *bytes;
        part.next = to_string({log.mark, offset});
        part.more = offset < log.end;
        if (part.more) break;
    }
    return part;
}

void trim_console(int directory) {
    const Answer<UniqueFd> data = open_directory(directory, "data");
    struct stat owner{};
    if (!data || ::fstat(data->get(), &owner) != 0) return;
    const UniqueFd file(::openat(data->get(), kLog, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!file || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return;
    // A container's is not its directory's owner's: liblxc sees to it.
    if (seen.st_uid != owner.st_uid || seen.st_blocks * kSector <= kMostTaken) return;
    const off_t end = (seen.st_size - kKept) / kGrain * kGrain;
    if (end <= 0) return;
    if (::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) == 0) return;
    // A file system without holes: what is lost then is told to who reads.
    static_cast<void>(::ftruncate(file.get(), 0));
}

}  // namespace slipway::agent
