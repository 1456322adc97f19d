// Packages of this machine's Debian archive, downloaded by apt, which checks their signatures, and unpacked.
// Nothing of them is installed here, and no root is needed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "images/programs.h"

namespace slipway::images {

struct Package {
    std::string name;
    std::string version;
    std::vector<std::string> needs;  // by name; of several that would do, the first
    std::filesystem::path file;
};

class Packages {
  public:
    // `directory` is empty, and its own.
    Packages(const Programs& programs, std::filesystem::path directory)
        : programs_(programs), directory_(std::move(directory)) {}

    // Those that are not here yet. Errors: as Programs::run has them; unavailable (this machine knows no such
    // package).
    Status download(const std::vector<std::string>& names);
    // The same, with all that they need, and what that needs.
    Status download_with_needs(const std::vector<std::string>& names);
    // One that was downloaded.
    [[nodiscard]] const Package& get(const std::string& name) const { return packages_.at(name); }
    // Unpacks everything that was downloaded.
    [[nodiscard]] Status unpack(const std::filesystem::path& into) const;
    // "busybox-static 1:1.35.0-4"
    [[nodiscard]] std::string title(const std::string& name) const;

  private:
    Status look(const std::filesystem::path& file);

    const Programs& programs_;
    std::filesystem::path directory_;
    std::map<std::string, Package> packages_;
};

// "libc6 (>= 2.34), a | b" as names: libc6, a.
std::vector<std::string> names_of_needs(std::string_view field);

}  // namespace slipway::images
