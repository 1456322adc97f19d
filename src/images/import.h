// Images that were made elsewhere: any disk that boots by its own loader and asks cloud-init (NoCloud) who it is.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "images/image_store.h"
#include "images/workshop.h"

namespace slipway::images {

// One of `file` and `url`.
struct ImportSource {
    std::filesystem::path file;
    std::string url;     // http or https
    std::string sha256;  // of the file as it is there; "": it is believed as it is
};

// Copies or downloads the disk, looks at it, and puts it into the store as that image. Only qcow2 and raw disks are
// taken, and none that names other files of this machine: they would be read by whoever runs it. Errors:
// invalid_argument (the source is told wrongly, is not there, or is not what may be imported), as Programs::run has
// them, storage.
Result<Image> import_image(const std::string& name, const ImportSource& source, const ImageStore& store,
                           const Workshop& workshop);

// Where it comes from, without what may be a token.
std::string title_of(const ImportSource& source);
// Whether the image was imported from there: of that content where it is told, else from that place.
bool is_made_of(const Image& image, const ImportSource& source);

// Why the address may not be imported from; empty: it may. Without TLS a checksum is needed; and a password in it
// would be in the list of processes.
std::string fault_of_url(const std::string& url, bool has_checksum);

}  // namespace slipway::images
