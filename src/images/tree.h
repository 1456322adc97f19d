// A tree of files that is described here and lies nowhere on the disk, so that whose it is, its modes and times do
// not depend on who makes it and when. And the forms in which machines and containers are given it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/child.h"
#include "base/result.h"

namespace slipway::images {

// The same in every build, so that the same packages make the same image.
inline constexpr std::uint32_t kFileTime = 1'577'836'800;  // 2020-01-01

struct Attributes {
    std::uint32_t mode = 0644;  // the lower 12 bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t time = kFileTime;
};

struct Node {
    enum class Type : std::uint8_t { directory, file, link };
    Type type = Type::directory;
    Attributes attributes = {};
    std::string content = {};           // of a file; of a link where it leads
    std::filesystem::path source = {};  // a file of this machine that holds the content instead
};

class Tree {
  public:
    // Paths have no slash at their beginning. What has no directory yet gets one, mode 0755. A second node at the
    // same path takes the place of the first. What is put is root's unless it says otherwise.
    void put(const std::string& path, Node node);
    void directory(const std::string& path, std::uint32_t mode = 0755);
    void file(const std::string& path, std::string content, std::uint32_t mode = 0644);
    void link(const std::string& path, std::string target);
    // That node, and everything below it.
    void remove(const std::string& path);
    // A file of this machine, read now.
    Status copy(const std::filesystem::path& from, const std::string& path, std::uint32_t mode = 0644);

    // In this order every node comes after its directory.
    [[nodiscard]] const std::map<std::string, Node>& nodes() const { return nodes_; }

  private:
    std::map<std::string, Node> nodes_;
};

// "newc", as the kernel unpacks its initrd. The tree has its contents itself.
std::string cpio_of(const Tree& tree);
// POSIX "ustar", with GNU's records for names that do not fit. The same.
std::string tar_of(const Tree& tree);
// The same in a file, of trees whose contents are files of this machine too. Errors: cancelled, storage.
Status write_tar(const Tree& tree, const std::filesystem::path& to, const StopSign& stop);
// What a tar file (ustar, pax or GNU) holds: directories, files and links. Their contents become files in
// `scratch`, an empty directory. A hard link becomes a file of its own; devices, pipes and extended attributes are
// left out. Errors: malformed (also: a path leads out of it), cancelled, storage.
Status add_tar(Tree& tree, const std::filesystem::path& tar, const std::filesystem::path& scratch,
               const StopSign& stop);

}  // namespace slipway::images
