#include "machine_images.h"

#include <filesystem>

#include "agent/testing.h"
#include "base/json.h"

namespace slipway::testing {

namespace fs = std::filesystem;

std::string test_images() {
    const char* given = std::getenv("SLIPWAY_TEST_IMAGES");
    if (given == nullptr || !fs::exists(std::string(given) + "/tiny")) {
        throw std::runtime_error(
            "SLIPWAY_TEST_IMAGES must name a directory with the image tiny: slipway images build tiny --state-dir "
            "DIR "
            "makes DIR/images");
    }
    return fs::canonical(given);
}

Result<machines::Image> find_test_image(const std::string& name) {
    const fs::path place = fs::canonical(test_images() + "/" + name);
    const Result<json::value> read = json::parse(file_text(place / "image.json"));
    if (!read) return fail(read.error());
    const json::object& facts = read->as_object();
    machines::Image image;
    image.directory = place.filename();
    image.architecture = json::get_string(facts, "architecture");
    image.kernel = json::get_string(facts.at("kernel").as_object(), "file");
    image.initrd = json::get_string(facts.at("initrd").as_object(), "file");
    image.cmdline = json::get_string(facts, "cmdline");
    image.virtual_bytes = static_cast<std::uint64_t>(json::get_int(facts.at("disk").as_object(), "virtual_bytes"));
    image.cloud_init = json::get_string(facts, "seed") == "cloud-init";
    image.rootfs = facts.contains("rootfs");
    if (json::get_bool(facts, "warm")) image.warm_cmdline = image.cmdline + " slipway.warm";
    return image;
}

}  // namespace slipway::testing
