// API keys: made, shown once, looked at, revoked.
#include <fmt/format.h>

#include "broker/access.h"
#include "broker/administration_parts.h"
#include "broker/check.h"
#include "broker/orders.h"

namespace slipway {
namespace {

constexpr Duration kShortest = std::chrono::minutes(1);
constexpr Duration kLongest = std::chrono::days(3653);
constexpr int kTries = 5;

bool is_over(const ApiKey& key, TimePoint now) {
    return key.revoked_at || (key.expires_at && *key.expires_at <= now);
}

Error no_such_key() { return {ErrorCode::not_found, "no such key", {}, {}}; }

// What is said of a key in the audit log; nothing in it is secret.
EventDraft event_of(const ApiKey& key, const CallContext& context, TimePoint now, std::string type,
                    std::string message) {
    EventDraft event = audit_event(context, key.organization, now, std::move(type), std::move(message));
    event.data = {{"key", key.id.str()}, {"role", to_string(key.role)}};
    return event;
}

void check_key(const NewKey& request, std::vector<FieldProblem>& problems) {
    check_text("description", request.description, problems);
    if (request.expires_in && (*request.expires_in < kShortest || *request.expires_in > kLongest)) {
        problems.push_back(
            {"expires_in_seconds",
             fmt::format("must be between {} and {}", std::chrono::seconds(std::chrono::minutes(1)).count(),
                         std::chrono::duration_cast<std::chrono::seconds>(kLongest).count())});
    }
    check_idempotency_key(request.idempotency_key, problems);
}

}  // namespace

Task<Result<std::uint32_t>> Administration::live_keys(OrganizationId organization) {
    std::uint32_t count = 0;
    PageRequest page{"", 1000};
    do {
        const auto found = co_await parts_.store.api_keys(organization, page);
        if (!found) co_return fail(found.error());
        const TimePoint now = parts_.clock.now();
        for (const ApiKey& key : found->items) count += is_over(key, now) ? 0 : 1;
        page.after = found->next;
    } while (!page.after.empty());
    co_return count;
}

Task<Result<std::optional<IssuedKey>>> Administration::issued_before(const Memory& memory) {
    auto made = co_await replay(memory);
    if (!made) co_return fail(made.error());
    if (!*made) co_return std::optional<IssuedKey>();
    auto record = co_await parts_.store.api_key(ApiKeyId((*made)->id));
    if (!record) co_return fail(record.error());
    if (!*record) co_return fail(ErrorCode::internal, "the key of an earlier request is missing");
    co_return IssuedKey{std::move(**record), std::move((*made)->secret)};
}

Task<Result<IssuedKey>> Administration::create_key(CallContext context, NewKey request) {
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    if (request.role > context.caller.role) {
        co_return fail(ErrorCode::forbidden, fmt::format("a {} cannot make a key of a {}",
                                                         to_string(context.caller.role), to_string(request.role)));
    }
    std::vector<FieldProblem> problems;
    check_key(request, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    const auto owner = co_await owner_of(context, request.organization);
    if (!owner) co_return fail(owner.error());
    const Memory memory{administration_scope(context), request.idempotency_key,
                        fingerprint_of({{"verb", "key"},
                                        {"role", to_string(request.role)},
                                        {"description", request.description},
                                        {"organization", owner->str()},
                                        {"expires_in", request.expires_in ? request.expires_in->count() : 0}})};
    for (int tries = 0; tries < kTries; ++tries) {
        auto earlier = co_await issued_before(memory);
        if (!earlier) co_return fail(earlier.error());
        if (*earlier) co_return std::move(**earlier);
        const auto live = co_await live_keys(*owner);
        if (!live) co_return fail(live.error());
        if (*live >= options_.max_keys_per_organization) {
            co_return fail(ErrorCode::exhausted,
                           fmt::format("organization {} has {} keys; revoke one first", owner->str(), *live));
        }
        const TimePoint now = parts_.clock.now();
        Secret key = make_key(parts_.random);
        ApiKey record{make_id<ApiKeyId>("key", now, parts_.random),
                      hash_key(key),
                      *owner,
                      request.role,
                      request.description,
                      now,
                      std::nullopt,
                      std::nullopt};
        if (request.expires_in) record.expires_at = now + *request.expires_in;
        Commit commit;
        commit.events.push_back(
            event_of(record, context, now, "key.created",
                     fmt::format("key {} of a {} was made", record.id.str(), to_string(record.role))));
        commit.writes.emplace_back(write::PutApiKey{record});
        remember(commit, memory, record.id.str(), key);
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) co_return IssuedKey{std::move(record), std::move(key)};
        if (std::get<Rejected>(*answer).obstacle == Obstacle::organization_gone) {
            co_return fail(no_such_organization());
        }
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Result<Page<ApiKey>>> Administration::keys(CallContext context, std::optional<OrganizationId> organization,
                                                PageRequest page) {
    auto scope = scope_for(context.caller, std::move(organization));
    if (!scope) co_return fail(scope.error());
    co_return co_await parts_.store.api_keys(std::move(*scope), std::move(page));
}

Task<Result<ApiKey>> Administration::key(CallContext context, ApiKeyId id) {
    auto found = co_await parts_.store.api_key(std::move(id));
    if (!found) co_return fail(found.error());
    const bool seen = *found && (context.caller.role == Role::administrator ||
                                 (*found)->organization == context.caller.organization);
    if (!seen) co_return fail(no_such_key());
    co_return std::move(**found);
}

// Of several that are revoked at once one stays: the store checks that another one is there as it writes.
Task<Result<ApiKey>> Administration::revoke_key(CallContext context, ApiKeyId id) {
    auto found = co_await key(context, id);
    if (!found) co_return fail(found.error());
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    if (found->role > context.caller.role) {
        co_return fail(ErrorCode::forbidden, fmt::format("a {} cannot revoke a key of a {}",
                                                         to_string(context.caller.role), to_string(found->role)));
    }
    if (found->revoked_at) co_return std::move(*found);
    const TimePoint now = parts_.clock.now();
    found->revoked_at = now;
    Commit commit;
    if (found->role == Role::administrator) {
        commit.preconditions.emplace_back(precondition::AnotherAdministrator{found->id});
    }
    commit.events.push_back(
        event_of(*found, context, now, "key.revoked", fmt::format("key {} was revoked", found->id.str())));
    commit.writes.emplace_back(write::PutApiKey{*found});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    if (std::holds_alternative<Committed>(*answer)) co_return std::move(*found);
    co_return fail(ErrorCode::conflict,
                   "it is the last key of an administrator that does not expire: make another one first");
}

}  // namespace slipway
