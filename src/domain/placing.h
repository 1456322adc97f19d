// The book that is kept of the shared hosts of one kind and engine: which is the current one, and how many were
// made. It is a setting of the store, so that a commit can rest on what it says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/draft.h"

namespace slipway {

// Who pays for what is shared.
inline constexpr const char* kSharedBillingCode = "shared";

struct HostBook {
    ResourceId current;      // empty: none
    std::uint64_t made = 0;  // the number in the last name that was given
    friend bool operator==(const HostBook&, const HostBook&) = default;
};

// "placement/database-server/postgres"
std::string host_book_key(Kind kind, std::string_view engine);
// "" is an empty book. ErrorCode::storage for a damaged one.
Result<HostBook> read_host_book(std::string_view text);
std::string text_of(const HostBook& book);  // {"current": "res_…", "made": 2}

// "hephy-instance-0000002"
std::string host_name(std::uint64_t number);

}  // namespace slipway
