#include "images/qcow2.h"

#include <algorithm>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic("QFI\xfb", 4);
constexpr std::size_t kLongestBacking = 1023;

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = at; i < at + size; ++i) number = number << 8U | static_cast<unsigned char>(bytes[i]);
    return number;
}

std::unexpected<Error> malformed(const char* what) { return fail(ErrorCode::malformed, what); }

// Whether the disk rests on a file below `build`.
bool rests_on(const fs::path& disk, const fs::path& build) {
    std::ifstream in(disk, std::ios::binary);
    std::string beginning(kQcow2Part, '\0');
    if (!in) return true;
    in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    beginning.resize(static_cast<std::size_t>(in.gcount()));
    if (!is_qcow2(beginning)) return false;
    const auto header = read_qcow2_header(beginning);
    if (!header) return true;
    if (header->backing_file.empty()) return false;
    std::error_code error;
    // A relative name is one beside the disk.
    const fs::path backing = fs::weakly_canonical(disk.parent_path() / header->backing_file, error);
    if (error) return true;
    const auto [end, ignored] = std::ranges::mismatch(build, backing);
    return end == build.end();
}

}  // namespace

bool is_qcow2(std::string_view beginning) { return beginning.starts_with(kMagic); }

Result<Qcow2Header> read_qcow2_header(std::string_view beginning) {
    constexpr std::size_t kHeader2 = 72;
    constexpr std::size_t kHeader3 = 104;
    if (!is_qcow2(beginning)) return malformed("it is no qcow2 disk");
    if (beginning.size() < kHeader2) return malformed("its header is cut off");
    const std::uint64_t version = big_endian(beginning, 4, 4);
    if (version != 2 && version != 3) return malformed("it is a qcow2 disk of a version other than 2 and 3");
    if (version == 3 && beginning.size() < kHeader3) return malformed("its header is cut off");
    Qcow2Header header;
    const std::uint64_t backing_at = big_endian(beginning, 8, 8);
    const std::uint64_t backing_size = big_endian(beginning, 16, 4);
    header.virtual_bytes = big_endian(beginning, 24, 8);
    header.encrypted = big_endian(beginning, 32, 4) != 0;
    constexpr std::uint64_t kExternalData = 1U << 2U;
    header.external_data = version == 3 && (big_endian(beginning, 72, 8) & kExternalData) != 0;
    if (backing_at == 0) return header;
    if (backing_size == 0 || backing_size > kLongestBacking || backing_at > beginning.size() ||
        backing_size > beginning.size() - backing_at) {
        return malformed("the name of its backing file is not where it should be");
    }
    header.backing_file = beginning.substr(backing_at, backing_size);
    return header;
}

Result<bool> rests_below(const fs::path& build, const fs::path& where, const std::vector<std::string>& besides) {
    std::error_code error;
    const fs::path wanted = fs::canonical(build, error);
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", build.string(), error.message()));
    auto each = fs::recursive_directory_iterator(where, error);
    for (; !error && each != fs::recursive_directory_iterator(); each.increment(error)) {
        const std::string name = each->path().filename();
        if (each.depth() == 0 && std::ranges::find(besides, name) != besides.end()) {
            each.disable_recursion_pending();
            continue;
        }
        // What has been removed since it was listed is no file any more.
        std::error_code gone;
        if (each->symlink_status(gone).type() == fs::file_type::regular && rests_on(each->path(), wanted) &&
            fs::exists(each->path(), gone)) {
            return true;
        }
    }
    if (error == std::errc::no_such_file_or_directory) return false;
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", where.string(), error.message()));
    return false;
}

}  // namespace slipway::images
