#include "images/modules.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "images/elf.h"
#include "images/files.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostModule = 64UL * 1024 * 1024;
constexpr std::size_t kMostList = 4UL * 1024 * 1024;

// The kernel takes "-" and "_" in names of modules for the same.
std::string module_name(std::string_view file) {
    std::string name(file.substr(0, file.find('.')));
    std::ranges::replace(name, '-', '_');
    return name;
}

class Resolver {
  public:
    Status look_into(const fs::path& modules) {
        std::error_code error;
        for (const fs::directory_entry& each : fs::recursive_directory_iterator(modules, error)) {
            const std::string file = each.path().filename();
            if (file.contains(".ko")) files_.emplace(module_name(file), each.path());
        }
        if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", modules.string(), error.message()));
        // A path a line.
        const auto built_in = read_small_file(modules / "modules.builtin", kMostList);
        if (!built_in) return fail(built_in.error());
        std::string_view rest = *built_in;
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            built_in_.insert(module_name(line.substr(line.rfind('/') + 1)));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        }
        return {};
    }
    // What it needs first, then itself.
    Status add(const std::string& wanted) {
        const std::string name = module_name(wanted);
        if (built_in_.contains(name) || !added_.insert(name).second) return {};
        const auto file = files_.find(name);
        if (file == files_.end())
            return fail(ErrorCode::not_found, fmt::format("this kernel has no module {}", name));
        if (file->second.extension() != ".ko") {
            return fail(ErrorCode::unavailable,
                        fmt::format("the modules of this kernel are compressed ({}), and plain ones are needed",
                                    file->second.filename().string()));
        }
        const auto content = read_small_file(file->second, kMostModule);
        if (!content) return fail(content.error());
        const auto needed = needed_modules(*content);
        if (!needed) return fail(needed.error().code, file->second.string() + ": " + needed.error().message);
        for (const std::string& each : *needed) {
            if (Status done = add(each); !done) return done;
        }
        order_.push_back(file->second);
        return {};
    }
    std::vector<fs::path> take_order() { return std::move(order_); }

  private:
    std::map<std::string, fs::path, std::less<>> files_;
    std::set<std::string, std::less<>> built_in_;
    std::set<std::string, std::less<>> added_;
    std::vector<fs::path> order_;
};

}  // namespace

Result<std::vector<fs::path>> modules_in_order(const fs::path& modules, const std::vector<std::string>& wanted) {
    Resolver resolver;
    if (Status looked = resolver.look_into(modules); !looked) return fail(looked.error());
    for (const std::string& each : wanted) {
        if (Status added = resolver.add(each); !added) return fail(added.error());
    }
    return resolver.take_order();
}

}  // namespace slipway::images
