// The one interface of everything that makes real things.
//
// Rules for every provider (checked by tests/conformance):
//  - observe never changes anything.
//  - create, update and remove are idempotent: the same call twice has the effect of one, and its second answer is
//    as true as the first. create finishes what an interrupted create left half done.
//  - what is not ours (another installation, resource or generation) is answered as Presence::foreign and never
//  touched.
//  - every call ends within its budget; when it cannot know whether it took effect it says unknown_outcome.
//  - a provider sees no queue, no database and no HTTP request. It never blocks its executor.
//  - no secret in any error, observation, argument vector or log.
// Calls are made from one executor; a Task resumes there.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "domain/operation_log.h"
#include "domain/resource.h"

namespace slipway {

// Which thing is meant: immutable ids, never a reusable name alone.
struct Target {
    InstallationId installation;
    ResourceId resource;
    std::string external_name;  // unique for ever
    std::uint64_t generation = 1;
    std::string token;    // the client token of the operation; the same in every retry
    json::object handle;  // what an earlier observation answered; may be empty
    // Where it tells the owner what it does, also after the call; null: nobody keeps that.
    std::shared_ptr<StepLog> log = {};
};

// How it is to be. Enough to make the thing anew from nothing.
struct Spec {
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    json::object parameters;                          // of the plan
    std::map<std::string, std::int64_t> allocations;  // "port", "uid", …
    std::map<std::string, Secret> secrets;            // "password", "management_password", …
    std::map<std::string, std::string> tags;          // "Name", "billingcode", labels
    ResourceId placed_on = {};                        // what serves it; empty: nothing
};

// Empty where there is none of this name.
inline Secret secret_of(const Spec& spec, std::string_view name) {
    const auto found = spec.secrets.find(std::string(name));
    return found == spec.secrets.end() ? Secret() : found->second;
}

struct InventoryItem {
    std::string external_name;
    InstallationId installation;  // empty: it carries no tag of any Slipway
    ResourceId resource;
    std::uint64_t generation = 0;
    Presence presence = Presence::running;
    std::string detail;  // public
};
struct InventoryPage {
    std::vector<InventoryItem> items;
    std::string next;  // cursor; empty: this was the last page
};

class Provider {
  public:
    virtual ~Provider() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    // Whether it can make this kind here and now; the error says why not and what to do about it.
    [[nodiscard]] virtual Status available(Kind kind, std::string_view engine) const = 0;
    [[nodiscard]] virtual std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const = 0;
    // The names of secrets that it needs besides the tenant's "password", each 32 alphanumeric characters.
    [[nodiscard]] virtual std::vector<std::string> secrets(Kind kind, std::string_view engine) const = 0;
    // How many calls may be under way at once.
    [[nodiscard]] virtual std::uint32_t concurrency() const = 0;
    // Whether resources live on this machine (their operations are then bound to this host).
    [[nodiscard]] virtual bool on_this_host() const = 0;
    // Whether it keeps tags of its own that a claim has to overwrite (by `update`).
    [[nodiscard]] virtual bool external_tags() const { return false; }

    virtual Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) = 0;
    virtual Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) = 0;
    virtual Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) = 0;
    virtual Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) = 0;
    virtual Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) = 0;

    // Called (on the provider's executor) with the external name of something whose presence may have changed by
    // itself, e.g. a process that died. At most one listener; a hint only, scans find the rest.
    virtual void on_change(std::function<void(std::string external_name)> listener) = 0;
};

}  // namespace slipway
