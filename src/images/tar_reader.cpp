// Reading tar files: the older and the newer forms of what stands before each file.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "images/files.h"
#include "images/tree.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = 512;
constexpr std::size_t kPiece = 1024UL * 1024;
constexpr std::uint64_t kMostText = 1024UL * 1024;  // of a path, or a header's attributes
constexpr std::uint64_t kMostEntry = 1ULL << 40U;

std::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorCode::malformed, fmt::format("a damaged archive: {}", what));
}

// What a later header says of the next entry, over what its own says.
struct Said {
    std::string path;
    std::string target;
    std::map<std::string, std::uint64_t, std::less<>> numbers;
};

struct Entry {
    char type = '0';
    std::string path;
    std::string target;
    std::uint64_t size = 0;
    Attributes attributes;
};

// Text up to its zero, or the whole field.
std::string_view text_in(std::string_view header, std::size_t at, std::size_t size) {
    const std::string_view field = header.substr(at, size);
    return field.substr(0, field.find('\0'));
}

// Octal digits, or, where the first bit is set, a number in the bytes themselves.
std::optional<std::uint64_t> number_in(std::string_view header, std::size_t at, std::size_t size) {
    const std::string_view field = header.substr(at, size);
    constexpr unsigned kBinary = 0x80;
    if ((static_cast<unsigned char>(field[0]) & kBinary) != 0) {
        std::uint64_t number = 0;
        for (std::size_t i = size - std::min<std::size_t>(size - 1, 8); i < size; ++i) {
            number = number << 8U | static_cast<unsigned char>(field[i]);
        }
        return number;
    }
    std::string_view digits = field;
    while (digits.starts_with(' ')) digits.remove_prefix(1);
    std::uint64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    if (read.ec == std::errc::result_out_of_range) return std::nullopt;
    // An empty field is 0.
    for (const char c : digits.substr(static_cast<std::size_t>(read.ptr - digits.data()))) {
        if (c != ' ' && c != '\0') return std::nullopt;
    }
    return number;
}

bool sum_is_right(std::string_view header) {
    constexpr std::size_t kAt = 148;
    constexpr std::size_t kSize = 8;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        sum +=
            i >= kAt && i < kAt + kSize ? static_cast<unsigned char>(' ') : static_cast<unsigned char>(header[i]);
    }
    return number_in(header, kAt, kSize) == sum;
}

// "28 path=usr/share/…\n", one after another; the number counts all of it.
bool read_attributes(std::string_view text, Said& said) {
    while (!text.empty()) {
        std::size_t length = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
        if (read.ec != std::errc() || length > text.size() || length == 0) return false;
        std::string_view line = text.substr(0, length);
        text.remove_prefix(length);
        line.remove_prefix(std::min(line.size(), static_cast<std::size_t>(read.ptr - line.data()) + 1));
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || !line.ends_with('\n')) return false;
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1, line.size() - equals - 2);
        if (key == "path") said.path = value;
        if (key == "linkpath") said.target = value;
        if (key != "size" && key != "uid" && key != "gid" && key != "mtime") continue;
        // Of a time the fraction is left out.
        std::uint64_t number = 0;
        if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc()) return false;
        said.numbers[std::string(key)] = number;
    }
    return true;
}

// "./usr/bin/" as "usr/bin"; nullopt where it leads somewhere else.
std::optional<std::string> path_within(std::string_view path) {
    std::string within;
    while (!path.empty()) {
        const std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
        if (part == "..") return std::nullopt;
        if (part.empty() || part == ".") continue;
        if (!within.empty()) within += '/';
        within += part;
    }
    return within;
}

class TarFile {
  public:
    TarFile(const fs::path& path, const StopSign& stop) : in_(path, std::ios::binary), stop_(stop) {}

    [[nodiscard]] bool is_open() const { return in_.is_open(); }
    // The next entry that is one; nullopt at the end. Its content is to be read before the next.
    Result<std::optional<Entry>> next() {
        Said said;
        for (;;) {
            std::array<char, kBlock> block{};
            if (!in_.read(block.data(), block.size())) return malformed("it has no end");
            const std::string_view header(block.data(), block.size());
            if (std::ranges::all_of(header, [](char c) { return c == '\0'; })) return std::optional<Entry>();
            if (!sum_is_right(header)) return malformed("a header is not what its sum says");
            auto entry = entry_of(header, said);
            if (!entry) return fail(entry.error());
            constexpr std::string_view kAboutTheNext = "xLK";
            if (entry->type != 'g' && !kAboutTheNext.contains(entry->type)) return std::optional(std::move(*entry));
            const auto text = text_of(*entry);
            if (!text) return fail(text.error());
            const std::string_view name = std::string_view(*text).substr(0, text->find('\0'));
            if (entry->type == 'L') said.path = name;
            if (entry->type == 'K') said.target = name;
            if (entry->type == 'x' && !read_attributes(*text, said)) return malformed("attributes that are none");
        }
    }
    Status content(std::uint64_t size, const Sink& sink) {
        std::vector<char> buffer(kPiece);
        std::uint64_t left = size;
        while (left > 0) {
            if (stop_.raised()) return fail(ErrorCode::cancelled, "interrupted");
            const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
            if (!in_.read(buffer.data(), static_cast<std::streamsize>(piece)))
                return malformed("it ends in a file");
            sink({buffer.data(), piece});
            left -= piece;
        }
        in_.ignore(static_cast<std::streamsize>((kBlock - size % kBlock) % kBlock));
        return {};
    }

