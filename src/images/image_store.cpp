#include "images/image_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/files.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kDraftDigits = 16;
constexpr std::string_view kDraftPrefix = ".new-";
constexpr std::string_view kGonePrefix = ".gone-";
constexpr int kTries = 5;  // at what somebody else removes at the same time

// The name that a build's directory begins with; "" of others.
std::string_view name_of_build(std::string_view directory) {
    const std::size_t at = directory.find('@');
    if (at == std::string_view::npos || directory.size() != at + 1 + kIdDigits) return {};
    const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (!std::ranges::all_of(directory.substr(at + 1), hexadecimal)) return {};
    const std::string_view name = directory.substr(0, at);
    return valid_image_name(name) ? name : std::string_view();
}

UniqueFd open_directory(const fs::path& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Whether the path still means what was opened.
bool still_there(const UniqueFd& opened, const fs::path& path) {
    struct stat ours{};
    struct stat now{};
    return ::fstat(opened.get(), &ours) == 0 && ::lstat(path.c_str(), &now) == 0 && ours.st_ino == now.st_ino &&
           ours.st_dev == now.st_dev;
}

Status make_directory(const fs::path& path, mode_t mode) {
    // Whatever the umask takes away is needed.
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return refuse_path(path, "cannot make it");
    if (::chmod(path.c_str(), mode) != 0) return refuse_path(path, "cannot set its mode");
    return {};
}

void remove_tree(const fs::path& path) {
    std::error_code ignored;  // what is left is tried again by the next one
    fs::remove_all(path, ignored);
}

Status wrong_name() {
    return fail(ErrorCode::invalid_argument,
                "a name of an image is 1 to 63 of a-z 0-9 . -, and begins with a letter or a digit");
}

// The files of a build readable by whoever runs machines, and on the disk.
Status finish_files(const fs::path& directory) {
    std::error_code error;
    for (const fs::directory_entry& each : fs::directory_iterator(directory, error)) {
        if (::chmod(each.path().c_str(), 0644) != 0) return refuse_path(each.path(), "cannot set its mode");
        if (Status synced = sync_path(each.path()); !synced) return synced;
    }
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", directory.string(), error.message()));
    return sync_path(directory);
}

bool whole(const fs::path& build, const Image& wanted) {
    const auto image = open_image(build);
    return image && image->name == wanted.name && content_id(*image) == content_id(wanted) &&
           check_contents(*image);
}

Result<UniqueFd> hold_build(const fs::path& build, int lock) {
    UniqueFd opened = open_directory(build);
    if (!opened && errno != ENOENT) return refuse_path(build, "cannot open it");
    if (!opened || ::flock(opened.get(), lock) != 0 || !still_there(opened, build)) {
        return fail(ErrorCode::not_found, build.string() + " has just been removed");
    }
    return opened;
}

// Nobody is about to rest on the build, and nothing does.
Result<UniqueFd> claim(const fs::path& build, const InUse& in_use) {
    UniqueFd opened = open_directory(build);
    if (!opened) return refuse_path(build, "cannot open it");
    if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail(ErrorCode::conflict, build.filename().string() + " is being used right now");
    }
    // Only now: who held it may have put something on it.
    const auto used = in_use(build);
    if (!used) return fail(used.error());
    if (*used) return fail(ErrorCode::conflict, build.filename().string() + " is what machines rest on");
    return opened;
}

}  // namespace

Draft::~Draft() {
    if (lock_) remove_tree(path_);
}

Result<std::string> ImageStore::target_of(std::string_view name) const {
    const fs::path link = directory_ / name;
    std::error_code error;
    std::string target = fs::read_symlink(link, error);
    if (error == std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::not_found, fmt::format("there is no image {}", name));
    }
    if (error || name_of_build(target) != name) {
        return fail(ErrorCode::storage, link.string() + " is no link to a build of this image");
    }
    return target;
}

