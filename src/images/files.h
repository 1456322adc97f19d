// Files as images need them: whole, regular, and never by way of a symbolic link.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/child.h"
#include "base/digest.h"
#include "base/result.h"

namespace slipway::images {

using Sink = std::function<void(std::string_view piece)>;

// Messages begin with the path. Errors: not_found, storage (it is no file, or it cannot be read).
Result<std::uint64_t> size_of_file(const std::filesystem::path& path);
// The file from its beginning to its end, and how many bytes that were.
Result<std::uint64_t> read_whole_file(const std::filesystem::path& path, const Sink& sink);
// Of longer ones: storage.
Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes);

// Makes it, mode 0644; what was there is replaced.
Status write_file(const std::filesystem::path& path, std::string_view content);

struct Copied {
    std::uint64_t bytes = 0;
    std::string sha256;
};
// A copy of our own, holes left out; a link is followed, as it is the user who names it. Errors: also cancelled.
Result<Copied> copy_file(const std::filesystem::path& from, const std::filesystem::path& to, const StopSign& stop);

// The file or directory, on the disk.
Status sync_path(const std::filesystem::path& path);

// What errno says of the path.
std::unexpected<Error> refuse_path(const std::filesystem::path& path, std::string_view what);

}  // namespace slipway::images
