// Disks of machines: a root file system made of a tree, and what becomes of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "images/programs.h"
#include "images/tree.h"

namespace slipway::images {

struct FileSystem {
    std::string label;  // 16 bytes at most
    std::string uuid;   // the same in every build
    std::uint64_t bytes = 0;
    std::uint32_t journal_mib = 4;
};

// A file with an ext4 file system that holds the tree, on the whole disk. `scratch` is a directory for it. No root
// is needed, and the same tree makes the same bytes.
Status make_root_disk(const Programs& programs, const Tree& tree, const FileSystem& wanted,
                      const std::filesystem::path& scratch, const std::filesystem::path& raw);

// "raw" or "qcow2" into a qcow2 without backing file.
Status convert_disk(const Programs& programs, const std::filesystem::path& from, const std::string& format,
                    const std::filesystem::path& to);

}  // namespace slipway::images
