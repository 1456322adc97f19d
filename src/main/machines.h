// Machines of this host, virtual and containers: their providers, made from the configuration, and kept up.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "main/config.h"
#include "providers/libvirt/libvirt_provider.h"
#include "providers/lxc/lxc_provider.h"

namespace slipway {

// Why an image of the configuration's is not there, in words (configured_images.h).
using MissingImage = std::function<std::string(const std::string& name)>;

// What machines can be made of: the images in this directory (src/images). Errors: not_found, with what to do.
machines::FindImage image_finder(std::filesystem::path directory, MissingImage missing);

libvirt::LibvirtOptions libvirt_options(const MachinesConfig& config, const InstallationId& installation,
                                        std::filesystem::path images, const Catalog& catalog, MissingImage missing);

lxc::LxcOptions lxc_options(const MachinesConfig& config, const InstallationId& installation,
                            std::filesystem::path images, MissingImage missing);

// Makes the directory of images where it is missing. Whoever runs machines reads in it.
Status prepare_images(const std::filesystem::path& directory);

// Nothing of machines is started before there is an image, nor before somebody could ask for one that this provider
// makes.
bool wants_machines(const Catalog& catalog, std::string_view provider, const std::filesystem::path& images);

}  // namespace slipway
