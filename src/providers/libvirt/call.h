// What one call of this provider carries along.
#pragma once

#include "providers/libvirt/libvirt_provider.h"
#include "providers/provider_error.h"

namespace slipway::libvirt {

struct LibvirtProvider::Call {
    Verb verb = Verb::observe;
    Target target;
    Spec spec;
    Deadline deadline;
    Shape shape = {};  // of create and update
    Image image = {};
    bool touched = false;  // something may have been changed already

    [[nodiscard]] const std::string& name() const { return target.external_name; }
    [[nodiscard]] agent::Identity identity() const {
        return {target.installation.str(), target.resource.str(), target.generation};
    }
    [[nodiscard]] DomainName domain() const { return {target.external_name, uuid_of(target)}; }
};

// How failures of the helper and of the daemon are treated by the engine.
ProviderError error_of(const agent::Failure& failure, bool touched);
ProviderError error_of(const Error& error, bool touched);

}  // namespace slipway::libvirt
