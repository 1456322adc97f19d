// Where a client reaches a resource, as one text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "domain/resource.h"

namespace slipway::faces {

// The user that Redis itself has for a password alone.
inline constexpr const char* kDefaultUser = "default";

// "HOST:PORT"; an IPv6 address in brackets.
std::string address_of(const Endpoint& endpoint);

// "redis://default:PASSWORD@HOST:PORT", or without what stands before the host where there is no password.
std::string url_of(const Endpoint& endpoint, const std::optional<Secret>& password);
// The same for a named user, who stands there without a password too. Empty: as above.
std::string url_of(const Endpoint& endpoint, const std::optional<Secret>& password, std::string_view user);

// How a client logs in to a resource.
struct Access {
    std::string user;      // "" where it takes none
    std::string database;  // "" where it has none
    std::string url;       // with all of it
};
// Of a cache as above; of a server, a database and a machine with their users' names, whether there is a password
// or not. A machine's is never there: only its owner knows it.
Access access_of(const Resource& resource, const Endpoint& endpoint, const std::optional<Secret>& password);

}  // namespace slipway::faces
