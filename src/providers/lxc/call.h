// What one call of this provider carries along.
#pragma once

#include "providers/instances.h"
#include "providers/lxc/lxc_provider.h"

namespace slipway::lxc {

struct LxcProvider::Call {
    Verb verb = Verb::observe;
    Target target;
    Spec spec;
    Deadline deadline;
    machines::Shape shape = {};  // of create and update
    machines::Image image = {};
    bool touched = false;  // something may have been changed already

    [[nodiscard]] const std::string& name() const { return target.external_name; }
    [[nodiscard]] agent::Init init() const {
        return image.cloud_init ? agent::Init::systemd : agent::Init::busybox;
    }
};

}  // namespace slipway::lxc
