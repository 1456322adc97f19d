#include "main/configured_images.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "images/import.h"
#include "main/image_verbs.h"
#include "main/state_dir.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kTryAgain(5);

std::string check_name(const std::string& text) {
    return images::valid_image_name(text)
               ? ""
               : "must be 1 to 63 of a-z 0-9 . -, and begin with a letter or a digit: plans name it so";
}

std::string check_sha256(const std::string& text) {
    return images::is_sha256(text)
               ? ""
               : "must be 64 hexadecimal digits, a to f in lower case, as sha256sum prints them";
}

ImageConfig read_image(TableReader& reader) {
    ImageConfig image;
    std::string file;
    if (!reader.has("name")) reader.problem("name", "is required");
    reader.text("name", image.name, check_name);
    reader.text("file", file, [](const std::string& text) { return text.empty() ? "must be a path" : ""; });
    reader.text("sha256", image.sha256, check_sha256);
    reader.text("url", image.url,
                [&](const std::string& text) { return images::fault_of_url(text, reader.has("sha256")); });
    if (reader.has("file") == reader.has("url")) reader.problem("file", "one of file and url is needed");
    std::error_code ignored;
    if (!file.empty()) image.file = fs::absolute(reader.directory() / file, ignored).lexically_normal();
    reader.finish();
    return image;
}

images::ImportSource source_of(const ImageConfig& wanted) { return {wanted.file, wanted.url, wanted.sha256}; }

}  // namespace

ConfiguredImages::ConfiguredImages(std::vector<ImageConfig> wanted, fs::path state_dir, Environment environment)
    : wanted_(std::move(wanted)),
      state_dir_(std::move(state_dir)),
      store_(StateDir{state_dir_}.images()),
      environment_(std::move(environment)) {
    for (const ImageConfig& each : wanted_) {
        if (!is_there(each)) missing_[each.name] = "it is being fetched";
    }
}

ConfiguredImages::~ConfiguredImages() {
    stop_.raise();
    thread_.request_stop();
}

void ConfiguredImages::start() {
    if (wanted_.empty()) return;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::string ConfiguredImages::missing(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = missing_.find(name);
    return found == missing_.end() ? "" : found->second;
}

void ConfiguredImages::tell(const std::string& name, std::string why) {
    const std::scoped_lock lock(mutex_);
    if (why.empty()) {
        missing_.erase(name);
    } else {
        missing_[name] = std::move(why);
    }
}

bool ConfiguredImages::is_there(const ImageConfig& wanted) const {
    const Result<images::Image> found = store_.find(wanted.name);
    return found && images::is_made_of(*found, source_of(wanted));
}

void ConfiguredImages::bring(const ImageConfig& wanted) {
    log::info("images", "an image that the configuration names is fetched",
              {{"image", wanted.name}, {"from", images::title_of(source_of(wanted))}});
    const images::Programs programs(stop_, passed_on(environment_));
    const images::Progress say = [&](std::string_view sentence) {
        log::debug("images", std::string(sentence), {{"image", wanted.name}});
    };
    const Result<images::Image> made = images::import_image(wanted.name, {wanted.file, wanted.url, wanted.sha256},
                                                            store_, {programs, say, clock_, random_});
    if (stop_.raised()) return;
    if (!made) {
        log::warning("images", "an image that the configuration names cannot be had, and is tried again later",
                     {{"image", wanted.name}, {"why", made.error().message}, {"detail", made.error().detail}});
        // A former one serves on.
        tell(wanted.name, store_.find(wanted.name) ? "" : "it could not be fetched: " + made.error().message);
        return;
    }
    log::info("images", "an image was fetched",
              {{"image", wanted.name}, {"build", made->directory.filename().string()}});
    tell(wanted.name, "");
    // What is left of former builds costs room only.
    static_cast<void>(store_.prune(machines_below(state_dir_), random_));
}

void ConfiguredImages::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        for (const ImageConfig& each : wanted_) {
            if (!stop.stop_requested() && !is_there(each)) bring(each);
        }
        std::unique_lock lock(mutex_);
        again_.wait_for(lock, stop, kTryAgain, [] { return false; });
    }
}

void read_images(TableReader& root, std::vector<ImageConfig>& images, std::vector<ConfigProblem>& problems) {
    const toml::array* tables = root.tables("image");
    if (tables == nullptr) return;
    for (const toml::node& each : *tables) {
        TableReader reader(*each.as_table(), fmt::format("image[{}]", images.size()), problems);
        ImageConfig image = read_image(reader);
        const bool twice =
            std::ranges::any_of(images, [&](const ImageConfig& other) { return other.name == image.name; });
        if (twice) reader.problem("name", fmt::format("is used twice: {}", image.name));
        images.push_back(std::move(image));
    }
}

}  // namespace slipway
