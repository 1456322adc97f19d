#include "store/log_files.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/masking.h"
#include "base/output_lines.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".log";
constexpr std::size_t kMaxId = 64;

struct Part {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    fs::path file;
    [[nodiscard]] std::uint64_t end() const { return begin + size; }
};

// What becomes the name of a directory.
bool usable(const OperationId& operation) {
    const std::string& id = operation.str();
    return !id.empty() && id.size() <= kMaxId && std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::optional<std::uint64_t> begin_of(const fs::path& file) {
    const std::string stem = file.stem().string();
    std::uint64_t begin = 0;
    const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), begin);
    if (file.extension() != kEnding || error != std::errc() || end != stem.data() + stem.size())
        return std::nullopt;
    return begin;
}

// In their order. One that goes meanwhile is left out.
std::vector<Part> parts_of(const fs::path& directory) {
    std::vector<Part> parts;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const auto begin = begin_of(entry.path());
        std::error_code gone;
        const std::uint64_t size = entry.file_size(gone);
        if (begin && !gone) parts.push_back({*begin, size, entry.path()});
    }
    std::ranges::sort(parts, {}, &Part::begin);
    return parts;
}

std::string bytes_of(const Part& part, std::uint64_t from, std::size_t most) {
    const UniqueFd file(::open(part.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return {};
    std::string text(std::min<std::uint64_t>(most, part.size - from), '\0');
    const ssize_t got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(from));
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

// One log as it is written to, by whoever has it open.
class LogFiles::File {
  public:
    File(fs::path directory, const LogBounds& bounds) : directory_(std::move(directory)), bounds_(bounds) {}

    // True: it is there.
    bool append(const std::string& line) {
        const std::scoped_lock lock(mutex_);
        if (!begun_ && !begin()) return false;
        if (parts_.empty() || parts_.back().size + line.size() > bounds_.part) {
            const std::uint64_t at = parts_.empty() ? 0 : parts_.back().end();
            parts_.push_back({at, 0, directory_ / fmt::format("{:020}{}", at, kEnding)});
            drop_middle();
        }
        Part& last = parts_.back();
        const UniqueFd file(
            ::open(last.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        const ssize_t put = file ? ::write(file.get(), line.data(), line.size()) : -1;
        if (put > 0) last.size += static_cast<std::uint64_t>(put);
        return put == static_cast<ssize_t>(line.size());
    }

  private:
    // An earlier process may have written to it, and died in the middle of a line.
    bool begin() {
        std::error_code error;
        fs::create_directories(directory_.parent_path(), error);
        if (!error) fs::permissions(directory_.parent_path(), fs::perms::owner_all, error);
        if (error || (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)) return false;
        parts_ = parts_of(directory_);
        if (!parts_.empty() && parts_.back().size > 0) {
            Part& last = parts_.back();
            const bool whole = bytes_of(last, last.size - 1, 1) == "\n";
            const UniqueFd file(::open(last.file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
            if (!whole && file && ::write(file.get(), "\n", 1) == 1) last.size += 1;
        }
        begun_ = true;
        return true;
    }
    void drop_middle() {
        while (parts_.size() > bounds_.last_parts + 1) {
            std::error_code ignored;
            fs::remove(parts_[1].file, ignored);
            parts_.erase(parts_.begin() + 1);
        }
    }

    std::mutex mutex_;
    fs::path directory_;
    LogBounds bounds_;
    std::vector<Part> parts_;
    bool begun_ = false;
};

class LogFiles::Writer final : public StepLog {
  public:
    Writer(std::shared_ptr<File> file, const std::vector<Secret>& secrets, const Clock& clock, std::size_t most)
        : file_(std::move(file)), mask_(secrets), clock_(clock), most_(most) {}

    void write(std::string_view line) override {
        const std::string text = shortened(mask_.apply(plain_line(line)), most_);
        const bool kept = file_->append(fmt::format("{} {}\n", format_time(clock_.now()), text));
        if (!kept && !told_.exchange(true)) {
            log::warning("store", "an operation's log cannot be written", {{"error", std::strerror(errno)}});
        }
    }

  private:
    std::shared_ptr<File> file_;
    Mask mask_;
    const Clock& clock_;
    std::size_t most_;
    std::atomic<bool> told_ = false;
};

LogFiles::LogFiles(fs::path directory, const Clock& clock, LogBounds bounds)
    : directory_(std::move(directory)), clock_(clock), bounds_(bounds) {}
LogFiles::~LogFiles() = default;

std::shared_ptr<LogFiles::File> LogFiles::file_of(const OperationId& operation) {
    const std::scoped_lock lock(mutex_);
    std::weak_ptr<File>& known = files_[operation];
    std::shared_ptr<File> file = known.lock();
    if (!file) {
        std::erase_if(files_, [&](const auto& each) { return each.first != operation && each.second.expired(); });
        file = std::make_shared<File>(directory_ / operation.str(), bounds_);
        files_[operation] = file;
    }
    return file;
}

std::shared_ptr<StepLog> LogFiles::open(const OperationId& operation, std::vector<Secret> secrets) {
    if (!usable(operation)) return nullptr;
    return std::make_shared<Writer>(file_of(operation), secrets, clock_, bounds_.line);
}

Result<LogPart> LogFiles::read(const OperationId& operation, std::uint64_t offset, std::size_t most) const {
    LogPart answer;
    answer.next = offset;
    if (!usable(operation)) return answer;
    for (const Part& part : parts_of(directory_ / operation.str())) {
        if (part.end() <= answer.next) continue;
        if (answer.text.size() >= most) break;
        if (part.begin > answer.next) {
            answer.text +=
                fmt::format("[{} bytes were dropped here: a log is kept with its beginning and its end]\n",
                            part.begin - answer.next);
            answer.next = part.begin;
        }
        std::string text = bytes_of(part, answer.next - part.begin, most - std::min(most, answer.text.size()));
        text.resize(text.rfind('\n') + 1);  // npos + 1 is 0: a line that is being written is not there yet
        answer.next += text.size();
        answer.text += text;
        if (answer.next < part.end()) break;  // the rest of it comes first
    }
    return answer;
}

Status LogFiles::remove(const OperationId& operation) {
    if (!usable(operation)) return {};
    std::error_code error;
    fs::remove_all(directory_ / operation.str(), error);
    if (error) return fail(ErrorCode::storage, "an operation's log cannot be removed", error.message());
    return {};
}

Result<std::size_t> LogFiles::remove_old() {
    std::size_t removed = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory_, error)) {
        const OperationId operation(entry.path().filename().string());
        const std::vector<Part> parts = parts_of(entry.path());
        struct stat facts{};
        const fs::path& newest = parts.empty() ? entry.path() : parts.back().file;
        if (!usable(operation) || ::stat(newest.c_str(), &facts) != 0) continue;
        const TimePoint written{std::chrono::seconds(facts.st_mtim.tv_sec)};
        if (written + bounds_.age >= clock_.now()) continue;
        if (const Status gone = remove(operation); !gone) return fail(gone.error());
        ++removed;
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::storage, "the logs of operations cannot be listed", error.message());
    }
    return removed;
}

}  // namespace slipway::store
