// A cluster of a tenant: a name that stands for one database at a time. Nothing is made for it but that database.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "domain/ids.h"

namespace slipway {

struct Cluster {
    OrganizationId organization;
    std::string name;     // unique in its organization
    std::string slug;     // "cluster-" and 10 decimal digits, unique: what its database is called
    ResourceId database;  // the last one that was made, which may be gone; empty: there was never one
    TimePoint created_at;
    std::uint64_t version = 0;  // as in Resource
    friend bool operator==(const Cluster&, const Cluster&) = default;
};

}  // namespace slipway
