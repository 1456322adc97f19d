// The use cases of password rotation (domain/rotation.h): begin one, and confirm it.
//
// Thread-safe, as the Broker.
#pragma once

#include "broker/broker.h"
#include "domain/rotation.h"

namespace slipway {

struct RotationOptions {
    Duration grace = std::chrono::hours(24);         // for which a former password is kept unconfirmed
    Duration time_limit = std::chrono::minutes(15);  // of an operation
};

class Rotations {
  public:
    struct Parts {
        Store& store;
        Sealer& sealer;
        const Clock& clock;
        Random& random;
    };
    explicit Rotations(Parts parts, RotationOptions options = {}) : parts_(parts), options_(options) {}

    // Gives it a new password beside the present one. As with passwords, for its owner only. Errors: not_found,
    // forbidden (a reader; another organization's), conflict (it is no database, is not ready, or the last rotation
    // was not confirmed), storage.
    Task<Result<Accepted>> begin(CallContext context, ResourceId id) const;
    // The former password ends. Where nothing is to be confirmed, or that is under way, it is answered as it is.
    // Errors: as above.
    Task<Result<Accepted>> confirm(CallContext context, ResourceId id) const;

    // A dry run of either. Errors: storage; what would be refused is an answer.
    Task<Result<Preview>> preview(Broker& broker, CallContext context, ResourceId id, bool confirms) const;

  private:
    [[nodiscard]] Task<Result<Resource>> rotatable(const CallContext& context, const ResourceId& id) const;
    // Nothing where somebody else changed it meanwhile.
    [[nodiscard]] Task<Result<std::optional<Accepted>>> commit(RotationDraft draft) const;
    [[nodiscard]] RotationTerms terms(const CallContext& context) const;

    Parts parts_;
    RotationOptions options_;
};

}  // namespace slipway