  private:
    static Result<Entry> entry_of(std::string_view header, const Said& said) {
        const auto mode = number_in(header, 100, 8);
        const auto uid = number_in(header, 108, 8);
        const auto gid = number_in(header, 116, 8);
        const auto size = number_in(header, 124, 12);
        const auto time = number_in(header, 136, 12);
        if (!mode || !uid || !gid || !size || !time) return malformed("a number is none");
        const auto either = [&](std::string_view key, std::uint64_t own) {
            const auto found = said.numbers.find(key);
            return found == said.numbers.end() ? own : found->second;
        };
        Entry entry;
        entry.type = header[156] == '\0' ? '0' : header[156];
        constexpr std::uint32_t kPermissions = 07777;
        entry.attributes = {.mode = static_cast<std::uint32_t>(*mode) & kPermissions,
                            .uid = static_cast<std::uint32_t>(either("uid", *uid)),
                            .gid = static_cast<std::uint32_t>(either("gid", *gid)),
                            .time = static_cast<std::int64_t>(either("mtime", *time))};
        entry.size = either("size", *size);
        if (entry.size > kMostEntry) return malformed("a size beyond all bounds");
        const std::string_view prefix =
            header.substr(257, 6) == std::string_view("ustar\0", 6) ? text_in(header, 345, 155) : "";
        entry.path = !said.path.empty()
                         ? said.path
                         : fmt::format("{}{}{}", prefix, prefix.empty() ? "" : "/", text_in(header, 0, 100));
        entry.target = !said.target.empty() ? said.target : std::string(text_in(header, 157, 100));
        return entry;
    }
    Result<std::string> text_of(const Entry& entry) {
        if (entry.size > kMostText) return malformed("a name beyond all bounds");
        std::string text;
        if (Status read = content(entry.size, [&](std::string_view piece) { text += piece; }); !read) {
            return fail(read.error());
        }
        return text;
    }

    std::ifstream in_;
    const StopSign& stop_;
};

class Unpacker {
  public:
    Unpacker(Tree& tree, fs::path scratch) : tree_(tree), scratch_(std::move(scratch)) {}

    Status add(TarFile& tar, const Entry& entry) {
        const auto path = path_within(entry.path);
        if (!path) return malformed("a path leads out of it");
        const bool is_file = entry.type == '0' || entry.type == '7';
        if (is_file && !path->empty()) return add_file(tar, entry, *path);
        if (Status passed = tar.content(entry.size, [](std::string_view) {}); !passed) return passed;
        if (path->empty()) return {};  // the root directory itself
        if (entry.type == '1') return add_hard_link(entry, *path);
        if (entry.type == '2') {
            tree_.put(*path, {.type = Node::Type::link, .attributes = entry.attributes, .content = entry.target});
        } else if (entry.type == '5') {
            tree_.put(*path, {.type = Node::Type::directory, .attributes = entry.attributes});
        }
        return {};
    }

  private:
    Status add_file(TarFile& tar, const Entry& entry, const std::string& path) {
        const fs::path source = scratch_ / std::to_string(++number_);
        std::ofstream out(source, std::ios::binary);
        if (Status read = tar.content(entry.size,
                                      [&](std::string_view piece) {
                                          out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
                                      });
            !read) {
            return read;
        }
        if (!out.flush()) return refuse_path(source, "cannot write it");
        tree_.put(path,
                  {.type = Node::Type::file, .attributes = entry.attributes, .content = {}, .source = source});
        return {};
    }
    Status add_hard_link(const Entry& entry, const std::string& path) {
        const auto target = path_within(entry.target);
        const auto found = target ? tree_.nodes().find(*target) : tree_.nodes().end();
        if (found == tree_.nodes().end()) return malformed("a hard link to nothing");
        tree_.put(path, Node(found->second));
        return {};
    }

    Tree& tree_;
    fs::path scratch_;
    std::size_t number_ = 0;
};

}  // namespace

Status add_tar(Tree& tree, const fs::path& tar, const fs::path& scratch, const StopSign& stop) {
    TarFile file(tar, stop);
    Unpacker unpacker(tree, scratch);
    if (!file.is_open()) return fail(ErrorCode::storage, tar.string() + " cannot be read");
    for (;;) {
        const auto entry = file.next();
        if (!entry) return fail(entry.error());
        if (!*entry) return {};
        if (Status added = unpacker.add(file, **entry); !added) return added;
    }
}

}  // namespace slipway::images
