#include "cli/settings.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace slipway::cli {
namespace {

constexpr std::string_view kDefaultServer = "http://127.0.0.1:3000";
constexpr std::size_t kMaxKeyFile = 4096;  // bytes: a key has some forty

// nullopt: it cannot be read.
std::optional<Secret> read_key(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::string text(kMaxKeyFile, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) return std::nullopt;
    text.resize(static_cast<std::size_t>(in.gcount()));
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return std::nullopt;
    const std::size_t end = text.find_first_of(" \t\r\n", begin);
    return Secret(text.substr(begin, end == std::string::npos ? end : end - begin));
}

Status take_file(const std::string& path, std::string_view named_by, Settings& settings) {
    auto key = read_key(path);
    if (!key) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("the key file {} (from {}) cannot be read or is empty", path, named_by));
    }
    settings.key = std::move(*key);
    settings.key_source = path;
    return {};
}

Status find_key(const CommonOptions& options, const Environment& environment, Settings& settings) {
    if (!options.key_file.empty()) return take_file(options.key_file, "--key-file", settings);
    if (const std::string key = environment.variable("SLIPWAY_KEY"); !key.empty()) {
        settings.key = Secret(key);
        settings.key_source = "SLIPWAY_KEY";
        return {};
    }
    if (const std::string path = environment.variable("SLIPWAY_KEY_FILE"); !path.empty()) {
        return take_file(path, "SLIPWAY_KEY_FILE", settings);
    }
    const std::string path = (std::filesystem::path(state_dir(options, environment)) / "admin.key").string();
    settings.key_source = path;
    if (auto key = read_key(path)) settings.key = std::move(*key);
    return {};
}

Status find_trust(const CommonOptions& options, const Environment& environment, Settings& settings) {
    const bool named_here = !options.ca_file.empty();
    const std::string file = named_here ? options.ca_file : environment.variable("SLIPWAY_CA_FILE");
    if (file.empty() && !settings.origin.https) return {};
    auto trust = net::Trust::load(file);
    if (!trust && file.empty()) return fail(std::move(trust.error()));
    if (!trust) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("the file of certificate authorities (from {}): {}",
                                named_here ? "--ca-file" : "SLIPWAY_CA_FILE", trust.error().message));
    }
    settings.trust = std::move(*trust);
    return {};
}

}  // namespace

std::string state_dir(const CommonOptions& options, const Environment& environment) {
    if (!options.state_dir.empty()) return options.state_dir;
    if (environment.root) return "/var/lib/slipway";
    if (const std::string base = environment.variable("XDG_STATE_HOME"); base.starts_with('/')) {
        return base + "/slipway";
    }
    const std::string home = environment.variable("HOME");
    return (home.empty() ? "." : home) + "/.local/state/slipway";
}

Result<Settings> settings_of(const CommonOptions& options, const Environment& environment) {
    std::string server = options.server;
    if (server.empty()) server = environment.variable("SLIPWAY_URL");
    if (server.empty()) server = kDefaultServer;
    auto origin = net::Origin::parse(server);
    if (!origin) return fail(std::move(origin.error()));
    Settings settings{std::move(*origin), {}, {}, {}};
    if (const Status found = find_key(options, environment, settings); !found) return fail(found.error());
    if (const Status found = find_trust(options, environment, settings); !found) return fail(found.error());
    return settings;
}

}  // namespace slipway::cli
