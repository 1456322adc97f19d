#include "images/disk.h"

#include <algorithm>

#include <fmt/format.h>

#include "images/files.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kBytesPerInode = 8192;
constexpr std::chrono::seconds kConvert = std::chrono::minutes(60);
constexpr std::chrono::seconds kFill = std::chrono::minutes(15);
constexpr const char* kScript = "script";

// In both, or times of this machine would get into the image.
std::vector<std::string> fixed_time() { return {fmt::format("E2FSPROGS_FAKE_TIME={}", kFileTime)}; }

// As debugfs reads its commands: a quote within quotes is two.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string attribute_commands(const std::string& path, const Node& node) {
    constexpr std::uint32_t kDirectory = 040000;
    constexpr std::uint32_t kRegular = 0100000;
    const Attributes& is = node.attributes;
    const std::uint32_t type = node.type == Node::Type::file ? kRegular : kDirectory;
    std::string commands = fmt::format("set_inode_field {} mode 0{:o}\n", path, type | is.mode);
    if (is.uid != 0) commands += fmt::format("set_inode_field {} uid {}\n", path, is.uid);
    if (is.gid != 0) commands += fmt::format("set_inode_field {} gid {}\n", path, is.gid);
    // Programs compare the times of files with what they remember of them.
    if (is.time != kFileTime) commands += fmt::format("set_inode_field {} mtime @{}\n", path, is.time);
    return commands;
}

// The commands by which debugfs fills the file system; contents that are in no file yet become files in `scratch`.
Result<std::string> script_of(const Tree& tree, const fs::path& scratch) {
    std::string script;
    std::size_t number = 0;
    for (const auto& [name, node] : tree.nodes()) {
        // debugfs ends a command with its line.
        if (name.contains('\n')) return fail(ErrorCode::malformed, "a path has a line end");
        const std::string path = in_quotes("/" + name);
        switch (node.type) {
            case Node::Type::directory: script += fmt::format("mkdir {}\n", path); break;
            case Node::Type::link: script += fmt::format("symlink {} {}\n", path, in_quotes(node.content)); break;
            case Node::Type::file: {
                const fs::path source =
                    node.source.empty() ? scratch / fmt::format("inline-{}", ++number) : node.source;
                if (node.source.empty()) {
                    if (Status written = write_file(source, node.content); !written) return fail(written.error());
                }
                script += fmt::format("write {} {}\n", in_quotes(source.string()), path);
                break;
            }
        }
        if (node.type != Node::Type::link) script += attribute_commands(path, node);
    }
    return script;
}

// debugfs ends well whatever failed: all that it may complain of is its own version.
Status check_complaints(std::string_view complaints) {
    while (!complaints.empty()) {
        const std::string_view line = complaints.substr(0, complaints.find('\n'));
        complaints.remove_prefix(std::min(line.size() + 1, complaints.size()));
        if (line.empty() || line.starts_with("debugfs ")) continue;
        return fail(ErrorCode::provider_failure, fmt::format("debugfs failed: {}", line));
    }
    return {};
}

}  // namespace

Status make_root_disk(const Programs& programs, const Tree& tree, const FileSystem& wanted, const fs::path& scratch,
                      const fs::path& raw) {
    // A journal, so that a machine that was killed is whole when it starts again; nothing that the machine would
    // have to write to its own disk later; no room that only root may fill.
    const auto made = programs.run(
        {.words = {"mke2fs",
                   "-q",
                   "-F",
                   "-t",
                   "ext4",
                   "-b",
                   std::to_string(kBlock),
                   "-I",
                   "256",
                   "-i",
                   std::to_string(kBytesPerInode),
                   "-J",
                   "size=4",
                   "-m",
                   "0",
                   "-L",
                   wanted.label,
                   "-U",
                   wanted.uuid,
                   "-E",
                   fmt::format("hash_seed={},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0", wanted.uuid),
                   raw,
                   std::to_string(wanted.bytes / kBlock)},
         .environment = fixed_time()});
    if (!made) return fail(made.error());
    const auto script = script_of(tree, scratch);
    if (!script) return fail(script.error());
    if (Status written = write_file(scratch / kScript, *script); !written) return written;
    const auto filled = programs.run(
        {.words = {"debugfs", "-w", "-f", scratch / kScript, raw}, .limit = kFill, .environment = fixed_time()});
    if (!filled) return fail(filled.error());
    if (Status good = check_complaints(filled->complaints); !good) return good;
    const auto checked = programs.run({.words = {"e2fsck", "-f", "-n", raw}});
    return checked ? Status() : fail(checked.error());
}

Status convert_disk(const Programs& programs, const fs::path& from, const std::string& format, const fs::path& to) {
    const auto done =
        programs.run({.words = {"qemu-img", "convert", "-f", format, "-O", "qcow2", "-o", "compat=1.1", from, to},
                      .limit = kConvert});
    return done ? Status() : fail(done.error());
}

}  // namespace slipway::images
