// Images for tests, of a few bytes.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "images/image.h"

namespace slipway::images {

// Of every part; its checksums are of nothing.
inline Image example() {
    Image image;
    image.name = "tiny";
    image.seed = Seed::slipway;
    image.disk = {"disk.qcow2", std::string(64, '1'), 4};
    image.virtual_bytes = 67'108'864;
    image.boot = BootFiles{{"vmlinuz", std::string(64, '2'), 6}, {"initrd", std::string(64, '3'), 6}};
    image.cmdline = "console=ttyS0 quiet";
    image.rootfs = ImageFile{"rootfs.tar", std::string(64, '4'), 6};
    image.made_at = "2026-11-30T02:48:00.000Z";
    image.made_from = "a test";
    return image;
}

// The same with real files in the directory, the disk's content being `disk`; without image.json.
inline Image put_example_files(const std::filesystem::path& directory, const std::string& disk = "disk") {
    Image image = example();
    const auto put = [&](ImageFile& file, const std::string& content) {
        std::ofstream(directory / file.file) << content;
        file = describe_file(directory / file.file).value();
    };
    put(image.disk, disk);
    put(image.boot->kernel, "kernel");
    put(image.boot->initrd, "initrd");
    put(*image.rootfs, "rootfs");
    return image;
}

inline Image put_example(const std::filesystem::path& directory) {
    Image image = put_example_files(directory);
    std::ofstream(directory / kImageFile) << write_image(image);
    return image;
}

}  // namespace slipway::images
