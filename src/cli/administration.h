// Around the resources: keys, organizations, webhooks, usage, and what nobody accounts for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/resources.h"

namespace slipway::cli {

struct KeyOptions {
    std::string role = "user";
    std::string description, organization;
    std::string expires_in;  // "30d", "12h"; "": never
};
Outcome<Exit> list_keys(Api& api, const Scope& scope, Format format);
// Prints the key alone, so that it can be kept where no eye sees it.
Outcome<Exit> create_key(Api& api, const KeyOptions& options, bool json);
Outcome<Exit> revoke_key(Api& api, const std::string& id, bool json);

struct OrganizationOptions {
    std::string id, title;
    bool yes = false;
};
struct QuotaOptions {
    std::string id;
    std::vector<std::string> limits;  // "all=100", "redis/small=10", "cache/redis/small=10"; they replace all
    bool none = false;                // take all away
};
Outcome<Exit> list_organizations(Api& api, Format format);
Outcome<Exit> create_organization(Api& api, const OrganizationOptions& options, Format format);
Outcome<Exit> show_organization(Api& api, const std::string& id, Format format);
// Asks first, unless it is told not to.
Outcome<Exit> remove_organization(Api& api, const OrganizationOptions& options, bool json);
Outcome<Exit> quota(Api& api, const QuotaOptions& options, bool json);

struct WebhookOptions {
    std::string id, url, organization;
    std::vector<std::string> types;
    bool all_types = false;
    std::optional<bool> enabled;
};
Outcome<Exit> list_webhooks(Api& api, const Scope& scope, Format format);
// Prints the signing secret alone.
Outcome<Exit> create_webhook(Api& api, const WebhookOptions& options, bool json);
Outcome<Exit> show_webhook(Api& api, const std::string& id, bool json);
Outcome<Exit> update_webhook(Api& api, const WebhookOptions& options, bool json);
Outcome<Exit> remove_webhook(Api& api, const std::string& id, bool json);
Outcome<Exit> test_webhook(Api& api, const std::string& id, bool json);

struct UsageOptions {
    std::string from, to;  // RFC 3339, or a day
    std::string billing_code, organization;
};
Outcome<Exit> show_usage(Api& api, const UsageOptions& options, bool json);

struct SweepOptions {
    bool remove = false;
    std::optional<std::uint32_t> grace;  // seconds
};
struct OrphanOptions {
    std::string provider, name;
    std::string plan, kind, engine, organization, billing_code, rename, server;
    bool yes = false;
};
Outcome<Exit> list_orphans(Api& api, Format format);
// The body of that request, for those who only plan it.
json::object adopt_body(const OrphanOptions& options);
Outcome<Exit> adopt_orphan(Api& api, const OrphanOptions& options, const WaitOptions& wait, Format format);
Outcome<Exit> remove_orphan(Api& api, const OrphanOptions& options, bool json);
Outcome<Exit> sweep(Api& api, const SweepOptions& options, bool json);

// What cannot be undone is done only by who says so.
Outcome<void> confirmed(Environment& environment, const std::string& question);
// "90s", "15m", "12h", "30d" in seconds; nullopt where it is not that, or more than ten years.
std::optional<std::int64_t> seconds_of(const std::string& text);

}  // namespace slipway::cli
