// What one call of this provider carries along.
#pragma once

#include "providers/instances.h"
#include "providers/libvirt/libvirt_provider.h"

namespace slipway::libvirt {

struct LibvirtProvider::Call {
    Verb verb = Verb::observe;
    Target target;
    Spec spec;
    Deadline deadline;
    Shape shape = {};  // of create and update
    Image image = {};
    std::string from = {};  // the template that its disk was taken from, or ""
    bool touched = false;   // something may have been changed already

    [[nodiscard]] const std::string& name() const { return target.external_name; }
    [[nodiscard]] DomainName domain() const { return {target.external_name, machines::uuid_of(target)}; }
};

// How failures of the helper and of the daemon are treated by the engine.
using slipway::error_of;
ProviderError error_of(const Error& error, bool touched);

}  // namespace slipway::libvirt