Result<std::vector<ImageStore::Entry>> ImageStore::list() const {
    std::vector<Entry> found;
    std::error_code error;
    for (const fs::directory_entry& each : fs::directory_iterator(directory_, error)) {
        std::string name = each.path().filename();
        if (!valid_image_name(name)) continue;
        auto image = find(name);
        if (!image && image.error().code == ErrorCode::not_found) continue;  // removed meanwhile
        found.push_back({std::move(name), std::move(image)});
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::storage, fmt::format("{}: {}", directory_.string(), error.message()));
    }
    std::ranges::sort(found, {}, &Entry::name);
    return found;
}

Result<Image> ImageStore::find(std::string_view name) const {
    if (!valid_image_name(name)) return fail(wrong_name().error());
    for (int i = 0; i < kTries; ++i) {
        const auto target = target_of(name);
        if (!target) return fail(target.error());
        auto image = open_image(directory_ / *target);
        // It may have been replaced and removed since the link was read.
        if (const auto now = target_of(name); !image && (!now || *now != *target)) continue;
        if (!image) {
            image.error().code = ErrorCode::storage;
            image.error().message = in_one_line(image.error());
            image.error().problems.clear();
        } else if (image->name != name) {
            return fail(ErrorCode::storage,
                        fmt::format("{} says that it is {}", (directory_ / *target).string(), image->name));
        }
        return image;
    }
    return fail(ErrorCode::storage, fmt::format("the image {} changes all the time", name));
}

Result<UniqueFd> ImageStore::hold(const Image& image) const {
    return hold_build(image.directory, LOCK_SH | LOCK_NB);
}

Result<std::vector<fs::path>> ImageStore::builds(std::string_view name) const {
    std::vector<fs::path> found;
    std::error_code error;
    for (const fs::directory_entry& each : fs::directory_iterator(directory_, error)) {
        const std::string directory = each.path().filename();
        const std::string_view whose = name_of_build(directory);
        if (!whose.empty() && (name.empty() || whose == name)) found.push_back(each.path());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return fail(ErrorCode::storage, fmt::format("{}: {}", directory_.string(), error.message()));
    }
    return found;
}

// What processes that died left behind.
void ImageStore::sweep() const {
    std::error_code ignored;
    for (const fs::directory_entry& each : fs::directory_iterator(directory_, ignored)) {
        const std::string name = each.path().filename();
        if (name.starts_with(kGonePrefix)) remove_tree(each.path());
        if (!name.starts_with(kDraftPrefix)) continue;
        const UniqueFd opened = open_directory(each.path());
        if (opened && ::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) remove_tree(each.path());
    }
}

Result<Draft> ImageStore::begin(Random& random) const {
    if (Status made = make_directory(directory_, 0755); !made) return fail(made.error());
    sweep();
    for (int i = 0; i < kTries; ++i) {
        const fs::path path = directory_ / (std::string(kDraftPrefix) + random.hex(kDraftDigits));
        if (::mkdir(path.c_str(), 0700) != 0) return refuse_path(path, "cannot make it");
        UniqueFd lock = open_directory(path);
        // Before it is locked, somebody who sweeps takes it for left behind.
        if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || !still_there(lock, path)) continue;
        Draft draft(path, std::move(lock));
        if (Status made = make_directory(draft.image(), 0755); !made) return fail(made.error());
        if (Status made = make_directory(draft.scratch(), 0700); !made) return fail(made.error());
        return draft;
    }
    return fail(ErrorCode::storage, directory_.string() + ": no directory can be kept there");
}

