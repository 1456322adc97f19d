// Webhooks: who is told of which events. What they are told, and when, is not decided here.
#include <algorithm>

#include <fmt/format.h>
#include <sodium.h>

#include "broker/access.h"
#include "broker/administration_parts.h"
#include "broker/check.h"
#include "broker/orders.h"

namespace slipway {
namespace {

constexpr int kTries = 16;
constexpr std::size_t kMaxTypes = 32;
constexpr std::size_t kMaxType = 64;
constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kSecretPrefix = "whsec_";

Error no_such_webhook() { return {ErrorCode::not_found, "no such webhook", {}, {}}; }

bool is_type(std::string_view type) {
    return !type.empty() && type.size() <= kMaxType &&
           std::ranges::all_of(type, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '_'; });
}

void check_types(const std::vector<std::string>& types, std::vector<FieldProblem>& problems) {
    if (types.size() > kMaxTypes) problems.push_back({"types", fmt::format("must be at most {}", kMaxTypes)});
    if (!std::ranges::all_of(types, is_type)) {
        problems.push_back({"types", fmt::format("must be types of events, or beginnings of them, e.g. "
                                                 "\"resource.\": 1 to {} of a-z . _",
                                                 kMaxType)});
    }
}

void check_url(const std::string& url, bool allow_private, std::vector<FieldProblem>& problems) {
    if (auto problem = webhook_url_problem(url, allow_private)) problems.push_back({"url", std::move(*problem)});
}

Secret make_secret(Random& random) {
    std::array<std::byte, kSecretBytes> bytes{};
    random.fill(bytes);
    std::string text(sodium_base64_ENCODED_LEN(kSecretBytes, sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(bytes.data(), bytes.size());
    Secret secret(fmt::format("{}{}", kSecretPrefix, text.c_str()));
    sodium_memzero(text.data(), text.size());
    return secret;
}

// Those of every organization are the administrators' affair.
OrganizationId audience(const Webhook& webhook) {
    return webhook.organization.empty() ? OrganizationId(kSystemOrganization) : webhook.organization;
}

EventDraft event_of(const CallContext& context, const Webhook& webhook, TimePoint now, std::string type,
                    std::string message) {
    EventDraft event = audit_event(context, audience(webhook), now, std::move(type), std::move(message));
    event.data = {{"webhook", webhook.id.str()}};
    return event;
}

}  // namespace

Task<Result<std::vector<Webhook>>> Administration::webhooks(CallContext context,
                                                            std::optional<OrganizationId> organization) {
    auto scope = scope_for(context.caller, std::move(organization));
    if (!scope) co_return fail(scope.error());
    auto all = co_await parts_.store.webhooks();
    if (!all) co_return fail(all.error());
    if (!*scope) co_return std::move(*all);
    if (*scope == OrganizationId(kEveryOrganization)) *scope = OrganizationId();  // as it is stored
    std::erase_if(*all, [&](const Webhook& each) { return each.organization != **scope; });
    co_return std::move(*all);
}

Task<Result<Webhook>> Administration::webhook(CallContext context, WebhookId id) {
    auto all = co_await parts_.store.webhooks();
    if (!all) co_return fail(all.error());
    const auto found = std::ranges::find(*all, id, &Webhook::id);
    const bool seen = found != all->end() && (context.caller.role == Role::administrator ||
                                              found->organization == context.caller.organization);
    if (!seen) co_return fail(no_such_webhook());
    co_return std::move(*found);
}

Task<Result<Webhook>> Administration::changeable_webhook(CallContext context, WebhookId id) {
    auto found = co_await webhook(context, std::move(id));
    if (found && context.caller.role == Role::reader) co_return fail(only_reading());
    co_return found;
}

Task<Result<std::optional<IssuedWebhook>>> Administration::registered_before(const Memory& memory) {
    auto made = co_await replay(memory);
    if (!made) co_return fail(made.error());
    if (!*made) co_return std::optional<IssuedWebhook>();
    auto all = co_await parts_.store.webhooks();
    if (!all) co_return fail(all.error());
    const auto found = std::ranges::find(*all, WebhookId((*made)->id), &Webhook::id);
    if (found == all->end()) {
        co_return fail(ErrorCode::conflict, "what this Idempotency-Key made was removed since; use a new key");
    }
    co_return IssuedWebhook{std::move(*found), std::move((*made)->secret)};
}

// Counts what is there, `more` included.
Task<Result<bool>> Administration::too_many_webhooks(OrganizationId organization, std::uint32_t more) {
    const auto all = co_await parts_.store.webhooks();
    if (!all) co_return fail(all.error());
    const auto count = std::ranges::count(*all, organization, &Webhook::organization);
    co_return static_cast<std::uint64_t>(count) + more > options_.max_webhooks_per_organization;
}

Task<Result<IssuedWebhook>> Administration::create_webhook(CallContext context, NewWebhook request) {
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    std::vector<FieldProblem> problems;
    check_url(request.url, options_.allow_private_webhooks, problems);
    check_types(request.types, problems);
    check_idempotency_key(request.idempotency_key, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    OrganizationId owner;
    if (request.organization == OrganizationId(kEveryOrganization)) {
        if (Status may = only_administrators(context); !may) co_return fail(may.error());
    } else {
        auto named = co_await owner_of(context, request.organization);
        if (!named) co_return fail(named.error());
        owner = std::move(*named);
    }
    const Memory memory{administration_scope(context), request.idempotency_key,
                        fingerprint_of({{"verb", "webhook"},
                                        {"url", request.url},
                                        {"types", json::array(request.types.begin(), request.types.end())},
                                        {"organization", owner.str()}})};
    for (int tries = 0; tries < kTries; ++tries) {
        auto earlier = co_await registered_before(memory);
        if (!earlier) co_return fail(earlier.error());
        if (*earlier) co_return std::move(**earlier);
        const auto full = co_await too_many_webhooks(owner, 1);
        if (!full) co_return fail(full.error());
        if (*full) co_return fail(too_many());
        const auto last = co_await parts_.store.last_event();
        if (!last) co_return fail(last.error());
        const TimePoint now = parts_.clock.now();
        Webhook made;
        made.id = make_id<WebhookId>("whk", now, parts_.random);
        made.organization = owner;
        made.url = request.url;
        made.types = request.types;
        made.cursor = *last;  // what comes from now on
        made.next_attempt = made.created_at = now;
        Secret secret = make_secret(parts_.random);
        made.secret = parts_.sealer.seal(secret, secret_context(made.id));
        Commit commit;
        commit.events.push_back(
            event_of(context, made, now, "webhook.created", fmt::format("webhook {} was made", made.id.str())));
        commit.writes.emplace_back(write::PutWebhook{made});
        remember(commit, memory, made.id.str(), secret);
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (const auto* rejected = std::get_if<Rejected>(&*answer)) {
            if (rejected->obstacle == Obstacle::organization_gone) co_return fail(no_such_organization());
            continue;
        }
        made.version = 1;
        if (auto kept = co_await keep_within_bound(made); !kept) co_return fail(kept.error());
        co_return IssuedWebhook{std::move(made), std::move(secret)};
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Error Administration::too_many() const {
    return {ErrorCode::exhausted,
            fmt::format("an organization may have {} webhooks; remove one first",
                        options_.max_webhooks_per_organization),
            {},
            {}};
}

// Of several that came at once and passed the bound together the ones that see it take themselves back.
Task<Status> Administration::keep_within_bound(const Webhook& made) {
    const auto over = co_await too_many_webhooks(made.organization, 0);
    if (!over) co_return fail(over.error());
    if (!*over) co_return Status();
    Commit commit;
    commit.writes.emplace_back(write::DropWebhook{made.id});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return fail(too_many());
}

// Deliveries are noted in the same record: what they wrote meanwhile is read again.
Task<Result<Webhook>> Administration::change_webhook(CallContext context, WebhookId id, WebhookChange change) {
    std::vector<FieldProblem> problems;
    if (change.url) check_url(*change.url, options_.allow_private_webhooks, problems);
    if (change.types) check_types(*change.types, problems);
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await changeable_webhook(context, id);
        if (!found) co_return fail(found.error());
        if (Status good = status_of(problems); !good) co_return fail(good.error());
        const TimePoint now = parts_.clock.now();
        if (change.url) found->url = *change.url;
        if (change.types) found->types = *change.types;
        if (change.enabled) {
            found->enabled = *change.enabled;
            if (*change.enabled) {
                found->failures = 0;
                found->next_attempt = now;
                found->last_error.clear();
            }
        }
        Commit commit;
        commit.events.push_back(event_of(
            context, *found, now, "webhook.changed",
            fmt::format("webhook {} was changed{}", id.str(), found->enabled ? "" : " and is switched off")));
        commit.writes.emplace_back(write::PutWebhook{*found});
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (!std::holds_alternative<Committed>(*answer)) continue;
        found->version += 1;
        co_return std::move(*found);
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Status> Administration::remove_webhook(CallContext context, WebhookId id) {
    const auto found = co_await changeable_webhook(context, id);
    if (!found) co_return fail(found.error());
    Commit commit;
    commit.events.push_back(event_of(context, *found, parts_.clock.now(), "webhook.removed",
                                     fmt::format("webhook {} was removed", id.str())));
    commit.writes.emplace_back(write::DropWebhook{id});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return Status();
}

}  // namespace slipway
