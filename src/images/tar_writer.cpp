// Trees as tar files: POSIX "ustar", and GNU's way of names that do not fit there.
#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "images/files.h"
#include "images/tree.h"

namespace slipway::images {
namespace {

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kRecord = 20 * kTarBlock;  // whole ones are expected

void pad(std::string& archive, std::size_t unit) {
    archive.resize((archive.size() + unit - 1) / unit * unit, '\0');
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

void append(std::string& archive, TarHeader header) {
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
}

// A name ('L') or where a link leads ('K') of the header that follows.
void append_long(std::string& archive, char type, const std::string& text) {
    TarHeader header{};
    put(header.name, "././@LongLink");
    put_number(header.mode, 0);
    put_number(header.uid, 0);
    put_number(header.gid, 0);
    put_number(header.size, text.size() + 1);
    put_number(header.time, 0);
    header.type = type;
    append(archive, header);
    archive += text;
    archive += '\0';
    pad(archive, kTarBlock);
}

// Everything before its content.
void append_header(std::string& archive, const std::string& path, const Node& node, std::uint64_t bytes) {
    TarHeader header{};
    const bool is_link = node.type == Node::Type::link;
    const std::string name = node.type == Node::Type::directory ? path + "/" : path;
    if (!put_path(header, name)) {
        append_long(archive, 'L', name);
        put(header.name, name);
    }
    if (is_link && node.content.size() > header.target.size()) append_long(archive, 'K', node.content);
    put_number(header.mode, node.attributes.mode);
    put_number(header.uid, node.attributes.uid);
    put_number(header.gid, node.attributes.gid);
    put_number(header.size, is_link ? 0 : bytes);
    put_number(header.time, static_cast<std::uint64_t>(node.attributes.time));
    header.type = tar_type(node.type);
    if (is_link) put(header.target, node.content);
    append(archive, header);
}

void append_end(std::string& archive, std::uint64_t written) {
    // Two empty blocks end it.
    archive.append(2 * kTarBlock, '\0');
    const std::uint64_t beyond = (written + archive.size()) % kRecord;
    if (beyond != 0) archive.append(kRecord - beyond, '\0');
}

// The content of a file of this machine, as long as its header says.
Status write_source(std::ofstream& out, const Node& node, std::uint64_t bytes) {
    const auto read = read_whole_file(node.source, [&](std::string_view piece) { out << piece; });
    if (!read) return fail(read.error());
    if (*read == bytes) return {};
    return fail(ErrorCode::storage, fmt::format("{} changed while it was read", node.source.string()));
}

}  // namespace

std::string tar_of(const Tree& tree) {
    std::string archive;
    for (const auto& [path, node] : tree.nodes()) {
        append_header(archive, path, node, node.content.size());
        if (node.type != Node::Type::link) archive += node.content;
        pad(archive, kTarBlock);
    }
    append_end(archive, 0);
    return archive;
}

Status write_tar(const Tree& tree, const std::filesystem::path& to, const StopSign& stop) {
    std::ofstream out(to, std::ios::binary);
    std::uint64_t written = 0;
    for (const auto& [path, node] : tree.nodes()) {
        if (stop.raised()) return fail(ErrorCode::cancelled, "interrupted");
        std::uint64_t bytes = node.type == Node::Type::link ? 0 : node.content.size();
        if (!node.source.empty()) {
            const auto size = size_of_file(node.source);
            if (!size) return fail(size.error());
            bytes = *size;
        }
        std::string header;
        append_header(header, path, node, bytes);
        out << header;
        if (!node.source.empty()) {
            if (Status copied = write_source(out, node, bytes); !copied) return copied;
        } else if (bytes != 0) {
            out << node.content;
        }
        const std::uint64_t padded = (bytes + kTarBlock - 1) / kTarBlock * kTarBlock;
        out << std::string(padded - bytes, '\0');
        written += header.size() + padded;
    }
    std::string end;
    append_end(end, written);
    out << end;
    out.close();
    if (!out) return refuse_path(to, "cannot write it");
    return {};
}

}  // namespace slipway::images
