// The images that are built here, of packages of Debian.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/image_store.h"
#include "images/workshop.h"

namespace slipway::images {

struct Recipe {
    std::string_view name;  // also of the image
    std::string_view help;
};
// "tiny": busybox and dropbear, for tests and demonstrations; "debian": systemd, cloud-init and OpenSSH.
std::vector<Recipe> recipes();

// Builds it and puts it into the store. Takes seconds to minutes, most of it for downloads. Errors:
// invalid_argument (no such recipe), unavailable (a program or a package is missing), cancelled, timeout,
// provider_failure, storage.
Result<Image> build_image(std::string_view recipe, const ImageStore& store, const Workshop& workshop);

// One recipe each: makes the files in draft.image() and says what they are. Name and time are not theirs.
Result<Image> build_tiny(const Draft& draft, const Workshop& workshop);
Result<Image> build_debian(const Draft& draft, const Workshop& workshop);

// The kernel of this machine's Debian for virtual machines, unpacked below `directory`, which is made. Errors as
// above.
struct Kernel {
    std::filesystem::path file;     // the kernel itself
    std::filesystem::path modules;  // its /lib/modules/VERSION
    std::string title;              // package and version
};
Result<Kernel> fetch_kernel(const Workshop& workshop, const std::filesystem::path& directory);

}  // namespace slipway::images
