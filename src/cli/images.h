// Machine images of this machine: the one family of commands, beside `serve` and `agent`, that works on a state
// directory itself and asks no server.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/api.h"
#include "cli/output.h"

namespace slipway::cli {

// As given on the command line; "" where not.
struct ImageOptions {
    std::string name;
    std::string file;
    std::string url;
    std::string sha256;
    bool check = false;
    bool quiet = false;
};

// What the commands ask for; the program that they are part of brings it. An image is the object that its
// image.json is, with "directory" and "problem" (null, or why it cannot be used; then there may be "name" alone
// beside it).
class LocalImages {
  public:
    virtual ~LocalImages() = default;
    [[nodiscard]] virtual bool valid_name(std::string_view name) const = 0;
    // Names of what can be built, with a description.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> recipes() const = 0;
    virtual Result<json::array> list(const std::string& state_dir) = 0;
    virtual Result<json::object> show(const std::string& state_dir, const std::string& name) = 0;
    // Reads all of it and compares checksums.
    virtual Status check(const std::string& state_dir, const std::string& name) = 0;
    virtual Result<json::object> build(const std::string& state_dir, const std::string& name,
                                       const LongWork& work) = 0;
    virtual Result<json::object> import(const std::string& state_dir, const ImageOptions& options,
                                        const LongWork& work) = 0;
    virtual Status remove(const std::string& state_dir, const std::string& name) = 0;
};

Outcome<Exit> list_images(Environment& environment, const std::string& state_dir, Format format);
Outcome<Exit> show_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                         bool json);
Outcome<Exit> build_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                          bool json);
Outcome<Exit> import_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                           bool json);
Outcome<Exit> remove_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                           bool json);

// "64 MiB", "2 GiB", "1.5 GiB"
std::string bytes_text(std::int64_t bytes);

}  // namespace slipway::cli
