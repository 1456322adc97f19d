#include "broker/access.h"

#include <array>

#include <fmt/format.h>
#include <sodium.h>

#include "domain/rotation.h"

namespace slipway {
namespace {

constexpr std::size_t kKeyLength = 43;  // alphanumeric: 256 bits
constexpr std::string_view kKeyPrefix = "slk_";

}  // namespace

bool may_see(const Caller& caller, const Resource& resource) {
    return caller.role == Role::administrator || caller.organization == resource.organization;
}

bool may_change(const Caller& caller, const Resource& resource) {
    return caller.role != Role::reader && may_see(caller, resource);
}

std::unexpected<Error> no_such_resource() { return fail(ErrorCode::not_found, "no such resource"); }
std::unexpected<Error> no_such_operation() { return fail(ErrorCode::not_found, "no such operation"); }

Error only_reading() { return {ErrorCode::forbidden, "this key may only read", {}, {}}; }
Error administrators_only() { return {ErrorCode::forbidden, "this needs a key of an administrator", {}, {}}; }
Error no_such_organization() { return {ErrorCode::not_found, "there is no such organization", {}, {}}; }
Task<Result<Organization>> living_organization(Store& store, OrganizationId id) {
    auto found = co_await store.organization(std::move(id));
    if (!found) co_return fail(found.error());
    if (!*found || (*found)->deleted_at) co_return fail(no_such_organization());
    co_return std::move(**found);
}
Error another_request() {
    return {ErrorCode::idempotency_reuse,
            "this Idempotency-Key came before with another request; use a new key",
            {},
            {}};
}

Status may_name(const Caller& caller, const OrganizationId& organization) {
    if (organization == caller.organization) return {};
    if (caller.role != Role::administrator) {
        return fail(ErrorCode::forbidden, "only administrators may name another organization than their own");
    }
    if (organization == OrganizationId(kSystemOrganization)) {
        return fail(ErrorCode::forbidden, "the organization system owns what nobody has claimed, and nothing else");
    }
    return {};
}

Result<std::optional<OrganizationId>> scope_for(const Caller& caller, std::optional<OrganizationId> named) {
    if (caller.role == Role::administrator) return named;
    if (named && *named != caller.organization) {
        return fail(ErrorCode::forbidden, "only administrators may name another organization than their own");
    }
    return caller.organization;
}

std::string idempotency_scope(const CallContext& context, std::string_view face) {
    return fmt::format("{}/{}", context.caller.organization.str(), face);
}

// Keys are random and long, so that a fast hash is as good as a slow one, and one look-up serves every request.
std::string hash_key(const Secret& key) {
    std::array<unsigned char, crypto_generichash_BYTES> hash{};
    const std::string& text = key.reveal();
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       nullptr, 0);
    std::string hex(hash.size() * 2 + 1, '\0');
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
    hex.pop_back();
    return hex;
}

Secret make_key(Random& random) { return Secret(std::string(kKeyPrefix) + random.alphanumeric(kKeyLength)); }

Task<Result<Caller>> Broker::authenticate(Secret key) {
    const auto found = co_await parts_.store.api_key_by_hash(hash_key(key));
    if (!found) co_return fail(found.error());
    const bool over =
        *found && ((*found)->revoked_at || ((*found)->expires_at && *(*found)->expires_at <= parts_.clock.now()));
    if (!*found || over) {
        co_return fail(ErrorCode::unauthenticated, "the API key is unknown, was revoked, or is over");
    }
    co_return Caller{(*found)->organization, (*found)->role, (*found)->id.str()};
}

Task<Result<bool>> Broker::still_valid(Caller caller) {
    const auto found = co_await parts_.store.api_key(ApiKeyId(caller.actor));
    if (!found) co_return fail(found.error());
    if (!*found) co_return caller.actor == kAnonymousOrganization;
    const ApiKey& key = **found;
    const bool over = key.revoked_at || (key.expires_at && *key.expires_at <= parts_.clock.now());
    co_return !over && key.organization == caller.organization && key.role == caller.role;
}

Task<Result<std::optional<Secret>>> Broker::password(CallContext context, const Resource& resource) {
    if (!may_see(context.caller, resource)) co_return no_such_resource();
    // Not even an administrator is shown another organization's password.
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    const bool owner = context.caller.organization == resource.organization;
    if (!owner) co_return fail(ErrorCode::forbidden, "only its owner is shown the password");
    const std::string name(current_secret(shown_rotation(resource)));
    const auto sealed = resource.secrets.find(name);
    if (sealed == resource.secrets.end()) co_return std::optional<Secret>();
    auto opened = parts_.sealer.open(sealed->second, secret_context(resource.id, name));
    if (!opened) co_return fail(opened.error());
    co_return std::optional<Secret>(std::move(*opened));
}

}  // namespace slipway
