// How the daemon is told of a machine (https://libvirt.org/formatdomain.html).
#pragma once

#include <string>

#include "providers/machines/shape.h"

namespace slipway::libvirt {

using machines::Image;
using machines::Shape;

// How it comes to run.
enum class Begin : std::uint8_t {
    boot,
    wait,     // it boots, and waits to be told who it is: a template (warm.h)
    restore,  // from the state of one
};

// Where `volume`, with the volume that tells it who it is. Nothing in it is secret.
struct Run {
    bool kvm = false;
    bool volume = false;
    std::string tag = {};  // kept with it: tag_of()
    Begin begin = Begin::boot;
};
std::string domain_xml(const Shape& shape, const Image& image, const Run& run);
// Changes whenever a machine that runs has to be started again for its description to hold.
std::string tag_of(const Shape& shape, const Image& image);
// Of a machine that the daemon describes.
struct Mark {
    std::string tag;  // empty: none
    bool restored = false;
};
Mark mark_in(const std::string& xml);

// A guest that resets at once, after which nothing of it is left: shows whether an accelerator works.
std::string probe_xml(const std::string& name, const std::string& daemon);

}  // namespace slipway::libvirt
