#include "providers/backups/backup_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"

namespace slipway::backups {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostName = 128;
constexpr std::size_t kMostMeta = 64UL * 1024;
constexpr auto kRemembered = std::chrono::hours(24 * 30);

std::unexpected<Error> failed(const fs::path& path, std::string_view what) {
    return fail(ErrorCode::storage, "the directory of backups cannot be written",
                fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

Status make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(path, "cannot make it");
    return {};
}

Status sync_directory(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return failed(path, "cannot sync it");
    return {};
}

Status write_file(const fs::path& path, const std::string& text) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return failed(path, "cannot make it");
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return failed(path, "cannot write it");
    }
    if (::fsync(fd.get()) != 0) return failed(path, "cannot sync it");
    return {};
}

std::optional<std::string> read_file(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return std::nullopt;
    std::string text(kMostMeta, '\0');
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    if (got < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(got));
    return text;
}

// Marks are of use for as long as a call may come late, which is far shorter.
void forget_old_marks(const fs::path& below) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(below, error)) {
        std::error_code ignored;
        const auto written = entry.last_write_time(ignored);
        if (!ignored && written + kRemembered < fs::file_time_type::clock::now()) fs::remove(entry.path(), ignored);
    }
}

bool is_there(const fs::path& path) {
    struct stat facts{};
    return ::lstat(path.c_str(), &facts) == 0;
}

}  // namespace

std::string to_text(const BackupMeta& meta) {
    return json::dump(json::object{{"installation", meta.installation.str()},
                                   {"resource", meta.resource.str()},
                                   {"generation", meta.generation},
                                   {"external_name", meta.external_name},
                                   {"engine", meta.engine},
                                   {"engine_version", meta.engine_version},
                                   {"bytes", meta.bytes},
                                   {"sha256", meta.sha256}});
}

BackupMeta parse_meta(std::string_view text) {
    const auto parsed = json::parse(text);
    const json::object* in = parsed ? parsed->if_object() : nullptr;
    if (in == nullptr) return {};
    const std::int64_t generation = json::get_int(*in, "generation");
    const std::int64_t bytes = json::get_int(*in, "bytes");
    BackupMeta meta;
    meta.installation = InstallationId(json::get_string(*in, "installation"));
    meta.resource = ResourceId(json::get_string(*in, "resource"));
    meta.generation = static_cast<std::uint64_t>(generation);
    meta.external_name = json::get_string(*in, "external_name");
    meta.engine = json::get_string(*in, "engine");
    meta.engine_version = json::get_string(*in, "engine_version");
    meta.bytes = static_cast<std::uint64_t>(bytes);
    meta.sha256 = json::get_string(*in, "sha256");
    // What nobody here has written: its name could lead out of the directory.
    const bool right = generation >= 0 && bytes >= 0 && BackupFiles::valid_name(meta.external_name);
    return right ? meta : BackupMeta{};
}

bool BackupFiles::valid_name(std::string_view name) {
    constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !name.empty() && name.size() <= kMostName && !name.starts_with('.') &&
           name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Status BackupFiles::prepare() const {
    for (const fs::path& each : {root_, made_below(), gone_below()}) {
        if (Status made = make_directory(each); !made) return made;
    }
    return {};
}

void BackupFiles::tidy() const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root_, error)) {
        std::error_code ignored;
        if (entry.path().filename().string().starts_with(".list-")) fs::remove(entry.path(), ignored);
    }
}

fs::path BackupFiles::data_being_made(const std::string& name) const { return made_below() / name / "data"; }

fs::path BackupFiles::list_file(const ResourceId& database) const { return root_ / (".list-" + database.str()); }

std::optional<BackupMeta> BackupFiles::find(const std::string& name, bool being_made) const {
    const fs::path directory = (being_made ? made_below() : root_) / name;
    if (!is_there(directory)) return std::nullopt;
    return parse_meta(read_file(directory / "meta.json").value_or(""));
}

bool BackupFiles::whole(const BackupMeta& meta) const {
    struct stat facts{};
    return ::lstat(data(meta.external_name).c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
           static_cast<std::uint64_t>(facts.st_size) == meta.bytes && !meta.sha256.empty();
}

Status BackupFiles::begin(const BackupMeta& meta) const {
    if (Status ready = prepare(); !ready) return ready;
    const fs::path directory = made_below() / meta.external_name;
    std::error_code error;
    fs::remove_all(directory, error);
    if (error) return fail(ErrorCode::storage, "the directory of backups cannot be written", error.message());
    if (Status made = make_directory(directory); !made) return made;
    return write_file(directory / "meta.json", to_text(meta));
}

Status BackupFiles::finish(const BackupMeta& meta) const {
    const fs::path directory = made_below() / meta.external_name;
    if (Status written = write_file(directory / "meta.json", to_text(meta)); !written) return written;
    if (Status synced = sync_directory(directory); !synced) return synced;
    const fs::path place = root_ / meta.external_name;
    if (::rename(directory.c_str(), place.c_str()) != 0) return failed(place, "cannot move it there");
    return sync_directory(root_);
}

Status BackupFiles::remove(const std::string& name, std::uint64_t generation) const {
    if (Status ready = prepare(); !ready) return ready;
    forget_old_marks(gone_below());
    if (!removed_before(name, generation)) {
        if (Status marked = write_file(gone_below() / name, std::to_string(generation)); !marked) return marked;
        if (Status synced = sync_directory(gone_below()); !synced) return synced;
    }
    // What is being written comes first: it could still be moved into its place otherwise. What is in its place is
    // moved out of it whole, so that half of it is never found there.
    std::error_code error;
    const fs::path aside = made_below() / name;
    fs::remove_all(aside, error);
    if (!error && ::rename((root_ / name).c_str(), aside.c_str()) == 0) fs::remove_all(aside, error);
    if (error) return fail(ErrorCode::storage, "the backup cannot be removed", error.message());
    return sync_directory(root_);
}

bool BackupFiles::removed_before(const std::string& name, std::uint64_t generation) const {
    const std::optional<std::string> text = read_file(gone_below() / name);
    if (!text) return false;
    std::uint64_t removed = 0;
    std::from_chars(text->data(), text->data() + text->size(), removed);
    return removed >= generation;
}

Result<std::vector<BackupFiles::Listed>> BackupFiles::list() const {
    std::vector<Listed> all;
    for (const bool being_made : {false, true}) {
        const fs::path below = being_made ? made_below() : root_;
        std::error_code error;
        fs::directory_iterator entries(below, error);
        if (error == std::errc::no_such_file_or_directory) continue;
        if (error) return fail(ErrorCode::storage, "the directory of backups cannot be read", error.message());
        for (const auto& entry : entries) {
            std::string name = entry.path().filename().string();
            if (name.starts_with('.')) continue;
            auto meta = find(name, being_made);
            // What is half removed is nobody's any more: whoever removes it goes on with it.
            if (!meta || (being_made && meta->installation.empty())) continue;
            all.push_back({std::move(name), std::move(*meta), being_made});
        }
    }
    std::ranges::sort(all, {}, &Listed::name);
    return all;
}

}  // namespace slipway::backups
