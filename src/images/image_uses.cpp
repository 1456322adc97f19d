#include "images/image_uses.h"

#include <fmt/format.h>

#include "images/files.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> storage(const fs::path& path, const std::error_code& error) {
    return fail(ErrorCode::storage, fmt::format("{}: {}", path.string(), error.message()));
}

}  // namespace

Status ImageUses::add(const std::string& build, const std::string& machine) const {
    std::error_code error;
    const fs::path place = directory_ / build;
    fs::create_directories(place, error);
    if (error) return storage(place, error);
    if (const Status written = write_file(place / machine, ""); !written) return written;
    for (const fs::path& each : {place, directory_}) {
        if (const Status synced = sync_path(each); !synced) return synced;
    }
    return {};
}

Status ImageUses::drop(const std::string& machine) const {
    std::error_code error;
    for (const fs::directory_entry& build : fs::directory_iterator(directory_, error)) {
        fs::remove(build.path() / machine, error);
        if (error) return storage(build.path() / machine, error);
    }
    if (error && error != std::errc::no_such_file_or_directory) return storage(directory_, error);
    return {};
}

Result<bool> ImageUses::any(const std::string& build) const {
    std::error_code error;
    const bool empty = fs::is_empty(directory_ / build, error);
    if (!error) return !empty;
    if (error == std::errc::no_such_file_or_directory) return false;
    return storage(directory_ / build, error);
}

}  // namespace slipway::images
