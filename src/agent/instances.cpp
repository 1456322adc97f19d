#include "agent/instances.h"

#include <cerrno>
#include <charconv>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/launch.h"
#include "agent/shared_memory.h"

namespace slipway::agent {
namespace {

constexpr std::time_t kKeepMarks = 30 * 24 * 3600;
constexpr std::size_t kPageBytes = 32 * 1024;
constexpr std::size_t kMaxLock = 512;
constexpr off_t kMaxLog = 16 * 1024 * 1024;
constexpr std::size_t kKeptLog = 256 * 1024;

struct LockContent {
    Process process;
    std::string tag;
};

// For who is not root, as engines are where they are kept apart.
bool has_no_room(int directory) {
    struct statvfs disk{};
    return ::fstatvfs(directory, &disk) == 0 && std::uint64_t{disk.f_bavail} * disk.f_frsize < kNoRoom;
}

// "pid start_time tag\n", written by the process itself once it held the lock.
std::optional<LockContent> parse_lock(std::string_view text) {
    if (text.empty() || text.back() != '\n') return std::nullopt;
    text.remove_suffix(1);
    LockContent content;
    const auto pid = std::from_chars(text.data(), text.data() + text.size(), content.process.pid);
    if (pid.ec != std::errc() || pid.ptr == text.data() + text.size() || *pid.ptr != ' ') return std::nullopt;
    const auto start = std::from_chars(pid.ptr + 1, text.data() + text.size(), content.process.start_time);
    if (start.ec != std::errc() || start.ptr == text.data() + text.size() || *start.ptr != ' ') return std::nullopt;
    const std::string_view tag(start.ptr + 1, text.data() + text.size());
    // The engine inherits the open file: what it may have written there instead of a tag is none, and must not get
    // into an answer, which would then be no JSON to the broker.
    if (valid_tag(tag)) content.tag = tag;
    return content;
}

// The engine appends to what it has open: it goes on at the new end.
void shorten_log(int directory) {
    const UniqueFd log(::openat(directory, "log", O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!log || ::fstat(log.get(), &seen) != 0 || !S_ISREG(seen.st_mode) || seen.st_size <= kMaxLog) return;
    const std::string end = read_tail(directory, "log", kKeptLog);
    const Answer<bool> kept =
        replace_file(directory, "log.1", end, {::geteuid(), ::getegid(), 0600}, Durability::none);
    if (kept) static_cast<void>(::ftruncate(log.get(), 0));
}

Answer<UniqueFd> open_root(const std::string& root) {
    if (::mkdir(root.c_str(), 0711) != 0 && errno != EEXIST) return std::unexpected(os_failure("make the root"));
    Answer<UniqueFd> fd = open_directory(AT_FDCWD, root);
    if (!fd) return fd;
    struct stat seen{};
    if (::fstat(fd->get(), &seen) != 0) return std::unexpected(os_failure("look at the root"));
    if (seen.st_uid != ::geteuid() || (seen.st_mode & 022) != 0) {
        return refuse(FailureCode::foreign,
                      "the root must belong to the helper's user and be writable by nobody else");
    }
    // Engines of other uids pass through it.
    if (::fchmod(fd->get(), 0711) != 0) return std::unexpected(os_failure("set the root's mode"));
    return fd;
}

// One helper at a time: what an earlier one was still doing when its broker died is over before this one looks.
Answer<UniqueFd> be_alone(int root, int wait_ms) {
    UniqueFd fd(::openat(root, ".agent", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(os_failure("open the helper's lock"));
    for (int waited = 0; !take_lock(fd.get()); ++waited) {
        if (waited >= wait_ms) return refuse(FailureCode::busy, "another helper is at work on this directory");
        ::poll(nullptr, 0, 1);
    }
    return fd;
}

// A program that an interrupted helper was waiting for may still be at work in there.
Answer<void> remove_unfinished(int parent, const std::string& name) {
    if (const Answer<UniqueFd> directory = open_directory(parent, name); directory) {
        if (const Answer<void> alone = end_holders(directory->get()); !alone) return alone;
        struct stat data{};
        if (::fstatat(directory->get(), "data", &data, AT_SYMLINK_NOFOLLOW) == 0) {
            clear_shared_memory(directory->get(), data.st_uid, false);
        }
    }
    return remove_tree(parent, name);
}

Answer<UniqueFd> emptied(int root, const std::string& name) {
    Answer<UniqueFd> fd = make_directory(root, name, 0700);
    if (!fd) return fd;
    for (const std::string& each : list_names(fd->get())) {
        if (const Answer<void> removed = remove_unfinished(fd->get(), each); !removed) {
            return std::unexpected(removed.error());
        }
    }
    return fd;
}

// Without what an interrupted helper was making there.
Answer<UniqueFd> whole(int root, const std::string& name, mode_t mode) {
    Answer<UniqueFd> fd = make_directory(root, name, mode);
    if (!fd) return fd;
    for (const std::string& each : list_names(fd->get())) {
        if (!each.starts_with('.')) continue;
        if (const Answer<void> removed = remove_unfinished(fd->get(), each); !removed) {
            return std::unexpected(removed.error());
        }
    }
    return fd;
}

}  // namespace

Answer<Instances> Instances::open(const std::string& root, Rights rights, int wait_ms, Checkpoint checkpoint) {
    Instances made;
    made.rights_ = rights;
    made.checkpoint_ = std::move(checkpoint);
    struct Part {
        UniqueFd Instances::* member;
        std::function<Answer<UniqueFd>()> open;
    };
    const std::vector<Part> parts{
        {&Instances::root_, [&] { return open_root(root); }},
        {&Instances::exclusive_, [&] { return be_alone(made.root_.get(), wait_ms); }},
        {&Instances::new_, [&] { return emptied(made.root_.get(), ".new"); }},
        {&Instances::trash_, [&] { return emptied(made.root_.get(), ".trash"); }},
        // Engines' uids may have to go through it while a template is made.
        {&Instances::templates_, [&] { return whole(made.root_.get(), ".templates", 0711); }},
        {&Instances::roots_, [&] { return whole(made.root_.get(), ".roots", 0700); }},
        {&Instances::gone_, [&] { return make_directory(made.root_.get(), ".gone", 0700); }},
    };
    for (const Part& part : parts) {
        Answer<UniqueFd> fd = part.open();
        if (!fd) return std::unexpected(fd.error());
        made.*part.member = std::move(*fd);
    }
    made.prune();
    return made;
}

void Instances::prune() const {
    const std::time_t oldest = std::time(nullptr) - kKeepMarks;
    for (const std::string& each : list_names(gone_.get())) {
        struct stat seen{};
        if (::fstatat(gone_.get(), each.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0 && seen.st_mtime < oldest) {
            ::unlinkat(gone_.get(), each.c_str(), 0);
        }
    }
    for (const std::string& each : names()) {
        if (const Answer<UniqueFd> directory = this->directory(each)) shorten_log(directory->get());
    }
}

std::vector<std::string> Instances::names() const {
    std::vector<std::string> names = list_names(root_.get());
    std::erase_if(names, [](const std::string& each) { return !valid_name(each); });
    return names;
}

Answer<void> Instances::check_uid(const json::object& meta) const {
    const std::int64_t uid = json::get_int(meta, "uid", -1);
    if (!rights_.isolation) {
        if (uid == static_cast<std::int64_t>(rights_.uid)) return {};
        return refuse(FailureCode::invalid, "without root every instance runs as the helper's own uid");
    }
    if (uid >= static_cast<std::int64_t>(rights_.uid_first) && uid <= static_cast<std::int64_t>(rights_.uid_last) &&
        uid > 0) {
        return {};
    }
    return refuse(FailureCode::invalid,
                  fmt::format("the uid must be from {} to {}", rights_.uid_first, rights_.uid_last));
}

Answer<UniqueFd> Instances::directory(const std::string& name) const {
    if (!valid_name(name)) return refuse(FailureCode::invalid, "an instance's name must match [a-z0-9-]{1,63}");
    Answer<UniqueFd> fd = open_directory(root_.get(), name);
    if (!fd) return fd;
    struct stat seen{};
    if (::fstat(fd->get(), &seen) != 0) return std::unexpected(os_failure("look at an instance"));
    if (seen.st_uid != rights_.uid) return refuse(FailureCode::foreign, "the directory belongs to another user");
    return fd;
}

UniqueFd Instances::lock_file(int directory) const {
    return UniqueFd(::openat(directory, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
}

Answer<uid_t> Instances::uid_of(const InstanceStatus& status) const {
    if (const Answer<void> fine = check_uid(status.meta); !fine) return std::unexpected(fine.error());
    return static_cast<uid_t>(json::get_int(status.meta, "uid"));
}

InstanceStatus Instances::read_status(const std::string& name, int directory) const {
    InstanceStatus status;
    status.name = name;
    status.exists = true;
    status.full = has_no_room(directory);
    const Answer<std::string> text = read_file(directory, "meta.json", kMaxMeta);
    if (!text) {
        status.damage = "its meta.json cannot be read: " + text.error().message;
    } else if (Result<json::value> parsed = json::parse(*text); !parsed || !parsed->is_object()) {
        status.damage = "its meta.json is not JSON";
    } else if (!identity_of(parsed->as_object())) {
        status.damage = "its meta.json does not say whose it is";
    } else {
        status.meta = std::move(parsed->as_object());
    }
    const UniqueFd lock = lock_file(directory);
    if (!lock || !lock_is_held(lock.get())) return status;
    status.held = true;
    const Answer<std::string> content = read_file(directory, "lock", kMaxLock);
    if (!content) return status;
    std::optional<LockContent> parsed = parse_lock(*content);
    if (parsed && is_alive(parsed->process)) {
        status.process = parsed->process;
        status.tag = std::move(parsed->tag);
    }
    return status;
}

Answer<InstanceStatus> Instances::status(const std::string& name) const {
    const Answer<UniqueFd> fd = directory(name);
    if (fd) return read_status(name, fd->get());
    InstanceStatus status;
    status.name = name;
    if (fd.error().code == FailureCode::absent) return status;
    if (fd.error().code != FailureCode::foreign) return std::unexpected(fd.error());
    status.exists = true;
    status.damage = fd.error().message;
    return status;
}

Answer<ListPage> Instances::list(const std::string& after) const {
    ListPage page;
    std::size_t bytes = 0;
    for (const std::string& name : list_names(root_.get())) {
        if (name <= after || !valid_name(name)) continue;
        if (bytes > kPageBytes) {
            page.next = page.instances.back().name;
            return page;
        }
        Answer<InstanceStatus> status = this->status(name);
        if (!status) return std::unexpected(status.error());
        bytes += json::dump(to_json(*status)).size();
        page.instances.push_back(std::move(*status));
    }
    return page;
}

Answer<void> Instances::check_not_gone(const std::string& name, std::uint64_t generation) const {
    const Answer<std::string> text = read_file(gone_.get(), name, 64);
    if (!text && text.error().code == FailureCode::absent) return {};
    if (!text) return std::unexpected(text.error());
    std::uint64_t removed = 0;
    std::from_chars(text->data(), text->data() + text->size(), removed);
    // A mark that says nothing refuses every generation: it was put there for a reason.
    if (removed != 0 && generation > removed) return {};
    return refuse(FailureCode::gone, "this instance was removed before");
}

// Not made durable: what could come late does not outlive a power cut either.
Answer<void> Instances::bury(const std::string& name, std::uint64_t generation) {
    const Answer<std::string> text = read_file(gone_.get(), name, 64);
    std::uint64_t removed = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), removed);
    if (removed >= generation) return {};
    const Answer<bool> written = replace_file(gone_.get(), name, fmt::format("{}\n", generation),
                                              {rights_.uid, ::getegid(), 0600}, Durability::none);
    if (!written) return std::unexpected(written.error());
    return {};
}

// Read by the instance's uid through its own group; by nobody else where that uid is ours.
mode_t Instances::mode_of_files() const { return rights_.isolation ? 0640 : 0600; }

Answer<void> Instances::fill(int directory, const json::object& meta, const std::vector<FileContent>& files) const {
    const gid_t own_group = ::getegid();
    const auto uid = static_cast<uid_t>(json::get_int(meta, "uid"));
    const gid_t group = rights_.isolation ? static_cast<gid_t>(uid) : own_group;
    for (const FileContent& each : files) {
        const Answer<bool> written = replace_file(directory, each.file, each.content,
                                                  {rights_.uid, group, mode_of_files()}, Durability::none);
        if (!written) return std::unexpected(written.error());
    }
    const Answer<UniqueFd> data = make_directory(directory, "data", 0700);
    if (!data) return std::unexpected(data.error());
    if (rights_.isolation && ::fchown(data->get(), uid, group) != 0) {
        return std::unexpected(os_failure("give the data directory to its uid"));
    }
    const Answer<bool> written =
        replace_file(directory, "meta.json", json::dump(meta), {rights_.uid, own_group, 0600}, Durability::content);
    if (!written) return std::unexpected(written.error());
    return {};
}

Answer<void> Instances::make(const std::string& name, const json::object& meta,
                             const std::vector<FileContent>& files, const SeedData& seed) {
    if (const Answer<void> removed = remove_tree(new_.get(), name); !removed) return removed;
    const Answer<UniqueFd> directory = make_directory(new_.get(), name, 0711);
    if (!directory) return std::unexpected(directory.error());
    checkpoint_("create:made");
    if (seed) {
        const auto uid = static_cast<uid_t>(json::get_int(meta, "uid"));
        if (const Answer<void> seeded = seed(directory->get(), uid); !seeded) {
            const Answer<void> cleared = remove_tree(new_.get(), name);
            return cleared ? seeded : cleared;
        }
        checkpoint_("create:seeded");
    }
    if (const Answer<void> filled = fill(directory->get(), meta, files); !filled) return filled;
    checkpoint_("create:filled");
    if (::renameat2(new_.get(), name.c_str(), root_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
        return std::unexpected(os_failure("put an instance in its place"));
    }
    checkpoint_("create:placed");
    return {};
}

Answer<void> Instances::settle(const std::string& name) const {
    const Answer<UniqueFd> directory = this->directory(name);
    if (!directory) return std::unexpected(directory.error());
    for (const std::string& each : list_names(directory->get())) {
        if (!valid_file(each)) continue;
        const UniqueFd file(
            ::openat(directory->get(), each.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
        if (!file) continue;
        if (const Answer<void> synced = sync(file.get(), "a file"); !synced) return synced;
    }
    if (const Answer<void> synced = sync(directory->get(), "an instance"); !synced) return synced;
    return sync(root_.get(), "the root");
}

Answer<bool> Instances::create(const std::string& name, const json::object& meta,
                               const std::vector<FileContent>& files, const SeedData& seed) {
    const std::optional<Identity> identity = identity_of(meta);
    if (!identity) return refuse(FailureCode::invalid, "meta must say installation, resource and generation");
    if (json::dump(meta).size() > kMaxMeta) return refuse(FailureCode::invalid, "meta is too large");
    if (const Answer<void> fine = check_uid(meta); !fine) return std::unexpected(fine.error());
    Answer<InstanceStatus> status = this->status(name);
    if (!status) return std::unexpected(status.error());
    if (!status->exists) {
        if (const Answer<void> fine = check_not_gone(name, identity->generation); !fine) {
            return std::unexpected(fine.error());
        }
        if (const Answer<void> done = make(name, meta, files, seed); !done) return std::unexpected(done.error());
        return true;
    }
    if (!status->damage.empty() || identity_of(status->meta) != identity) {
        return refuse(FailureCode::foreign, "the name belongs to something else");
    }
    if (json::get_int(status->meta, "uid") != json::get_int(meta, "uid")) {
        return refuse(FailureCode::invalid, "an instance keeps its uid for life");
    }
    const Answer<UniqueFd> directory = this->directory(name);
    if (!directory) return std::unexpected(directory.error());
    if (const Answer<void> done = fill(directory->get(), meta, files); !done) return std::unexpected(done.error());
    return false;
}

Answer<bool> Instances::write(const std::string& name, const Identity& identity, const FileContent& file) {
    const Answer<UniqueFd> directory = this->directory(name);
    if (!directory) return std::unexpected(directory.error());
    const InstanceStatus status = read_status(name, directory->get());
    if (!status.damage.empty() || identity_of(status.meta) != identity) {
        return refuse(FailureCode::foreign, "the name belongs to something else");
    }
    const Answer<uid_t> uid = uid_of(status);
    if (!uid) return std::unexpected(uid.error());
    const gid_t group = rights_.isolation ? static_cast<gid_t>(*uid) : ::getegid();
    return replace_file(directory->get(), file.file, file.content, {rights_.uid, group, mode_of_files()});
}

Answer<void> Instances::remove(const std::string& name, const Identity& identity) {
    const Answer<InstanceStatus> status = this->status(name);
    if (!status) return std::unexpected(status.error());
    if (status->exists && (!status->damage.empty() || identity_of(status->meta) != identity)) {
        return refuse(FailureCode::foreign, "the name belongs to something else");
    }
    if (status->held) return refuse(FailureCode::busy, "a process of the instance still lives");
    // The mark comes first: from here on nothing can bring this name and generation back.
    if (const Answer<void> buried = bury(name, identity.generation); !buried) return buried;
    checkpoint_("remove:buried");
    if (!status->exists) return {};
    if (const Answer<uid_t> uid = uid_of(*status)) {
        if (const Answer<UniqueFd> directory = this->directory(name)) {
            clear_shared_memory(directory->get(), *uid, rights_.isolation);
        }
    }
    if (const Answer<void> cleared = remove_tree(trash_.get(), name); !cleared) return cleared;
    if (::renameat(root_.get(), name.c_str(), trash_.get(), name.c_str()) != 0) {
        return std::unexpected(os_failure("move an instance to the trash"));
    }
    if (const Answer<void> synced = sync(root_.get(), "the root"); !synced) return synced;
    checkpoint_("remove:trashed");
    return remove_tree(trash_.get(), name);
}

}  // namespace slipway::agent
