// Rotation of a database's password without downtime: the new password and the former one are both good until
// somebody says that the new one is in use, or until the time for that is over.
//
// Passwords take turns: those of rotations 0, 2, 4, … are the secret "password", those of 1, 3, 5, … the secret
// "password_alt". Where a login of the engine has but one password, logins take turns in the same way.
#pragma once

#include <string>
#include <string_view>

#include "domain/draft.h"
#include "domain/resource_step.h"

namespace slipway {

// Kept among a resource's own parameters: they reach its provider and survive a change of plan.
struct Rotation {
    std::int64_t number = 0;   // how often it was rotated
    bool keep_former = false;  // the former password is good besides: nobody has confirmed the new one yet
    TimePoint former_until;    // where it is kept: it is confirmed then at the latest
    friend bool operator==(const Rotation&, const Rotation&) = default;
};
Rotation rotation_in(const json::object& parameters);

// The secret of the current password, and of the former one.
std::string_view current_secret(const Rotation& rotation);
std::string_view former_secret(const Rotation& rotation);

// What its owner is shown: while a change is under way that from before, because the new password was not seen to
// work yet, and the change may be taken back.
Rotation shown_rotation(const Resource& resource);
// Whether a rotation or its confirmation is under way.
bool is_rotating(const Resource& resource);
// The user that the shown password belongs to; "": none is known.
std::string login_of(const Resource& resource);
// What a database is called on its server. What the provider found wins over what was asked for: names may have
// been shortened.
std::string database_name_of(const Resource& database);

struct RotationTerms {
    Cause cause;
    TimePoint now;
    Duration time_limit{};  // of the operation
    Duration grace{};       // for which the former password is kept
};
struct RotationDraft {
    Resource resource;
    Operation operation;
    EventDraft event;
};
// Why its password is never rotated: it is no database with a password, or nobody owns it yet.
std::optional<Refusal> never_rotated(const Resource& resource);
// The next password, with the former one kept. Refused: it is never rotated, is not ready, or an earlier rotation
// was not confirmed.
std::expected<RotationDraft, Refusal> draft_rotation(const Resource& resource, const RotationTerms& terms,
                                                     Random& random, Sealer& sealer);
// The former password ends. `why`, for the owner: "the new password is in use". Refused: it is not ready.
std::expected<RotationDraft, Refusal> draft_confirmation(const Resource& resource, const RotationTerms& terms,
                                                         std::string_view why, Random& random);
// Takes what it says of rotations out of a resource that begins anew with the secret "password".
void forget_rotations(Resource& resource);

}  // namespace slipway
