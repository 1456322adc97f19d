#include "store/placing.h"

#include <algorithm>

#include <fmt/format.h>

#include "domain/resource_step.h"

namespace slipway {
namespace {

constexpr Kind kHosts = Kind::database_server;

OrganizationId owner() { return OrganizationId(kSystemOrganization); }

// Adds what another commit has; its conditions come first.
void join(Commit& commit, Commit other) {
    const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    std::swap(commit.preconditions, other.preconditions);
    append(commit.preconditions, other.preconditions);
    append(commit.allocations, other.allocations);
    append(commit.writes, other.writes);
    append(commit.events, other.events);
}

std::string why_another(const HostsView& hosts) {
    if (!hosts.loads.empty()) return "the others are full";
    return hosts.setting.empty() ? "there is none yet" : "none takes new databases any more";
}

}  // namespace

Task<Result<HostsView>> read_hosts(Store& store, Kind kind, std::string engine) {
    HostsView view;
    view.key = host_book_key(kind, engine);
    auto setting = co_await store.setting(view.key);
    if (!setting) co_return fail(setting.error());
    view.setting = setting->value_or("");
    auto book = read_host_book(view.setting);
    if (!book) co_return fail(book.error());
    view.book = std::move(*book);
    auto loads = co_await store.host_loads(owner(), kind, std::move(engine));
    if (!loads) co_return fail(loads.error());
    view.loads = std::move(*loads);
    co_return view;
}

void make_current(Commit& commit, const HostsView& hosts, const HostBook& book, std::uint64_t limit) {
    commit.preconditions.emplace_back(precondition::SettingIs{hosts.key, hosts.setting});
    for (const HostLoad& load : hosts.loads) {
        commit.preconditions.emplace_back(precondition::PlacesFull{load.host, limit});
    }
    commit.writes.emplace_back(write::PutSetting{hosts.key, text_of(book)});
}

Task<Result<Placed>> Placer::place(ProvisionDraftRequest request, std::optional<ResourceId> wanted) {
    const std::uint64_t threshold = request.plan->placement->threshold;
    auto hosts = co_await read_hosts(parts_.store, kHosts, request.plan->engine);
    if (!hosts) co_return fail(hosts.error());
    if (wanted) {
        const auto load = std::ranges::find(hosts->loads, *wanted, &HostLoad::host);
        if (load == hosts->loads.end()) co_return fail(ErrorCode::not_found, "the server takes no new databases");
        if (load->placed >= places_of(threshold)) {
            co_return fail(ErrorCode::conflict,
                           fmt::format("the server is full: it serves {} databases", load->placed));
        }
        co_return co_await on_host(std::move(request), *wanted);
    }
    const Placement at = slipway::place(hosts->loads, hosts->book.current, threshold);
    if (const auto* host = std::get_if<placement::OnHost>(&at)) {
        co_return co_await on_host(std::move(request), host->host);
    }
    co_return co_await on_next(std::move(request), *hosts);
}

Placed Placer::accepted(const ProvisionDraftRequest& request) {
    Draft draft = draft_provision(request, parts_.clock.now(), parts_.random, parts_.sealer);
    Placed placed{{}, draft.resource.id, draft.operation, "", false, "", request.placed_on};
    placed.commit = accept(std::move(draft));
    return placed;
}

void Placer::tell(Placed& placed, const ProvisionDraftRequest& request) const {
    Resource told;
    told.id = placed.resource;
    told.organization = request.organization;
    std::string_view how = ", which is ready";
    if (!request.blocked_by.empty()) how = placed.new_host ? ", which is made first" : ", once that is made";
    EventDraft event = draft_event(told, request.cause, parts_.clock.now(), "resource.placed",
                                   fmt::format("it will live on {}{}", placed.host, how));
    event.operation = placed.operation.id;
    placed.commit.events.push_back(std::move(event));
}

Task<Result<Placed>> Placer::on_host(ProvisionDraftRequest request, ResourceId id) {
    const auto found = co_await parts_.store.resource(id);
    if (!found) co_return fail(found.error());
    if (!*found) co_return fail(ErrorCode::internal, "a server that was listed is missing");
    const Resource& host = **found;
    request.placed_on = host.id;
    request.host = host.host;
    // One that is still being made is waited for; where that has ended meanwhile, the store drops the wait.
    if (std::holds_alternative<resource_state::Requested>(host.state) ||
        std::holds_alternative<resource_state::Provisioning>(host.state)) {
        request.blocked_by = active_operation(host.state);
    }
    Placed placed = accepted(request);
    placed.host = host.name;
    tell(placed, request);
    const std::uint64_t limit = places_of(request.plan->placement->threshold);
    placed.commit.preconditions.insert(placed.commit.preconditions.begin(),
                                       precondition::PlaceFree{host.id, limit});
    co_return placed;
}

// The next name that nothing has. Somebody may have called a server so by hand.
Task<Result<HostBook>> Placer::next_name(const HostsView& hosts) {
    HostBook book = hosts.book;
    for (;;) {
        book.made += 1;
        ResourceFilter same;
        same.organization = owner();
        same.name = host_name(book.made);
        const auto taken = co_await parts_.store.resources(same, {"", 1});
        if (!taken) co_return fail(taken.error());
        if (taken->items.empty()) co_return book;
    }
}

Task<Result<Placed>> Placer::on_next(ProvisionDraftRequest request, const HostsView& hosts) {
    const PlacementRule& rule = *request.plan->placement;
    const std::string& engine = request.plan->engine;
    if (!rule.make_hosts) {
        co_return fail(ErrorCode::unavailable,
                       fmt::format("no {} server has a place left, and none is made on demand", engine));
    }
    const Plan* plan = parts_.catalog.find(kHosts, engine, rule.host_plan);
    if (plan == nullptr) {
        co_return fail(ErrorCode::unavailable,
                       fmt::format("there is no plan {} of {} servers", rule.host_plan, engine));
    }
    auto traits = parts_.providers.traits(plan->provider, plan->kind, plan->engine);
    if (!traits) co_return fail(traits.error());
    auto book = co_await next_name(hosts);
    if (!book) co_return fail(book.error());

    auto next = co_await next_host(request, *plan, *traits, host_name(book->made));
    if (!next) co_return fail(next.error());
    book->current = next->id;
    request.placed_on = next->id;
    request.host = next->machine;
    request.blocked_by = next->operation;
    Placed placed = accepted(request);
    placed.host = host_name(book->made);
    placed.new_host = true;
    placed.why_new = why_another(hosts);
    tell(placed, request);
    // The host's conditions come first, so that who lost the race is told that and nothing else; the rows of what
    // was asked for come first, so that they are the first ones of the answer.
    Commit commit;
    make_current(commit, hosts, *book, places_of(rule.threshold));
    commit.preconditions.emplace_back(precondition::NameFree{owner(), placed.host});
    join(next->commit, std::move(commit));
    join(placed.commit, std::move(next->commit));
    co_return placed;
}

// One from its plan's pool where that has one, else a draft.
Task<Result<Placer::Next>> Placer::next_host(const ProvisionDraftRequest& request, const Plan& plan,
                                             const ProviderTraits& traits, std::string name) {
    const TimePoint now = parts_.clock.now();
    if (plan.pool > 0 && !traits.external_tags) {
        const auto pooled = co_await parts_.store.claimable(plan.kind, plan.engine, plan.name, 0);
        if (!pooled) co_return fail(pooled.error());
        if (*pooled) {
            auto claimed =
                step(**pooled, {now, resource_event::Claimed{owner(), request.face, kSharedBillingCode, {}, {}}});
            if (claimed) co_return claim_of(std::move(claimed->resource), std::move(name), request.cause, now);
        }
    }
    ProvisionDraftRequest wanted;
    wanted.plan = &plan;
    wanted.traits = traits;
    wanted.organization = owner();
    wanted.face = request.face;
    wanted.billing_code = kSharedBillingCode;
    wanted.name = std::move(name);
    wanted.name_prefix = request.name_prefix;
    wanted.host = request.host;
    wanted.time_limit = request.time_limit;
    wanted.cause = request.cause;
    Draft draft = draft_provision(wanted, now, parts_.random, parts_.sealer);
    Next next{{}, draft.resource.id, draft.resource.host, draft.operation.id};
    next.commit = accept(std::move(draft));
    co_return next;
}

Placer::Next Placer::claim_of(Resource claimed, std::string name, const Cause& cause, TimePoint now) {
    claimed.name = std::move(name);
    Next next{{}, claimed.id, claimed.host, {}};
    next.commit.events.push_back(
        draft_event(claimed, cause, now, "resource.claimed",
                    fmt::format("{} was made ahead and is taken from the pool of plan {} to be shared",
                                claimed.name, claimed.plan)));
    next.commit.writes.emplace_back(write::PutResource{std::move(claimed)});
    return next;
}

bool lost_place(const Placed& placed, const Rejected& rejected) {
    const Obstacle was = rejected.obstacle;
    if (was == Obstacle::no_place || was == Obstacle::place_free || was == Obstacle::setting_changed) return true;
    if (!placed.new_host) return false;
    return (was == Obstacle::name_taken && rejected.subject == placed.host) ||
           (was == Obstacle::resource_changed && rejected.subject == placed.host_id.str());
}

}  // namespace slipway
