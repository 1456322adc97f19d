#include "images/packages.h"

#include <algorithm>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kDownload = std::chrono::minutes(15);
constexpr std::chrono::seconds kUnpack = std::chrono::minutes(5);

// The value of a field in a package's control data.
std::string_view field(std::string_view control, std::string_view name) {
    while (!control.empty()) {
        const std::string_view line = control.substr(0, control.find('\n'));
        control.remove_prefix(std::min(line.size() + 1, control.size()));
        if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) {
            return line.substr(name.size() + 2);
        }
    }
    return {};
}

}  // namespace

std::vector<std::string> names_of_needs(std::string_view field) {
    std::vector<std::string> names;
    while (!field.empty()) {
        const std::string_view entry = field.substr(0, field.find(','));
        field.remove_prefix(std::min(entry.size() + 1, field.size()));
        const std::string_view name = trimmed(entry);
        const std::size_t end = name.find_first_of(" (|:");
        if (!name.empty()) names.emplace_back(name.substr(0, end));
    }
    return names;
}

Status Packages::look(const fs::path& file) {
    const auto control =
        programs_.run({.words = {"dpkg-deb", "--field", file, "Package", "Version", "Pre-Depends", "Depends"}});
    if (!control) return fail(control.error());
    const std::string& text = control->output;
    Package found{.name = std::string(field(text, "Package")),
                  .version = std::string(field(text, "Version")),
                  .needs = names_of_needs(field(text, "Pre-Depends")),
                  .file = file};
    std::ranges::move(names_of_needs(field(text, "Depends")), std::back_inserter(found.needs));
    packages_.insert_or_assign(found.name, std::move(found));
    return {};
}

Status Packages::download(const std::vector<std::string>& names) {
    Run run{.words = {"apt-get", "--quiet", "download"}, .limit = kDownload, .directory = directory_};
    for (const std::string& name : names) {
        if (!packages_.contains(name)) run.words.push_back(name);
    }
    if (run.words.size() == 3) return {};
    if (auto done = programs_.run(run); !done) {
        Error error = std::move(done.error());
        if (error.code == ErrorCode::provider_failure) {
            error.message += "\n  Are this machine's lists of packages there and up to date (apt-get update)?";
        }
        return fail(std::move(error));
    }
    std::set<fs::path> known;
    for (const auto& [name, package] : packages_) known.insert(package.file);
    std::error_code ignored;
    for (const fs::directory_entry& each : fs::directory_iterator(directory_, ignored)) {
        if (each.path().extension() != ".deb" || known.contains(each.path())) continue;
        if (Status looked = look(each.path()); !looked) return looked;
    }
    for (const std::string& name : names) {
        if (!packages_.contains(name)) {
            return fail(ErrorCode::unavailable, fmt::format("the package {} could not be downloaded", name));
        }
    }
    return {};
}

Status Packages::download_with_needs(const std::vector<std::string>& names) {
    std::vector<std::string> wanted = names;
    while (!wanted.empty()) {
        if (Status done = download(wanted); !done) return done;
        std::set<std::string> next;
        for (const auto& [name, package] : packages_) {
            for (const std::string& each : package.needs) {
                if (!packages_.contains(each)) next.insert(each);
            }
        }
        wanted.assign(next.begin(), next.end());
    }
    return {};
}

Status Packages::unpack(const fs::path& into) const {
    for (const auto& [name, package] : packages_) {
        const auto done = programs_.run({.words = {"dpkg-deb", "--extract", package.file, into}, .limit = kUnpack});
        if (!done) return fail(done.error());
    }
    return {};
}

std::string Packages::title(const std::string& name) const { return fmt::format("{} {}", name, get(name).version); }

}  // namespace slipway::images
