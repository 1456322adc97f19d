// The header of qcow2 disks, read here: what QEMU would open because of it is known before QEMU sees it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::images {

struct Qcow2Header {
    std::uint64_t virtual_bytes = 0;
    std::string backing_file;  // as it stands there: another disk that this one rests on; "": none
    bool external_data = false;
    bool encrypted = false;
};

inline constexpr std::size_t kQcow2Part = 64UL * 1024;  // the beginning of a file, which has the header's whole

bool is_qcow2(std::string_view beginning);
// ErrorCode::malformed: it is none, of another version, or cut off.
Result<Qcow2Header> read_qcow2_header(std::string_view beginning);

// Whether a disk below `where` rests on a file below `build`: for ImageStore, of installations that keep the disks
// of their machines there. Links to directories are not followed, and directories named in `besides` (of `where`)
// are not looked into. A disk that cannot be read counts as one that does.
Result<bool> rests_below(const std::filesystem::path& build, const std::filesystem::path& where,
                         const std::vector<std::string>& besides);

}  // namespace slipway::images
