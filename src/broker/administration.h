// Use cases around the resources: keys, organizations, quotas, webhooks, usage.
//
// Thread-safe, as the Broker. "Own" means the caller's organization; administrators act on every one. What is
// another organization's does not exist for anybody else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace slipway {

struct NewKey {
    Role role = Role::user;
    std::string description;  // up to 200 bytes, no control characters
    std::optional<OrganizationId> organization;
    std::optional<Duration> expires_in;  // a minute to ten years; none: it never expires
    std::string idempotency_key;         // as in ProvisionRequest
};
struct IssuedKey {
    ApiKey record;
    Secret key;  // shown once (and to a repeated request): only its hash is stored
};

struct NewOrganization {
    OrganizationId id;
    std::string title;  // up to 200 bytes, no control characters; empty: the id
    std::string idempotency_key;
};

// Of webhooks: events of every organization. No organization can have such an id.
inline constexpr const char* kEveryOrganization = "*";

struct NewWebhook {
    std::string url;
    std::vector<std::string> types;              // at most 32
    std::optional<OrganizationId> organization;  // kEveryOrganization: administrators only
    std::string idempotency_key;
};
struct WebhookChange {
    std::optional<std::string> url;
    std::optional<std::vector<std::string>> types;
    std::optional<bool> enabled;  // enabling clears its failures
};
struct IssuedWebhook {
    Webhook record;
    Secret secret;  // "whsec_" and base64, shown once (and to a repeated request)
};

struct QuotaUse {
    Quota quota;
    std::uint64_t used = 0;
};
struct OrganizationView {
    Organization organization;
    std::vector<LiveCount> live;
    std::vector<QuotaUse> quotas;
};

struct Cost {
    std::string currency;
    std::int64_t micros = 0;
    friend bool operator==(const Cost&, const Cost&) = default;
};
struct UsageLine {
    UsageRow row;
    std::optional<Cost> cost;  // where the plan has a price now
};

struct AdministrationOptions {
    std::uint32_t max_webhooks_per_organization = 20;
    std::uint32_t max_keys_per_organization = 1000;  // neither revoked nor over
    std::uint32_t max_quotas_per_organization = 1000;
    bool allow_private_webhooks = false;  // to addresses of this machine and of private networks
    Duration idempotency_ttl = std::chrono::hours(24);
};

class Administration {
  public:
    struct Parts {
        Store& store;
        const Catalog& catalog;
        Sealer& sealer;
        const Clock& clock;
        Random& random;
    };
    Administration(Parts parts, AdministrationOptions options) : parts_(parts), options_(options) {}

    // For what only administrators may ask. ErrorCode::forbidden.
    static Status only_administrators(const CallContext& context);

    // A user makes keys of its own organization with at most its own role. Errors: forbidden, invalid_argument,
    // not_found (the organization), exhausted, idempotency_reuse.
    Task<Result<IssuedKey>> create_key(CallContext context, NewKey request);
    // Of one organization, or (administrators) of all.
    Task<Result<Page<ApiKey>>> keys(CallContext context, std::optional<OrganizationId> organization,
                                    PageRequest page);
    Task<Result<ApiKey>> key(CallContext context, ApiKeyId id);
    // A revoked one is answered again. A user revokes keys of at most its own role. Errors: not_found, forbidden,
    // conflict (it is the last one of an administrator that does not expire).
    Task<Result<ApiKey>> revoke_key(CallContext context, ApiKeyId id);

    // Administrators. Errors: forbidden, invalid_argument, conflict (the id is taken, or was), idempotency_reuse.
    Task<Result<OrganizationView>> create_organization(CallContext context, NewOrganization request);
    Task<Result<Page<OrganizationView>>> organizations(CallContext context, PageRequest page);
    // Administrators see deleted ones too.
    Task<Result<OrganizationView>> organization(CallContext context, OrganizationId id);
    // Its keys are revoked and its quotas and webhooks end with it; what happened in it and what it used stays to
    // be read, and its id is never given again. One that is deleted already is answered as it is. Administrators.
    // Errors: forbidden, not_found, conflict (one of every installation, or the caller's own; it has resources or
    // clusters: its problems count them; it has the only key of an administrator that does not expire).
    Task<Result<OrganizationView>> delete_organization(CallContext context, OrganizationId id);
    // Replaces all of them. Administrators. Errors: forbidden, not_found, invalid_argument.
    Task<Result<std::vector<QuotaUse>>> set_quotas(CallContext context, OrganizationId id,
                                                   std::vector<Quota> quotas);

    // Errors: forbidden, invalid_argument, not_found (the organization), exhausted, idempotency_reuse.
    Task<Result<IssuedWebhook>> create_webhook(CallContext context, NewWebhook request);
    Task<Result<std::vector<Webhook>>> webhooks(CallContext context, std::optional<OrganizationId> organization);
    Task<Result<Webhook>> webhook(CallContext context, WebhookId id);
    // The same for who may change it. Errors: not_found, forbidden.
    Task<Result<Webhook>> changeable_webhook(CallContext context, WebhookId id);
    Task<Result<Webhook>> change_webhook(CallContext context, WebhookId id, WebhookChange change);
    Task<Status> remove_webhook(CallContext context, WebhookId id);

    // Errors: invalid_argument (a span that is none, or longer than 366 days).
    Task<Result<std::vector<UsageLine>>> usage(CallContext context, UsageFilter filter);

  private:
    struct Memory;  // of an idempotency key
    struct Made;    // what it made before

    // Whose a new thing is to be.
    Task<Result<OrganizationId>> owner_of(const CallContext& context, std::optional<OrganizationId> named);
    Task<Result<std::uint32_t>> live_keys(OrganizationId organization);
    Task<Result<std::optional<Made>>> replay(const Memory& memory);
    void remember(Commit& commit, const Memory& memory, const std::string& made, const Secret& secret) const;
    Task<Result<std::optional<IssuedKey>>> issued_before(const Memory& memory);
    Task<Result<std::optional<IssuedWebhook>>> registered_before(const Memory& memory);
    Task<Result<OrganizationView>> view(Organization organization);
    Task<Result<OrganizationView>> made_before(const CallContext& context, const OrganizationId& id);
    Task<Error> id_taken(const OrganizationId& id);
    Task<Result<std::optional<Error>>> in_the_way(const OrganizationId& id);
    Task<Result<bool>> too_many_webhooks(OrganizationId organization, std::uint32_t more);
    Task<Status> keep_within_bound(const Webhook& made);
    [[nodiscard]] Error too_many() const;

    Parts parts_;
    AdministrationOptions options_;
};

Cost cost_of(const Price& price, Duration time);

// https, or http to this machine; a host; no credentials, no fragment, at most 2,000 bytes; where private addresses
// are not allowed none of this machine and of private networks. The problem, or nothing. A name's addresses are not
// looked up here: who delivers looks at them again.
std::optional<std::string> webhook_url_problem(std::string_view url, bool allow_private);

}  // namespace slipway
