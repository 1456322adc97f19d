#include "broker/administration.h"

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/administration_parts.h"
#include "broker/check.h"

namespace slipway {
namespace {

// The context to which what was shown once is sealed.
std::string sealing_context(std::string_view scope, std::string_view key) {
    return fmt::format("idempotency/{}/{}", scope, key);
}

}  // namespace

std::string administration_scope(const CallContext& context) {
    return idempotency_scope(context, "administration");
}

EventDraft audit_event(const CallContext& context, const OrganizationId& organization, TimePoint at,
                       std::string type, std::string message) {
    Resource nothing;
    nothing.organization = organization;
    return draft_event(nothing, context.cause(), at, std::move(type), std::move(message));
}

void check_text(std::string_view field, std::string_view text, std::vector<FieldProblem>& problems) {
    constexpr std::size_t kMost = 200;
    const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (text.size() <= kMost && !control) return;
    problems.push_back(
        {std::string(field), fmt::format("must be at most {} bytes without control characters", kMost)});
}

Status Administration::only_administrators(const CallContext& context) {
    if (context.caller.role == Role::administrator) return {};
    return fail(slipway::administrators_only());
}

Task<Result<OrganizationId>> Administration::owner_of(const CallContext& context,
                                                      std::optional<OrganizationId> named) {
    OrganizationId owner = named.value_or(context.caller.organization);
    if (Status may = may_name(context.caller, owner); !may) co_return fail(may.error());
    const auto known = co_await living_organization(parts_.store, owner);
    if (!known) co_return fail(known.error());
    co_return owner;
}

Task<Result<std::optional<Administration::Made>>> Administration::replay(const Memory& memory) {
    if (memory.key.empty()) co_return std::optional<Made>();
    const auto record = co_await parts_.store.idempotency(memory.scope, memory.key);
    if (!record) co_return fail(record.error());
    if (!*record) co_return std::optional<Made>();
    if ((*record)->request_hash != memory.request_hash) co_return fail(another_request());
    Made made{(*record)->made, {}};
    if (!(*record)->secret.empty()) {
        auto opened = parts_.sealer.open((*record)->secret, sealing_context(memory.scope, memory.key));
        if (!opened) co_return fail(opened.error());
        made.secret = std::move(*opened);
    }
    co_return made;
}

void Administration::remember(Commit& commit, const Memory& memory, const std::string& made,
                              const Secret& secret) const {
    if (memory.key.empty()) return;
    commit.preconditions.insert(commit.preconditions.begin(),
                                precondition::IdempotencyKeyFree{memory.scope, memory.key});
    IdempotencyRecord record;
    record.scope = memory.scope;
    record.key = memory.key;
    record.request_hash = memory.request_hash;
    record.expires_at = parts_.clock.now() + options_.idempotency_ttl;
    record.made = made;
    if (!secret.empty()) record.secret = parts_.sealer.seal(secret, sealing_context(memory.scope, memory.key));
    commit.writes.emplace_back(write::PutIdempotency{std::move(record)});
}

// What plans that have left the catalog cost is not known any more.
Task<Result<std::vector<UsageLine>>> Administration::usage(CallContext context, UsageFilter filter) {
    constexpr Duration kLongest = std::chrono::days(366);
    auto scope = scope_for(context.caller, std::move(filter.organization));
    if (!scope) co_return fail(scope.error());
    filter.organization = std::move(*scope);
    if (filter.from >= filter.to) co_return fail(status_of({{"from", "must be before to"}}).error());
    if (filter.to - filter.from > kLongest) {
        co_return fail(status_of({{"to", "must be at most 366 days after from"}}).error());
    }
    auto rows = co_await parts_.store.usage(std::move(filter));
    if (!rows) co_return fail(rows.error());
    std::vector<UsageLine> lines;
    lines.reserve(rows->size());
    for (UsageRow& row : *rows) {
        const Plan* plan = parts_.catalog.find(row.key.kind, row.key.engine, row.key.plan);
        std::optional<Cost> cost;
        if (plan != nullptr && plan->price) cost = cost_of(*plan->price, row.time);
        lines.push_back({std::move(row), std::move(cost)});
    }
    co_return lines;
}

Cost cost_of(const Price& price, Duration time) {
    __extension__ using Wide = __int128;  // a price times microseconds of many years
    constexpr Wide kHour = Duration(std::chrono::hours(1)).count();
    const Wide micros = (Wide(price.micros_per_hour) * Wide(time.count()) + kHour / 2) / kHour;
    constexpr Wide kMost = std::numeric_limits<std::int64_t>::max();
    return {price.currency, static_cast<std::int64_t>(std::min(micros, kMost))};
}

}  // namespace slipway
