// What is told of operations and of calls to providers as they happen, for metrics. It must return at once and not
// throw.
#pragma once

#include <optional>
#include <string_view>

#include "domain/operation.h"
#include "domain/provider_types.h"
#include "domain/resource.h"

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
    // Every call to a provider, whoever asked for it. `verb`: a Verb's word or "inventory", a constant; `failed`:
    // the class of the error; nullopt: there was none.
    virtual void on_call(const std::string& provider, std::string_view verb, std::optional<ErrorClass> failed,
                         Duration took) = 0;
    virtual void on_superseded(const Operation& operation) = 0;
    virtual void on_end(const Operation& operation) = 0;
    // The removal of what has come to its end was accepted.
    virtual void on_expired(const Resource& resource) = 0;
};

}  // namespace slipway
