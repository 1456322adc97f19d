// What an engine tells of its work as it happens, for metrics. It must return at once and not throw.
#pragma once

#include "domain/operation.h"
#include "domain/provider_types.h"

namespace slipway {

// Called on the engine's executor.
class OpsObserver {
  public:
    OpsObserver() = default;
    OpsObserver(const OpsObserver&) = delete;
    OpsObserver& operator=(const OpsObserver&) = delete;
    virtual ~OpsObserver() = default;

    // `waited`: from its acceptance to its first lease; nullopt for every later one.
    virtual void on_lease(const Operation& operation, std::optional<Duration> waited, bool takeover) = 0;
    virtual void on_call(const Operation& operation, Verb verb, const ProviderAnswer& answer, Duration took) = 0;
    virtual void on_superseded(const Operation& operation) = 0;
    virtual void on_end(const Operation& operation) = 0;
};

}  // namespace slipway
