// How a new resource of a plan with a placement rule comes to its place (domain/placement.h): what is read, asked
// and committed, for requests and pools alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/placing.h"
#include "store/store.h"

namespace slipway {

// The hosts of one kind and engine, as they were read.
struct HostsView {
    std::string key;      // of the setting that is the book
    std::string setting;  // its text; "" where there is none
    HostBook book;
    std::vector<HostLoad> loads;  // of those that take new ones, the oldest first
};
Task<Result<HostsView>> read_hosts(Store& store, Kind kind, std::string engine);

// A new current host goes into a commit: nobody has a place, the book is as it was read, and the book says so.
void make_current(Commit& commit, const HostsView& hosts, const HostBook& book, std::uint64_t limit);

// A draft with its place.
struct Placed {
    Commit commit;  // accepts the draft (and the next host), if what was read still holds
    ResourceId resource;
    Operation operation;  // of the draft
    std::string host;     // the name of what serves it
    bool new_host = false;
    std::string why_new = {};  // where there is a new one, for the owner: "the others are full"
    ResourceId host_id = {};
};

class Placer {
  public:
    struct Parts {
        Store& store;
        const Catalog& catalog;
        const ProviderDirectory& providers;
        Sealer& sealer;
        const Clock& clock;
        Random& random;
    };
    explicit Placer(Parts parts) : parts_(parts) {}

    // `request.plan` has a placement rule. `wanted`: on this one and no other. Commit it; where `lost_place` says
    // that others came first, ask again. The host is a resource of the system's organization; a new one is drafted
    // with the request's face, cause, name prefix, machine and time limit, or claimed from its plan's pool. Errors:
    // unavailable (no new host may or can be made), conflict (the wanted one is full), not_found (it takes none).
    Task<Result<Placed>> place(ProvisionDraftRequest request, std::optional<ResourceId> wanted = {});

  private:
    struct Next {  // the next host, and the commit that has it made or takes it
        Commit commit;
        ResourceId id;
        HostId machine;
        OperationId operation;  // that makes it; empty: it is ready
    };
    Task<Result<Placed>> on_host(ProvisionDraftRequest request, ResourceId id);
    Task<Result<Placed>> on_next(ProvisionDraftRequest request, const HostsView& hosts);
    Task<Result<HostBook>> next_name(const HostsView& hosts);
    Task<Result<Next>> next_host(const ProvisionDraftRequest& request, const Plan& plan,
                                 const ProviderTraits& traits, std::string name);
    static Next claim_of(Resource claimed, std::string name, const Cause& cause, TimePoint now);
    Placed accepted(const ProvisionDraftRequest& request);
    // An event of where it is placed.
    void tell(Placed& placed, const ProvisionDraftRequest& request) const;

    Parts parts_;
};

// Whether a refusal of such a commit means that others came first. Every such refusal follows a commit of somebody
// else that was taken, so that among any number of callers one always gets on.
bool lost_place(const Placed& placed, const Rejected& rejected);
// How often to ask: as many may come first at most.
inline constexpr int kPlacingTries = 1000;

}  // namespace slipway
