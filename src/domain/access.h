// Who may ask: organizations, API keys (stored only as hashes) and the caller that a request stands for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/resource.h"

namespace slipway {

enum class Role : std::uint8_t { reader, user, administrator };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

struct Organization {
    OrganizationId id;  // given once: not again after it was deleted
    std::string title;
    TimePoint created_at;
    std::optional<TimePoint> deleted_at = std::nullopt;  // it has nothing any more, and is given nothing
};

struct ApiKey {
    ApiKeyId id;
    std::string hash;  // hex BLAKE2b-256 of the key: keys are 256 random bits, so no slow hash is needed
    OrganizationId organization;
    Role role = Role::user;
    std::string description;
    TimePoint created_at;
    std::optional<TimePoint> revoked_at;
    std::optional<TimePoint> expires_at = std::nullopt;  // not good any more from then on
};

// At most so many live resources: of one plan, or, where kind, engine and plan are empty, of all plans together.
struct Quota {
    OrganizationId organization;
    std::optional<Kind> kind;
    std::string engine;
    std::string plan;
    std::uint64_t limit = 0;  // 0: none may be made
    friend bool operator==(const Quota&, const Quota&) = default;
};

struct Caller {
    OrganizationId organization;
    Role role = Role::reader;
    std::string actor;  // the key's id, or "anonymous"
};

}  // namespace slipway
