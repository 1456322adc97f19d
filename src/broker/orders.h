// What a request has become before it is committed. Internal to this folder: the use case commits it, the dry run
// only tries it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace slipway {

// Of an idempotency key. The key is empty where the request has none.
struct Broker::Memory {
    std::string scope;
    std::string key;
    std::string request_hash;
};

// A request that is well formed and may be made; after admit() also one that can be carried out here and now.
struct Broker::Order {
    ProvisionRequest request;
    OrganizationId organization;
    const Plan* plan = nullptr;
    std::optional<Expiry> expiry;
    Memory memory;
    Companion companion = {};
    // Filled by admit().
    ProviderTraits traits;
    std::vector<QuotaRule> quotas;
};

// The commit that would carry an order out.
struct Broker::Offer {
    Commit commit;
    ResourceId resource;
    std::optional<Operation> operation;
    std::optional<Placed> placed = {};  // its commit is moved out
};

// The commit that would change a resource; nothing to write where it is as wanted already.
struct Broker::Change {
    Resource resource;  // as it would be
    std::optional<Operation> operation;
    std::optional<Commit> commit;
    std::vector<QuotaRule> quotas;  // of the plan it would move to
    const Plan* plan_before = nullptr;
    const Plan* plan_after = nullptr;
};

// The commit that would take an orphan over.
struct Broker::Taking {
    Commit commit;
    Resource resource;  // as it would be
    Operation operation;
    std::string server = {};  // the name of the shared one that it is on; empty: it lives by itself
    std::vector<QuotaRule> quotas;
};

// The commit that would stop an operation.
struct Broker::Halt {
    Commit commit;
    Operation operation;  // as it is
    Resource resource;    // as it is
};

// What makes two requests the same: a hash of everything that decides what is made.
std::string fingerprint_of(const json::object& body);

}  // namespace slipway
