#include "images/tree.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "images/files.h"

namespace slipway::images {
namespace {

constexpr std::size_t kMostFile = 256UL * 1024 * 1024;

void pad(std::string& archive, std::size_t unit) {
    archive.resize((archive.size() + unit - 1) / unit * unit, '\0');
}

std::uint32_t type_bits(Node::Type type) {
    switch (type) {
        case Node::Type::directory: return S_IFDIR;
        case Node::Type::file: return S_IFREG;
        case Node::Type::link: return S_IFLNK;
    }
    return 0;
}

void add_cpio(std::string& archive, std::uint32_t number, const std::string& path, const Node& node,
              std::uint32_t links) {
    // What ends the archive has no type.
    const std::uint32_t mode = number == 0 ? 0 : type_bits(node.type) | node.attributes.mode;
    // Inode, mode, uid, gid, links, time, size, four numbers of devices, length of the name, checksum (unused).
    archive += fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}",
                           number, mode, node.attributes.uid, node.attributes.gid, links, node.attributes.time,
                           node.content.size(), 0, 0, 0, 0, path.size() + 1, 0);
    archive += path;
    archive += '\0';
    constexpr std::size_t kUnit = 4;
    pad(archive, kUnit);
    archive += node.content;
    pad(archive, kUnit);
}

}  // namespace

void Tree::put(const std::string& path, Node node) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos && !nodes_.contains(path.substr(0, slash))) directory(path.substr(0, slash));
    nodes_.insert_or_assign(path, std::move(node));
}

void Tree::directory(const std::string& path, std::uint32_t mode) {
    put(path, {.type = Node::Type::directory, .attributes = {.mode = mode}});
}

void Tree::file(const std::string& path, std::string content, std::uint32_t mode) {
    put(path, {.type = Node::Type::file, .attributes = {.mode = mode}, .content = std::move(content)});
}

void Tree::link(const std::string& path, std::string target) {
    put(path, {.type = Node::Type::link, .attributes = {.mode = 0777}, .content = std::move(target)});
}

void Tree::remove(const std::string& path) {
    std::erase_if(nodes_, [&](const auto& each) {
        return each.first == path || (each.first.starts_with(path) && each.first[path.size()] == '/');
    });
}

Status Tree::copy(const std::filesystem::path& from, const std::string& path, std::uint32_t mode) {
    auto content = read_small_file(from, kMostFile);
    if (!content) return fail(content.error());
    file(path, std::move(*content), mode);
    return {};
}

std::string cpio_of(const Tree& tree) {
    std::string archive;
    std::uint32_t number = 0;
    for (const auto& [path, node] : tree.nodes()) {
        add_cpio(archive, ++number, path, node, node.type == Node::Type::directory ? 2 : 1);
    }
    add_cpio(archive, 0, "TRAILER!!!", {.type = Node::Type::file, .attributes = {.mode = 0, .time = 0}}, 1);
    return archive;
}

}  // namespace slipway::images
