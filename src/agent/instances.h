// The instances beneath one root directory, as the helper keeps them:
//
//   <root>/<name>/meta.json   whose it is; 0600
//   <root>/<name>/<files>     configurations; readable by the engine's group only
//   <root>/<name>/data/       owned by the engine's uid, 0700
//   <root>/<name>/lock        held by the engine's process for as long as it lives; names pid, start time and tag
//   <root>/<name>/log         what the engine printed; kept small
//   <root>/.new/<name>        being made: renamed into place once it is whole, so that no half instance is ever
//                             seen
//   <root>/.trash/<name>      being removed
//   <root>/.gone/<name>       was removed: a create that comes late is refused (kept for 30 days)
//   <root>/.templates/        what data directories begin with (templates.h)
//   <root>/.roots/            the files of images, for containers (containers.h)
//   <root>/.agent             held by the one helper that works on this root
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/files.h"
#include "agent/protocol.h"
#include "base/fd.h"

namespace slipway::agent {

struct Rights {
    bool isolation = false;
    uid_t uid = 0;  // the helper's own
    uid_t uid_first = 0;
    uid_t uid_last = 0;
};

// Puts what an instance's data directory begins with into the directory of one that is being made. What it wrote is
// durable when it returns.
using SeedData = std::function<Answer<void>(int directory, uid_t uid)>;

class Instances {
  public:
    // Makes the root where it is missing (not its parents), waits at most `wait_ms` for the root's other helper to
    // end, and clears what an interrupted one left.
    static Answer<Instances> open(const std::string& root, Rights rights, int wait_ms, Checkpoint checkpoint);

    // Answers whether it was made now. With the same identity it is brought to `meta` and `files`. Only after
    // `settle` is it sure to be there after a power cut; what is there before that is whole or nothing.
    // `seed` is called for what is made now only.
    Answer<bool> create(const std::string& name, const json::object& meta, const std::vector<FileContent>& files,
                        const SeedData& seed = {});
    Answer<void> settle(const std::string& name) const;
    // Answers whether the content changed.
    Answer<bool> write(const std::string& name, const Identity& identity, const FileContent& file);
    Answer<InstanceStatus> status(const std::string& name) const;
    Answer<ListPage> list(const std::string& after) const;
    // Leaves a mark, so that what is removed stays removed. Absent is fine. Busy while the lock is held.
    Answer<void> remove(const std::string& name, const Identity& identity);

    // The directory of a whole instance and its lock file (invalid fd: it never ran).
    [[nodiscard]] Answer<UniqueFd> directory(const std::string& name) const;
    [[nodiscard]] UniqueFd lock_file(int directory) const;
    // Of all of them, in byte order.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] Answer<uid_t> uid_of(const InstanceStatus& status) const;
    [[nodiscard]] const Rights& rights() const { return rights_; }
    [[nodiscard]] int templates() const { return templates_.get(); }
    [[nodiscard]] int roots() const { return roots_.get(); }

    // Forgets marks older than 30 days, and of logs that have grown too large all but the end.
    void prune() const;

  private:
    Instances() = default;
    [[nodiscard]] Answer<void> check_uid(const json::object& meta) const;
    [[nodiscard]] InstanceStatus read_status(const std::string& name, int directory) const;
    [[nodiscard]] Answer<void> check_not_gone(const std::string& name, std::uint64_t generation) const;
    Answer<void> make(const std::string& name, const json::object& meta, const std::vector<FileContent>& files,
                      const SeedData& seed);
    Answer<void> fill(int directory, const json::object& meta, const std::vector<FileContent>& files) const;
    [[nodiscard]] mode_t mode_of_files() const;
    Answer<void> bury(const std::string& name, std::uint64_t generation);

    Rights rights_;
    Checkpoint checkpoint_;
    UniqueFd root_;
    UniqueFd new_;
    UniqueFd trash_;
    UniqueFd gone_;
    UniqueFd templates_;
    UniqueFd roots_;
    UniqueFd exclusive_;
};

}  // namespace slipway::agent
