// Which machines rest on which build of an image: `.uses/BUILD/MACHINE` in the directory of images. Disks may lie
// where whoever keeps images cannot read, so that nobody looks for them there; a use is written down before the
// disk is made, and taken back after it is gone. One that a crash leaves costs room only.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace slipway::images {

class ImageUses {
  public:
    explicit ImageUses(const std::filesystem::path& images) : directory_(images / ".uses") {}

    // Errors: storage.
    [[nodiscard]] Status add(const std::string& build, const std::string& machine) const;
    // Of all builds. None is fine.
    [[nodiscard]] Status drop(const std::string& machine) const;
    [[nodiscard]] Result<bool> any(const std::string& build) const;

  private:
    std::filesystem::path directory_;
};

}  // namespace slipway::images
