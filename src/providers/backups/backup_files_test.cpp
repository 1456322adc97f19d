#include "providers/backups/backup_files.h"

#include <gtest/gtest.h>

namespace slipway::backups {
namespace {

BackupMeta example() {
    BackupMeta meta;
    meta.installation = InstallationId("here");
    meta.resource = ResourceId("r1");
    meta.generation = 3;
    meta.external_name = "oct-1";
    meta.engine = "postgres";
    meta.engine_version = "15.5";
    meta.bytes = 70;
    meta.sha256 = "ab";
    return meta;
}

TEST(BackupMeta, IsReadAsItWasWritten) { EXPECT_EQ(parse_meta(to_text(example())), example()); }

// A name out of a damaged file becomes a path, and a length below 0 an enormous one that is written and not read.
TEST(BackupMeta, OfADamagedFileIsNobodys) {
    const std::string text = to_text(example());
    const auto with = [&text](const std::string& what, const std::string& other) {
        std::string changed = text;
        return parse_meta(changed.replace(changed.find(what), what.size(), other));
    };
    EXPECT_EQ(with("oct-1", "oct-2").external_name, "oct-2");
    EXPECT_EQ(with("oct-1", "../../etc"), BackupMeta{});
    EXPECT_EQ(with("oct-1", ""), BackupMeta{});
    EXPECT_EQ(with("70", "-1"), BackupMeta{});
    EXPECT_EQ(with("\"generation\":3", "\"generation\":-3"), BackupMeta{});
    EXPECT_EQ(with("}", ""), BackupMeta{});
    EXPECT_EQ(parse_meta("[]"), BackupMeta{});
    EXPECT_EQ(parse_meta(""), BackupMeta{});
}

}  // namespace
}  // namespace slipway::backups
