// What comes with images that somebody else made. The input's first byte says what the rest is: "q" the beginning
// of a qcow2 disk, "j" the text of image.json, "t" a tar file.
#include <filesystem>
#include <fstream>

#include "base/child.h"
#include "fuzz/agent_root.h"
#include "fuzz/fuzz.h"
#include "images/image.h"
#include "images/qcow2.h"
#include "images/tree.h"

namespace slipway::fuzz {
namespace {

namespace fs = std::filesystem;

void check_qcow2(std::string_view input) {
    const auto header = images::read_qcow2_header(input);
    if (!header) return;
    check(images::is_qcow2(input), "a header is that of a qcow2 disk", input);
    check(header->backing_file.empty() || input.contains(header->backing_file), "the name stands in the file",
          input);
}

void check_json(std::string_view input) {
    const auto image = images::read_image(input);
    if (!image) return;
    const std::string text = images::write_image(*image);
    const auto again = images::read_image(text);
    check(again && images::write_image(*again) == text, "an image is read as it was written", input);
    check(!image->disk.file.contains('/') && image->disk.file != "..", "its files lie beside it", image->disk.file);
}

// Nothing but the scratch directory may be written to, whatever the names in it are.
void check_tar(std::string_view input) {
    const fs::path place = fs::path(scratch_directory()) / "tar";
    fs::remove_all(place);
    fs::create_directories(place / "files");
    std::ofstream(place / "in.tar", std::ios::binary) << input;
    images::Tree tree;
    const Status read = images::add_tar(tree, place / "in.tar", place / "files", StopSign{});
    std::size_t others = 0;
    for (const auto& each : fs::directory_iterator(place)) {
        others += each.path().filename() != "in.tar" && each.path().filename() != "files" ? 1 : 0;
    }
    check(others == 0, "its files stay in their directory");
    if (!read) return;
    for (const auto& [path, node] : tree.nodes()) {
        check(!path.starts_with('/') && path.find('\0') == std::string::npos, "a path is below the root", path);
        for (const fs::path& part : fs::path(path)) check(part != "..", "no path leads out", path);
        check(node.source.empty() || node.source.parent_path() == place / "files", "a content lies in there", path);
    }
    check(images::tar_of(images::Tree{}).size() % 512 == 0, "a tar file is whole blocks");
}

}  // namespace

void image_files(std::string_view input) {
    if (input.empty()) return;
    const std::string_view rest = input.substr(1);
    switch (input.front()) {
        case 'q': return check_qcow2(rest);
        case 'j': return check_json(rest);
        case 't': return check_tar(rest);
        default: return;
    }
}

}  // namespace slipway::fuzz
