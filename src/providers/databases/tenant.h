// What is wanted on a server: one role or user with its database, and the mark that says whose they are.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/provider.h"

namespace slipway::databases {

// Whose a role or user is. Kept on the server beside it.
struct Tag {
    InstallationId installation;
    ResourceId resource;
    std::uint64_t generation = 0;
    std::string external_name;
    std::string database;
    friend bool operator==(const Tag&, const Tag&) = default;
};

// "slipway:1 <installation> <resource> <generation> <external name> <database>"; the last one may hold spaces.
std::string to_text(const Tag& tag);
std::optional<Tag> parse_tag(std::string_view text);
// The same for a second login of the same tenant, where rotations need one: "slipway-login:1 …".
std::string to_login_text(const Tag& tag);
std::optional<Tag> parse_login_tag(std::string_view text);

struct Tenant {
    Tag owner;         // with the name of its database
    std::string user;  // as asked for
    std::int64_t connections = 20;
    std::vector<std::string> extensions;
    Secret password;         // the current one
    Secret former_password;  // good besides, until its rotation is confirmed; empty: none is
    bool second = false;     // where logins take turns: it is the second one's turn

    [[nodiscard]] const std::string& name() const { return owner.external_name; }
    [[nodiscard]] const std::string& database() const { return owner.database; }
    [[nodiscard]] bool owns(const Tag& tag) const {
        return tag.installation == owner.installation && tag.resource == owner.resource &&
               tag.generation == owner.generation && tag.external_name == owner.external_name;
    }
    // Another resource's, that this installation made too.
    [[nodiscard]] bool has_neighbour(const Tag& tag) const {
        return tag.installation == owner.installation && tag.resource != owner.resource;
    }
};

// From the parameters, else from the handle, else from the external name. A wrong parameter is a permanent error
// that names it.
std::expected<Tenant, ProviderError> tenant_of(const Target& target, const Spec& spec);
// Only what it takes to find it: wrong parameters of what was never made are no reason not to remove it.
std::expected<Tenant, ProviderError> names_of(const Target& target, const Spec& spec);

}  // namespace slipway::databases
