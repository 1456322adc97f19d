// Who may include whom (docs/architecture.md): base <- domain <- everything, and little else.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "rules.h"
#include "scan.h"

namespace slipway::rules {
namespace {

using Names = std::set<std::string, std::less<>>;

// What the files of each folder may include besides their own folder: folders, or single headers.
struct Sight {
    Names sees;
    Names tests_see;  // besides
};

const std::map<std::string, Sight, std::less<>>& sights() {
    static const std::map<std::string, Sight, std::less<>> table{
        {"base", {{}, {}}},
        {"domain", {{"base"}, {}}},
        {"net", {{"base"}, {}}},
        {"http", {{"base"}, {}}},
        {"store", {{"base", "domain", "net"}, {}}},
        {"agent", {{"base", "domain"}, {}}},
        {"images", {{"base", "domain"}, {}}},
        {"providers", {{"base", "domain", "net", "agent", "images"}, {}}},
        {"templates", {{"base", "domain", "net"}, {}}},
        {"broker",
         {{"base", "domain", "templates", "store/store.h", "store/placing.h", "store/removal.h"},
          {"store/memory", "store/forwarding_store.h"}}},
        {"ops",
         {{"base", "domain", "store/store.h", "store/placing.h", "store/removal.h", "providers/provider.h"},
          {"store/memory", "store/forwarding_store.h", "providers/dummy"}}},
        {"faces", {{"base", "domain", "http", "broker"}, {"store/store.h", "store/memory"}}},
        {"cli", {{"base", "net"}, {}}},
    };
    return table;
}

// Folders whose subfolders never see each other; what lies directly in them is shared.
const Names kSeparateParts{"store", "providers", "faces"};
// The subfolders that all others of their folder see.
const Names kSharedParts{"providers/sql", "providers/machines"};

// Libraries that stay behind one folder's own interface, by the beginning of their headers' paths.
struct Confined {
    std::string_view header;
    Names folders;
};
const std::vector<Confined>& confined() {
    static const std::vector<Confined> table{
        {"boost/beast", {"http", "net", "tests"}},
        {"openssl/", {"http", "net", "providers", "tests"}},
        {"boost/asio/ssl", {"net", "tests"}},
        {"sqlite3.h", {"store", "tests"}},
        {"libpq-fe.h", {"store", "providers", "tests"}},
        {"mysql.h", {"providers", "tests"}},
        {"libvirt/", {"providers", "tests"}},
        {"libssh/", {"providers", "tests"}},
        {"pugixml.hpp", {"providers", "net", "tests"}},
        {"crypt.h", {"providers"}},
        {"lxc/", {"agent"}},
        {"CLI/", {"main", "cli", "tests", "bench"}},
        {"toml++/", {"main", "tests"}},
        {"spdlog/", {"base"}},
    };
    return table;
}

std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t slash = path.find('/');
        parts.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        path.remove_prefix(slash + 1);
    }
}

bool is_test(std::string_view path) {
    return path.ends_with("_test.cpp") || path.ends_with("_test.h") || path.ends_with("_test_support.h");
}

// Whether a name of a Sight ("domain", "store/memory", "store/store.h") covers the include.
bool covers(const Names& names, std::string_view include) {
    return std::ranges::any_of(names, [include](const std::string& name) {
        return include == name || (include.starts_with(name) && include.substr(name.size()).starts_with('/'));
    });
}

// Within one's own folder: shared headers, and one's own part.
bool own_part(const std::vector<std::string>& file, const std::vector<std::string>& include) {
    if (!kSeparateParts.contains(file[0]) || include.size() == 2) return true;
    if (include.size() > 2 && kSharedParts.contains(include[0] + "/" + include[1])) return true;
    return file.size() > 2 && file[1] == include[1];
}

bool allowed(std::string_view path, std::string_view include) {
    const std::vector<std::string> file = parts_of(path.substr(std::string_view("src/").size()));
    const std::vector<std::string> target = parts_of(include);
    if (file[0] == "main") return true;
    const auto sight = sights().find(file[0]);
    if (sight == sights().end()) return false;  // a new folder is added to the table on purpose
    if (target[0] == file[0] && own_part(file, target)) return true;
    // What tests of all parts share, e.g. a server with every face, lies beside the parts and sees them.
    if (target[0] == file[0] && file.size() == 2 && is_test(path)) return true;
    return covers(sight->second.sees, include) || (is_test(path) && covers(sight->second.tests_see, include));
}

}  // namespace

Violations check_includes(std::string_view path, std::string_view text) {
    Violations found;
    const bool in_src = path.starts_with("src/");
    const std::string folder = in_src ? parts_of(path)[1] : parts_of(path)[0];
    for (const Include& include : includes_of(text)) {
        if (include.path.starts_with('.') || include.path.find("/../") != std::string::npos) {
            found.push_back({include.line, fmt::format("includes {} by a relative path", include.path)});
        } else if (include.quoted && in_src && !allowed(path, include.path)) {
            found.push_back({include.line, fmt::format("src/{} must not see {}", folder, include.path)});
        }
        for (const Confined& library : confined()) {
            if (include.path.starts_with(library.header) && !library.folders.contains(folder)) {
                found.push_back({include.line, fmt::format("{} is confined to other folders", include.path)});
            }
        }
    }
    return found;
}

}  // namespace slipway::rules
