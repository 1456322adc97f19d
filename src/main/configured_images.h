// Images of machines that the configuration names: brought into the store while the server runs.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/child.h"
#include "base/clock.h"
#include "base/random.h"
#include "images/image_store.h"
#include "main/config.h"
#include "main/settings.h"
#include "main/toml_reader.h"

namespace slipway {

// One thread of its own, since a download takes its time. May be asked from any thread.
class ConfiguredImages {
  public:
    // `state_dir`: absolute. `environment`: of whom proxies are taken.
    ConfiguredImages(std::vector<ImageConfig> wanted, std::filesystem::path state_dir, Environment environment);
    // What is under way is given up; the next one begins anew.
    ~ConfiguredImages();
    ConfiguredImages(const ConfiguredImages&) = delete;
    ConfiguredImages& operator=(const ConfiguredImages&) = delete;

    // Nothing is done before. What is there as it is wanted is left alone; what cannot be had is tried again every
    // five minutes.
    void start();
    // Why the image is not there (yet), in words; empty: it is, or the configuration does not name it.
    [[nodiscard]] std::string missing(const std::string& name) const;

  private:
    void run(const std::stop_token& stop);
    void bring(const ImageConfig& wanted);
    void tell(const std::string& name, std::string why);
    [[nodiscard]] bool is_there(const ImageConfig& wanted) const;

    const std::vector<ImageConfig> wanted_;
    const std::filesystem::path state_dir_;
    const images::ImageStore store_;
    Environment environment_;
    SystemClock clock_;
    SystemRandom random_;
    StopSign stop_;
    mutable std::mutex mutex_;
    std::condition_variable_any again_;
    std::map<std::string, std::string> missing_;  // why, by name
    std::jthread thread_;                         // last: it uses the others
};

// For the reader of the configuration.
void read_images(TableReader& root, std::vector<ImageConfig>& images, std::vector<ConfigProblem>& problems);

}  // namespace slipway
