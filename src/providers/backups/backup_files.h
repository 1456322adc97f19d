// Where backups lie: a directory of its own for each, named by its external name, with its data and what is known
// of it. One that is being written lies below `.new` and is moved into its place whole; what was removed leaves a
// mark below `.gone`, so that a create which comes late is refused.
//
//   ROOT/            0700
//   ROOT/NAME/       data, meta.json
//   ROOT/.new/NAME/  the same while it is written: its meta.json says whose it is from the first moment on
//   ROOT/.gone/NAME  the generation that was removed
//   ROOT/.list-ID    what is restored into a database, while that runs
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"

namespace slipway::backups {

struct BackupMeta {
    InstallationId installation;
    ResourceId resource;
    std::uint64_t generation = 1;
    std::string external_name;
    std::string engine;          // "postgres", "mysql"
    std::string engine_version;  // of the server it was taken from
    std::uint64_t bytes = 0;     // of its data
    std::string sha256;          // of its data, hexadecimal
    friend bool operator==(const BackupMeta&, const BackupMeta&) = default;
};
// What meta.json holds: a JSON object with the members above. Text that is none, that has a number below 0 or a
// name which no backup can have is read as one of nobody's, BackupMeta{}.
std::string to_text(const BackupMeta& meta);
BackupMeta parse_meta(std::string_view text);

class BackupFiles {
  public:
    explicit BackupFiles(std::filesystem::path root) : root_(std::move(root)) {}

    // Makes the directory where it is missing.
    [[nodiscard]] Status prepare() const;
    // Once, before anything else: what restores of an earlier process left.
    void tidy() const;

    // 1 to 128 of A-Z a-z 0-9 . _ -, not beginning with a dot.
    static bool valid_name(std::string_view name);

    // In its place, or (`being_made`) where it is written. An unreadable meta.json is answered as one of nobody's.
    [[nodiscard]] std::optional<BackupMeta> find(const std::string& name, bool being_made = false) const;
    // Whether its data are all there, by their length.
    [[nodiscard]] bool whole(const BackupMeta& meta) const;
    [[nodiscard]] std::filesystem::path data(const std::string& name) const { return root_ / name / "data"; }
    [[nodiscard]] std::filesystem::path data_being_made(const std::string& name) const;

    // A place for a file of a restore into this database, while it runs.
    [[nodiscard]] std::filesystem::path list_file(const ResourceId& database) const;

    // Begins anew, whatever an interrupted one left.
    [[nodiscard]] Status begin(const BackupMeta& meta) const;
    // Moves it into its place; everything of it is on the disk then. The data were synced by who wrote them.
    [[nodiscard]] Status finish(const BackupMeta& meta) const;
    // Nothing is left of it, begun or finished. One that is to be removed and was never there is remembered too.
    [[nodiscard]] Status remove(const std::string& name, std::uint64_t generation) const;
    [[nodiscard]] bool removed_before(const std::string& name, std::uint64_t generation) const;

    struct Listed {
        std::string name;
        BackupMeta meta;
        bool being_made = false;
    };
    [[nodiscard]] Result<std::vector<Listed>> list() const;

  private:
    [[nodiscard]] std::filesystem::path made_below() const { return root_ / ".new"; }
    [[nodiscard]] std::filesystem::path gone_below() const { return root_ / ".gone"; }
    std::filesystem::path root_;
};

}  // namespace slipway::backups
