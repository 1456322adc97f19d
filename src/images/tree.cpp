#include "images/tree.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <sys/stat.h>

#include "images/files.h"

namespace slipway::images {
namespace {

constexpr std::size_t kMostFile = 256UL * 1024 * 1024;
constexpr std::size_t kTarBlock = 512;

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

// The fields of a header are texts; numbers are octal digits and a zero.
struct TarHeader {
    std::array<char, 100> name;
    std::array<char, 8> mode;
    std::array<char, 8> uid;
    std::array<char, 8> gid;
    std::array<char, 12> size;
    std::array<char, 12> time;
    std::array<char, 8> checksum;
    char type;
    std::array<char, 100> target;
    std::array<char, 6> magic;
    std::array<char, 2> version;
    std::array<char, 32> user;
    std::array<char, 32> group;
    std::array<char, 8> major;
    std::array<char, 8> minor;
    std::array<char, 155> prefix;
    std::array<char, 12> unused;
};
static_assert(sizeof(TarHeader) == kTarBlock);

template <std::size_t N>
void put(std::array<char, N>& field, std::string_view text) {
    std::copy_n(text.begin(), std::min(text.size(), N), field.begin());
}

template <std::size_t N>
void put_number(std::array<char, N>& field, std::uint64_t number) {
    put(field, fmt::format("{:0{}o}", number, N - 1));
}

// A long path is cut in two at a slash.
bool put_path(TarHeader& header, const std::string& path) {
    if (path.size() <= header.name.size()) {
        put(header.name, path);
        return true;
    }
    const std::size_t slash = path.find('/', path.size() - header.name.size() - 1);
    if (slash == std::string::npos || slash > header.prefix.size() || slash + 1 == path.size()) return false;
    put(header.prefix, path.substr(0, slash));
    put(header.name, path.substr(slash + 1));
    return true;
}

char tar_type(Node::Type type) {
    switch (type) {
        case Node::Type::directory: return '5';
        case Node::Type::file: return '0';
        case Node::Type::link: return '2';
    }
    return '0';
}

Status add_tar(std::string& archive, const std::string& path, const Node& node) {
    TarHeader header{};
    const bool is_link = node.type == Node::Type::link;
    const bool fits = put_path(header, node.type == Node::Type::directory ? path + "/" : path) &&
                      (!is_link || node.content.size() <= header.target.size());
    if (!fits) return fail(ErrorCode::too_large, path + " is too long for an archive");
    put_number(header.mode, node.attributes.mode);
    put_number(header.uid, node.attributes.uid);
    put_number(header.gid, node.attributes.gid);
    put_number(header.size, is_link ? 0 : node.content.size());
    put_number(header.time, static_cast<std::uint64_t>(node.attributes.time));
    header.type = tar_type(node.type);
    if (is_link) put(header.target, node.content);
    put(header.magic, std::string_view("ustar\0", 6));
    put(header.version, "00");
    // Its sum, for which the sum itself counts as spaces.
    header.checksum.fill(' ');
    std::array<unsigned char, kTarBlock> bytes{};
    std::memcpy(bytes.data(), &header, bytes.size());
    std::uint32_t sum = 0;
    for (const unsigned char byte : bytes) sum += byte;
    put(header.checksum, fmt::format("{:06o}", sum));
    header.checksum[6] = '\0';
    archive.append(reinterpret_cast<const char*>(&header), sizeof header);
    if (is_link) return {};
    archive += node.content;
    pad(archive, kTarBlock);
    return {};
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

Result<std::string> tar_of(const Tree& tree) {
    std::string archive;
    for (const auto& [path, node] : tree.nodes()) {
        if (Status added = add_tar(archive, path, node); !added) return fail(added.error());
    }
    // Two empty blocks end it, and whole records of twenty are expected.
    archive.append(2 * kTarBlock, '\0');
    pad(archive, 20 * kTarBlock);
    return archive;
}

}  // namespace slipway::images
