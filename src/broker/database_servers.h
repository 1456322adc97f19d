// Use cases of the servers that databases share. They belong to the system's organization, and only administrators
// may ask for anything here: ErrorCode::forbidden otherwise.
//
// Thread-safe, as the Broker. (Broker::deprovision refuses to remove one that serves databases, whoever calls it.)
#pragma once

#include <optional>
#include <string>

#include "broker/broker.h"

namespace slipway {

struct ServerRequest {
    std::string face;
    std::string engine;           // "postgres", "mysql"
    std::string plan;             // of database servers of that engine
    std::string name;             // of the one that may be made; valid_name()
    std::string billing_code;     // empty: that of all shared servers, "shared"
    std::string idempotency_key;  // as in ProvisionRequest
    // The one that the caller takes for the current one; none: the recorded one.
    std::optional<std::string> current_name;
    json::object
        parameters;  // for the provider, besides the plan's; checked by the face ("user", "engine_version", …)
};

struct ServerAnswer {
    Resource server;
    std::optional<Operation> operation;  // the one that is at work on it now; none: none is
    bool created = false;
};

// How many a server of this engine serves before it is full: of the engine's database plans; where they differ it
// is full when it is for all of them. 50 where no plan says.
std::uint64_t threshold_of(const Catalog& catalog, std::string_view engine);
// The recorded one; where that takes no new databases any more, the youngest that does. Null: none does. It lives
// in `hosts`.
const HostLoad* current_of(const HostsView& hosts);

class SharedServers {
  public:
    struct Parts {
        Store& store;
        Broker& broker;
        const Catalog& catalog;
        Sealer& sealer;
    };
    explicit SharedServers(Parts parts) : parts_(parts) {}

    // Where the current server (or the named one) of the engine serves more than the threshold, or takes no new
    // databases, or there is none, a new one is made and becomes the current one, one however many ask at once;
    // else the current (or named) one is answered. A named one that is full while the recorded current one has room
    // answers that: somebody else had the next one made already. The threshold is that of the engine's database
    // plans, 50 where none has one. Errors: invalid_argument (with problems), not_found (current_name), conflict
    // (the name is taken), unavailable, idempotency_reuse, exhausted, storage.
    Task<Result<ServerAnswer>> ensure(CallContext context, ServerRequest request);
    // not_found: there is none.
    Task<Result<ServerAnswer>> current(CallContext context, std::string engine);
    // Failed ones too; gone ones are not found.
    Task<Result<ServerAnswer>> find(CallContext context, std::string name);
    // By age; failed ones too, gone and pooled ones not.
    Task<Result<Page<Resource>>> list(CallContext context, PageRequest page);
    // Errors: not_found, conflict ("it serves N databases; delete them first: NAME of ORGANIZATION, …"), storage.
    // One that is being removed answers with that operation.
    Task<Result<ServerAnswer>> remove(CallContext context, std::string name);
    // Of the master user. nullopt: its plan has none, or it is gone.
    Task<Result<std::optional<Secret>>> password(CallContext context, const Resource& server);
    // How many databases that are neither gone nor failed it serves.
    Task<Result<std::uint64_t>> serves(CallContext context, const Resource& server);

  private:
    struct Standing;  // what is stored of the servers of one engine
    Task<Result<Standing>> standing(const ServerRequest& request);
    Task<Result<Resource>> named(const std::string& name);
    Task<Result<ServerAnswer>> answer(Resource server, bool created);

    Parts parts_;
};

}  // namespace slipway
