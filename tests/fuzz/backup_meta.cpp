// The file that says whose a backup is, as it may lie on a disk. The input is its text.
#include "fuzz/fuzz.h"
#include "providers/backups/backup_files.h"

namespace slipway::fuzz {

void backup_meta(std::string_view input) {
    using backups::BackupMeta;
    const BackupMeta meta = backups::parse_meta(input);
    if (meta == BackupMeta{}) return;
    check(backups::BackupFiles::valid_name(meta.external_name), "its name stays in the directory",
          meta.external_name);
    check(backups::parse_meta(backups::to_text(meta)) == meta, "it is read as it was written", input);
}

}  // namespace slipway::fuzz
