// What `slipway images` does: the images of a state directory, whether or not a server runs on it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cli/images.h"
#include "images/image_store.h"
#include "images/workshop.h"
#include "main/settings.h"

namespace slipway {

class ImageVerbs final : public cli::LocalImages {
  public:
    explicit ImageVerbs(Environment environment) : environment_(std::move(environment)) {}

    [[nodiscard]] bool valid_name(std::string_view name) const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> recipes() const override;
    Result<json::array> list(const std::string& state_dir) override;
    Result<json::object> show(const std::string& state_dir, const std::string& name) override;
    Status check(const std::string& state_dir, const std::string& name) override;
    Result<json::object> build(const std::string& state_dir, const std::string& name,
                               const cli::LongWork& work) override;
    Result<json::object> import(const std::string& state_dir, const cli::ImageOptions& options,
                                const cli::LongWork& work) override;
    Status remove(const std::string& state_dir, const std::string& name) override;

  private:
    using Make = std::function<Result<images::Image>(const images::ImageStore&, const images::Workshop&)>;
    Result<json::object> make(const std::string& state_dir, const cli::LongWork& work, const Make& how);

    Environment environment_;
    SystemClock clock_;
    SystemRandom random_;
};

// The user's proxies, and where temporary files may be; nothing else of the environment is for other programs.
std::vector<std::string> passed_on(const Environment& environment);

// Whether the disk of a machine rests on the build. Machines are looked for below the state directory, where
// everything durable is.
images::InUse machines_below(const std::filesystem::path& state_dir);

}  // namespace slipway
