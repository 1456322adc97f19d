#include "main/machines.h"

#include <fmt/format.h>

#include "domain/machine.h"
#include "images/image_store.h"
#include "images/image_uses.h"
#include "main/machines_config.h"

namespace slipway {
namespace {

machines::Image description(const images::Image& image) {
    machines::Image out;
    out.directory = image.directory.filename().string();
    out.architecture = std::string(images::kArchitecture);
    if (image.boot) {
        out.kernel = image.boot->kernel.file;
        out.initrd = image.boot->initrd.file;
    }
    out.cmdline = image.cmdline;
    out.virtual_bytes = image.virtual_bytes;
    out.cloud_init = image.seed == images::Seed::cloud_init;
    out.rootfs = image.rootfs.has_value();
    if (image.warm) out.warm_cmdline = fmt::format("{} {}", image.cmdline, images::kWarmArgument);
    return out;
}

// So that no image goes while a machine rests on it.
machines::ImageKeeper keeper_of(const std::filesystem::path& directory) {
    return {[uses = images::ImageUses(directory)](const std::string& image, const std::string& machine) {
                return uses.add(image, machine);
            },
            [uses = images::ImageUses(directory)](const std::string& machine) { return uses.drop(machine); }};
}

libvirt::Acceleration acceleration_of(std::string_view word) {
    if (word == "kvm") return libvirt::Acceleration::kvm;
    return word == "emulation" ? libvirt::Acceleration::emulation : libvirt::Acceleration::automatic;
}

}  // namespace

machines::FindImage image_finder(std::filesystem::path directory, MissingImage missing) {
    return [directory = std::move(directory),
            missing = std::move(missing)](const std::string& name) -> Result<machines::Image> {
        // A build's directory is named by what is in it; only who has made a machine of it knows that name.
        const Result<images::Image> image =
            name.contains('@') ? images::open_image(directory / name) : images::ImageStore(directory).find(name);
        if (image) return description(*image);
        if (image.error().code != ErrorCode::not_found) return fail(image.error());
        if (const std::string why = missing(name); !why.empty()) {
            return fail(ErrorCode::not_found, fmt::format("the image {} is not there yet: {}", name, why));
        }
        return fail(
            ErrorCode::not_found,
            fmt::format("there is no image {0} (slipway images build {0}, or slipway images import)", name));
    };
}

libvirt::LibvirtOptions libvirt_options(const MachinesConfig& config, const InstallationId& installation,
                                        std::filesystem::path images_directory, const Catalog& catalog,
                                        MissingImage missing) {
    libvirt::LibvirtOptions options;
    for (const Plan& plan : catalog.plans()) {
        if (plan.provider == "libvirt" && json::get_bool(plan.parameters, kWarm)) {
            options.warm.push_back(plan.parameters);
        }
    }
    options.installation = installation;
    options.net = net_of(config);
    options.boots = config.boots;
    options.acceleration = acceleration_of(config.acceleration);
    options.keeper = keeper_of(images_directory);
    options.find_image = image_finder(std::move(images_directory), std::move(missing));
    return options;
}

lxc::LxcOptions lxc_options(const MachinesConfig& config, const InstallationId& installation,
                            std::filesystem::path images_directory, MissingImage missing) {
    lxc::LxcOptions options;
    options.installation = installation;
    options.net = net_of(config);
    options.boots = config.boots;
    options.keeper = keeper_of(images_directory);
    options.find_image = image_finder(std::move(images_directory), std::move(missing));
    return options;
}

Status prepare_images(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!error) {
        std::filesystem::permissions(directory, std::filesystem::perms(0755), error);
    }
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", directory.string(), error.message()));
    return {};
}

bool wants_machines(const Catalog& catalog, std::string_view provider, const std::filesystem::path& images) {
    const bool offered =
        std::ranges::any_of(catalog.plans(), [&](const Plan& plan) { return plan.provider == provider; });
    std::error_code ignored;
    return offered &&
           std::ranges::any_of(std::filesystem::directory_iterator(images, ignored),
                               [](const auto& entry) { return entry.path().filename().string().contains('@'); });
}

}  // namespace slipway
