#include "agent/warm.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/copy.h"
#include "agent/save_file.h"

namespace slipway::agent {
namespace {

const std::string kFrozenDisk = "frozen.qcow2";
const std::string kFrozenState = "frozen.state";
const std::string kFresh = "fresh";
constexpr const char* kDisk = "disk.qcow2";
constexpr off_t kMostBytes = off_t{1} << 30;  // of one file: the helper does nothing else while it copies
constexpr std::size_t kMostMark = 256;
constexpr std::size_t kConsoleTail = 16UL * 1024;

bool is_there(int directory, const std::string& path) {
    struct stat seen{};
    return ::fstatat(directory, path.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
}

// Whoever runs machines may have put anything there.
Answer<UniqueFd> open_source(int directory, const std::string& name, uid_t uid) {
    UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file && errno == ENOENT) return refuse(FailureCode::absent, "there is no " + name);
    struct stat seen{};
    if (!file || ::fstat(file.get(), &seen) != 0) return std::unexpected(os_failure("open a template's file"));
    if (!S_ISREG(seen.st_mode) || seen.st_uid != uid) {
        return refuse(FailureCode::invalid, name + " is not a template's file");
    }
    if (seen.st_size > kMostBytes) return refuse(FailureCode::invalid, name + " is too large to be copied");
    return file;
}

Answer<UniqueFd> make_target(int directory, const std::string& name) {
    ::unlinkat(directory, name.c_str(), 0);
    UniqueFd file(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return std::unexpected(os_failure("make a file"));
    return file;
}

Answer<void> give(int file, const FileOwner& owner) {
    if (::fchown(file, owner.uid, owner.gid) != 0) return std::unexpected(os_failure("set a file's owner"));
    return {};
}

// Durable when it returns: it is used for as long as there are machines of its plan.
Answer<void> freeze(int data, const std::string& name, int directory, const std::string& as, uid_t uid,
                    const FileOwner& owner) {
    const Answer<UniqueFd> source = open_source(data, name, uid);
    if (!source) return std::unexpected(source.error());
    const std::string unfinished = as + ".new";
    const Answer<UniqueFd> copy = make_target(directory, unfinished);
    if (!copy) return std::unexpected(copy.error());
    if (const Answer<void> copied = copy_rest(source->get(), copy->get()); !copied) return copied;
    if (const Answer<void> given = give(copy->get(), owner); !given) return given;
    if (const Answer<void> synced = sync(copy->get(), "a template"); !synced) return synced;
    if (::renameat(directory, unfinished.c_str(), directory, as.c_str()) != 0) {
        return std::unexpected(os_failure("put a template's file in its place"));
    }
    return sync(directory, "a template");
}

Answer<void> write_wake_state(int from, int directory, uid_t uid, std::string_view description) {
    const Answer<UniqueFd> state = open_source(from, kFrozenState, ::geteuid());
    if (!state) return std::unexpected(state.error());
    const Answer<SaveFile> saved = read_save_file(state->get());
    if (!saved) return std::unexpected(saved.error());
    const Answer<UniqueFd> data = open_directory(directory, "data");
    if (!data) return std::unexpected(data.error());
    const Answer<UniqueFd> file = make_target(data->get(), std::string(kWakeState));
    if (!file) return std::unexpected(file.error());
    const std::string head = save_file_head(description, saved->note);
    if (::write(file->get(), head.data(), head.size()) != static_cast<ssize_t>(head.size()) ||
        ::lseek(state->get(), static_cast<off_t>(saved->state), SEEK_SET) < 0) {
        return std::unexpected(os_failure("write a machine's state"));
    }
    if (const Answer<void> copied = copy_rest(state->get(), file->get()); !copied) return copied;
    return give(file->get(), {uid, uid, 0600});
}

}  // namespace

TemplateLook look_at_template(int directory) {
    TemplateLook look;
    look.frozen = is_there(directory, kFrozenState);
    if (const Answer<UniqueFd> data = open_directory(directory, "data")) {
        look.waits = read_tail(data->get(), "console.log", kConsoleTail).contains(kWaitingLine);
    }
    return look;
}

Answer<void> freeze_template(int directory, uid_t uid, const FileOwner& owner) {
    if (is_there(directory, kFrozenState)) return {};
    const Answer<UniqueFd> data = open_directory(directory, "data");
    if (!data) return std::unexpected(data.error());
    const std::string saved(kSavedState);
    const Answer<UniqueFd> state = open_source(data->get(), saved, uid);
    if (!state) return std::unexpected(state.error());
    if (const Answer<SaveFile> read = read_save_file(state->get()); !read) return std::unexpected(read.error());
    if (const Answer<void> done = freeze(data->get(), kDisk, directory, kFrozenDisk, uid, owner); !done)
        return done;
    if (const Answer<void> done = freeze(data->get(), saved, directory, kFrozenState, uid, owner); !done)
        return done;
    for (const std::string& each : list_names(data->get())) {
        if (const Answer<void> removed = remove_tree(data->get(), each); !removed) return removed;
    }
    return {};
}

Answer<void> take_disk(const Template& from, int directory, uid_t uid, const FileOwner& owner) {
    if (!is_there(from.directory, kFrozenState)) return refuse(FailureCode::absent, "the template is not whole");
    const Answer<UniqueFd> source = open_source(from.directory, kFrozenDisk, owner.uid);
    if (!source) return std::unexpected(source.error());
    const Answer<UniqueFd> data = make_directory(directory, "data", 0700);
    if (!data) return std::unexpected(data.error());
    if (const Answer<void> given = give(data->get(), {uid, uid, 0700}); !given) return given;
    const Answer<UniqueFd> disk = make_target(data->get(), kDisk);
    if (!disk) return std::unexpected(disk.error());
    if (const Answer<void> copied = copy_rest(source->get(), disk->get()); !copied) return copied;
    if (const Answer<void> given = give(disk->get(), {uid, uid, 0600}); !given) return given;
    if (const Answer<void> synced = sync(disk->get(), "a machine's disk"); !synced) return synced;
    const Answer<bool> marked = replace_file(directory, kFresh, from.made, owner);
    if (!marked) return std::unexpected(marked.error());
    return {};
}

Answer<Wake> wake_machine(const std::optional<Template>& from, int directory, uid_t uid,
                          std::string_view description) {
    drop_wake_state(directory);
    const Answer<std::string> made = read_file(directory, kFresh, kMostMark);
    if (!made && made.error().code == FailureCode::absent) return Wake{};
    if (!made) return std::unexpected(made.error());
    // For good, and before anything can run on its disk: from then on the state does not fit it.
    if (::unlinkat(directory, kFresh.c_str(), 0) != 0)
        return std::unexpected(os_failure("mark a machine as started"));
    if (const Answer<void> synced = sync(directory, "a machine"); !synced) return std::unexpected(synced.error());
    if (!from || from->made != *made) return Wake{false, true, "its template is gone"};
    const Answer<void> written = write_wake_state(from->directory, directory, uid, description);
    if (written) return Wake{true, true, {}};
    drop_wake_state(directory);
    return Wake{false, true, written.error().message};
}

void drop_wake_state(int directory) {
    if (const Answer<UniqueFd> data = open_directory(directory, "data")) {
        ::unlinkat(data->get(), std::string(kWakeState).c_str(), 0);
    }
}

}  // namespace slipway::agent