// Moves the draft's image to where the build belongs; what it answers holds the build.
Result<UniqueFd> ImageStore::put_in_place(const Draft& draft, const fs::path& build, const Image& image) const {
    for (int i = 0; i < kTries; ++i) {
        UniqueFd ours = open_directory(draft.image());
        if (!ours || ::flock(ours.get(), LOCK_SH | LOCK_NB) != 0)
            return refuse_path(draft.image(), "cannot lock it");
        if (::renameat2(AT_FDCWD, draft.image().c_str(), AT_FDCWD, build.c_str(), RENAME_NOREPLACE) == 0)
            return ours;
        if (errno != EEXIST) return refuse_path(build, "cannot make it");
        auto held = hold_build(build, LOCK_SH);  // waits for who is removing it
        if (!held && held.error().code == ErrorCode::not_found) continue;
        if (!held) return held;
        if (whole(build, image)) return held;
        // What rests on it gets what it was made of.
        if (::renameat2(AT_FDCWD, draft.image().c_str(), AT_FDCWD, build.c_str(), RENAME_EXCHANGE) == 0)
            return ours;
        return refuse_path(build, "cannot replace it");
    }
    return fail(ErrorCode::storage, build.string() + " is removed all the time");
}

Status ImageStore::point(std::string_view name, const fs::path& build, const Draft& draft) const {
    const fs::path link = draft.scratch() / ".link";
    if (::symlink(build.filename().c_str(), link.c_str()) != 0) return refuse_path(link, "cannot make it");
    const fs::path place = directory_ / name;
    if (::rename(link.c_str(), place.c_str()) != 0) return refuse_path(place, "cannot make it");
    return sync_path(directory_);
}

Result<Image> ImageStore::install(Draft draft, const Image& image) const {
    if (!valid_image_name(image.name)) return fail(wrong_name().error());
    if (Status written = write_file(draft.image() / kImageFile, write_image(image)); !written)
        return fail(written.error());
    if (const auto sound = open_image(draft.image()); !sound) return fail(sound.error());
    if (Status finished = finish_files(draft.image()); !finished) return fail(finished.error());
    const fs::path build = directory_ / fmt::format("{}@{}", image.name, content_id(image));
    const auto held = put_in_place(draft, build, image);
    if (!held) return fail(held.error());
    if (Status synced = sync_path(directory_); !synced) return fail(synced.error());
    if (Status pointed = point(image.name, build, draft); !pointed) return fail(pointed.error());
    return open_image(build);
}

// It is gone at once; that its files go may take a while.
Status ImageStore::take_away(const fs::path& build, Random& random) const {
    const fs::path gone = directory_ / (std::string(kGonePrefix) + random.hex(kDraftDigits));
    if (::rename(build.c_str(), gone.c_str()) != 0) return refuse_path(build, "cannot remove it");
    remove_tree(gone);
    return {};
}

Status ImageStore::remove(std::string_view name, const InUse& in_use, Random& random) const {
    if (!valid_image_name(name)) return wrong_name();
    const auto all = builds(name);
    if (!all) return fail(all.error());
    std::error_code error;
    const bool named = fs::is_symlink(fs::symlink_status(directory_ / name, error));
    if (!named && all->empty()) return fail(ErrorCode::not_found, fmt::format("there is no image {}", name));
    std::vector<UniqueFd> claims;
    for (const fs::path& build : *all) {
        auto claimed = claim(build, in_use);
        if (!claimed) return fail(claimed.error());
        claims.push_back(std::move(*claimed));
    }
    if (named && ::unlink((directory_ / name).c_str()) != 0)
        return refuse_path(directory_ / name, "cannot remove it");
    for (const fs::path& build : *all) {
        if (Status taken = take_away(build, random); !taken) return taken;
    }
    return sync_path(directory_);
}

Result<std::size_t> ImageStore::prune(const InUse& in_use, Random& random) const {
    const auto all = builds("");
    if (!all) return fail(all.error());
    std::size_t pruned = 0;
    for (const fs::path& build : *all) {
        const std::string directory = build.filename();
        const auto current = [&] {
            const auto target = target_of(name_of_build(directory));
            return target && *target == directory;
        };
        if (current()) continue;
        const auto claimed = claim(build, in_use);
        if (!claimed && claimed.error().code == ErrorCode::conflict) continue;
        if (!claimed) return fail(claimed.error());
        if (current()) continue;  // whoever installs one holds it until it has the name
        if (Status taken = take_away(build, random); !taken) return fail(taken.error());
        ++pruned;
    }
    return pruned;
}

}  // namespace slipway::images
