// A machine image: a directory with a disk, perhaps a kernel and a root file system for containers, and
// `image.json`, which says what they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::images {

inline constexpr const char* kImageFile = "image.json";
inline constexpr std::string_view kArchitecture = "x86_64";  // the only one that there is

// What makes an image that can do so (`warm`) come up and wait for its volume, so that its state may be saved there
// and restored as many machines (docs/decisions/0021).
inline constexpr std::string_view kWarmArgument = "slipway.warm";

// What tells a new machine who it is: the file `machine` on its volume, or cloud-init (docs/images.md).
enum class Seed : std::uint8_t { slipway, cloud_init };
std::string_view to_string(Seed seed);

struct ImageFile {
    std::string file;    // a name in the image's directory
    std::string sha256;  // 64 hexadecimal digits
    std::uint64_t bytes = 0;
    friend bool operator==(const ImageFile&, const ImageFile&) = default;
};

// Of an image that is booted by its kernel, without a loader of its own.
struct BootFiles {
    ImageFile kernel;
    ImageFile initrd;
    friend bool operator==(const BootFiles&, const BootFiles&) = default;
};

struct Image {
    std::string name;
    Seed seed = Seed::cloud_init;
    ImageFile disk;                   // qcow2, without a backing file
    std::uint64_t virtual_bytes = 0;  // as a machine sees the disk
    std::optional<BootFiles> boot;    // none: it boots by its own loader
    std::string cmdline;              // of the kernel; only with `boot`
    bool warm = false;                // with the kernel argument kWarmArgument it waits to be told who it is
    std::optional<ImageFile> rootfs;  // a tar file, for containers
    std::string made_at;              // RFC 3339
    std::string made_from;            // in words
    // Where it lies; empty until it does. Nothing in that directory ever changes, so that a machine's disk may rest
    // on files of it (image_store.h).
    std::filesystem::path directory;
    friend bool operator==(const Image&, const Image&) = default;

    [[nodiscard]] std::filesystem::path path_of(const ImageFile& file) const { return directory / file.file; }
};

// 64 hexadecimal digits, a to f in lower case.
bool is_sha256(std::string_view text);
// [a-z0-9][a-z0-9.-]{0,62}
bool valid_image_name(std::string_view name);

// The text of an image.json, strictly: ErrorCode::invalid_argument with every fault in `problems`, or malformed.
Result<Image> read_image(std::string_view text);
std::string write_image(const Image& image);

// The same where only what a machine sees is the same: not when and from what it was made, nor its name.
// 16 hexadecimal digits.
std::string content_id(const Image& image);

// Reads image.json in the directory and looks whether each file is there with its size, which takes no time.
// Errors: not_found (no image.json), as read_image, storage (a file is missing, is none, or has another size).
Result<Image> open_image(const std::filesystem::path& directory);
// Reads every file and compares its checksum. Takes as long as the disk does. Errors: storage.
Status check_contents(const Image& image);
// The file as it is now.
Result<ImageFile> describe_file(const std::filesystem::path& path);

// "image.json: disk.bytes: ...; kernel: ...": all of an error in one line.
std::string in_one_line(const Error& error);

}  // namespace slipway::images
