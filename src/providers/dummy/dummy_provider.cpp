#include "providers/dummy/dummy_provider.h"

#include <charconv>

#include "base/address.h"

namespace slipway::dummy {
namespace {

bool is_ours(const Thing& thing, const Target& target) {
    return thing.installation == target.installation && thing.resource == target.resource &&
           thing.generation == target.generation;
}

ProviderError error_with(ErrorClass error_class, std::string message) {
    ProviderError error;
    error.error_class = error_class;
    error.message = std::move(message);
    return error;
}

Observation observation_of(const Thing& thing) {
    Observation seen;
    seen.presence = thing.presence;
    seen.handle = {{"id", thing.id}};
    seen.request_id = fmt::format("dummy-{}", thing.id);
    if (thing.presence == Presence::running) {
        seen.endpoint = thing.address.empty()
                            ? Endpoint{"dummy", fmt::format("{}.dummy", thing.external_name), thing.port}
                            : Endpoint{"ssh", thing.address, 22};
    }
    return seen;
}

std::uint16_t port_of(const Spec& spec) {
    const auto port = spec.allocations.find("port");
    return port == spec.allocations.end() ? std::uint16_t{6379} : static_cast<std::uint16_t>(port->second);
}

std::string address_in(const Spec& spec) {
    const auto address = spec.allocations.find("address");
    return address == spec.allocations.end() ? std::string() : ipv4_text(address->second);
}

}  // namespace

Reaction Reaction::pend(std::uint32_t polls) {
    Reaction reaction;
    reaction.kind = Kind::pend;
    reaction.polls = polls;
    return reaction;
}
Reaction Reaction::fail(ErrorClass error_class, std::string message) {
    Reaction reaction;
    reaction.kind = Kind::fail;
    reaction.error_class = error_class;
    reaction.message = std::move(message);
    return reaction;
}
Reaction Reaction::lose_answer() {
    Reaction reaction;
    reaction.kind = Kind::lose_answer;
    return reaction;
}
Reaction Reaction::lose_request() {
    Reaction reaction;
    reaction.kind = Kind::lose_request;
    return reaction;
}

DummyProvider::DummyProvider(DummyOptions options, World& world, Scheduler& scheduler)
    : options_(std::move(options)), world_(world), scheduler_(scheduler) {}

Status DummyProvider::available(Kind, std::string_view) const {
    if (options_.unavailable.empty()) return {};
    return slipway::fail(ErrorCode::unavailable, options_.unavailable);
}
std::vector<AllocationRange> DummyProvider::ranges(Kind, std::string_view) const { return options_.ranges; }
std::vector<std::string> DummyProvider::secrets(Kind, std::string_view) const { return options_.secrets; }

void DummyProvider::on_change(std::function<void(std::string external_name)> listener) {
    listener_ = std::move(listener);
}
void DummyProvider::kill(const std::string& external_name) {
    if (world_.kill(external_name) && listener_) listener_(external_name);
}
void DummyProvider::vanish(const std::string& external_name) {
    if (world_.vanish(external_name) && listener_) listener_(external_name);
}

std::size_t DummyProvider::count(CallVerb verb) const {
    return static_cast<std::size_t>(std::ranges::count(calls_, verb, &Call::verb));
}

Reaction DummyProvider::react(CallVerb verb, const Target& target) {
    call_count_ += 1;
    const bool wanted = keep_log_ || script_;
    Call call{verb, {}, call_count_, 0};
    if (wanted) {
        call.target = target;
        call.repeated = repeated_[{verb, target.external_name}]++;
    }
    if (keep_log_) calls_.push_back(call);
    if (std::deque<Reaction>& queue = queued_[verb]; !queue.empty()) {
        Reaction reaction = std::move(queue.front());
        queue.pop_front();
        return reaction;
    }
    return script_ ? script_(call) : Reaction{};
}

Task<ProviderAnswer> DummyProvider::perform(Reaction reaction, Duration budget, Effect effect) {
    bool late = reaction.delay > budget;
    if (reaction.delay > Duration::zero()) co_await scheduler_.sleep(std::min(reaction.delay, budget));
    if (reaction.kind == Reaction::Kind::fail) {
        ProviderError error = error_with(reaction.error_class, reaction.message);
        error.retry_after = reaction.retry_after;
        error.allocation = reaction.allocation;
        co_return std::unexpected(std::move(error));
    }
    const std::unexpected<ProviderError> lost(error_with(ErrorClass::unknown_outcome, "the answer was lost"));
    if (reaction.kind == Reaction::Kind::lose_request) co_return lost;
    ProviderAnswer answer = effect(reaction);
    const Duration left = budget - std::min(reaction.delay, budget);
    late = late || reaction.answer_delay > left;
    if (reaction.answer_delay > Duration::zero()) co_await scheduler_.sleep(std::min(reaction.answer_delay, left));
    if (late || reaction.kind == Reaction::Kind::lose_answer) co_return lost;
    co_return answer;
}

Task<ProviderAnswer> DummyProvider::observe(Target target, Spec, Duration budget) {
    Reaction reaction = react(CallVerb::observe, target);
    co_return co_await perform(std::move(reaction), budget, [&](const Reaction&) { return look(target); });
}
Task<ProviderAnswer> DummyProvider::create(Target target, Spec spec, Duration budget) {
    Reaction reaction = react(CallVerb::create, target);
    co_return co_await perform(std::move(reaction), budget,
                               [&](const Reaction& with) { return make(target, spec, with); });
}
Task<ProviderAnswer> DummyProvider::update(Target target, Spec spec, Duration budget) {
    Reaction reaction = react(CallVerb::update, target);
    co_return co_await perform(std::move(reaction), budget,
                               [&](const Reaction& with) { return change(target, spec, with); });
}
Task<ProviderAnswer> DummyProvider::remove(Target target, Spec, Duration budget) {
    Reaction reaction = react(CallVerb::remove, target);
    co_return co_await perform(std::move(reaction), budget,
                               [&](const Reaction& with) { return take_away(target, with); });
}

// Scripted progress is made by being looked at: the n-th look finds it done. That stands for time passing.
ProviderAnswer DummyProvider::look(const Target& target) {
    const std::vector<Thing*> named = world_.find_named(target.external_name);
    for (Thing* each : named) {
        if (!is_ours(*each, target)) continue;
        if (each->polls_left > 0) {
            each->polls_left -= 1;
            return observation_of(*each);
        }
        if (each->presence == Presence::pending) each->presence = Presence::running;
        if (each->presence == Presence::deleting) {
            world_.erase(each->id);
            return look(target);
        }
        return observation_of(*each);
    }
    Observation seen;
    seen.presence = named.empty() ? Presence::absent : Presence::foreign;
    return seen;
}

ProviderAnswer DummyProvider::make(const Target& target, const Spec& spec, const Reaction& reaction) {
    if (options_.tombstones && world_.is_buried(target.external_name, target.generation)) {
        return std::unexpected(error_with(ErrorClass::permanent, "this was removed before"));
    }
    for (Thing* each : world_.find_named(target.external_name)) {
        if (options_.names == Names::strict) {
            return std::unexpected(error_with(ErrorClass::conflict, "the name is taken"));
        }
        if (each->token == target.token && is_ours(*each, target)) return look(target);
    }
    Thing thing;
    thing.external_name = target.external_name;
    thing.installation = target.installation;
    thing.resource = target.resource;
    thing.generation = target.generation;
    thing.token = target.token;
    thing.parameters = spec.parameters;
    thing.tags = spec.tags;
    thing.port = port_of(spec);
    thing.address = address_in(spec);
    if (reaction.kind == Reaction::Kind::pend) {
        thing.presence = Presence::pending;
        thing.polls_left = reaction.polls > 0 ? reaction.polls - 1 : 0;  // the answer of this call is the first
    }
    return observation_of(world_.add(std::move(thing)));
}

ProviderAnswer DummyProvider::change(const Target& target, const Spec& spec, const Reaction& reaction) {
    const std::vector<Thing*> named = world_.find_named(target.external_name);
    for (Thing* each : named) {
        if (!is_ours(*each, target)) continue;
        each->updates += 1;
        each->parameters = spec.parameters;
        each->tags = spec.tags;
        each->port = port_of(spec);
        each->address = address_in(spec);
        each->presence = Presence::running;
        if (reaction.kind == Reaction::Kind::pend) {
            each->presence = Presence::pending;
            each->polls_left = reaction.polls > 0 ? reaction.polls - 1 : 0;
        }
        return observation_of(*each);
    }
    Observation seen;
    seen.presence = named.empty() ? Presence::absent : Presence::foreign;
    return seen;
}

ProviderAnswer DummyProvider::take_away(const Target& target, const Reaction& reaction) {
    const std::vector<Thing> named = world_.named(target.external_name);
    Observation seen;
    if (!named.empty()) seen.presence = Presence::foreign;
    bool ours = named.empty();
    for (const Thing& each : named) {
        if (!is_ours(each, target)) continue;
        ours = true;
        if (reaction.kind == Reaction::Kind::pend) {
            Thing* kept = world_.find(each.id);
            kept->presence = Presence::deleting;
            kept->polls_left = reaction.polls > 0 ? reaction.polls - 1 : 0;
            seen.presence = Presence::deleting;
        } else {
            world_.erase(each.id);
            seen.presence = Presence::absent;
        }
    }
    if (ours) world_.bury(target.external_name, target.generation);
    return seen;
}

InventoryPage DummyProvider::page(const std::string& cursor) const {
    std::uint64_t after = 0;
    std::from_chars(cursor.data(), cursor.data() + cursor.size(), after);
    InventoryPage page;
    const auto& things = world_.things();
    for (auto at = things.upper_bound(after); at != things.end(); ++at) {
        const Thing& each = at->second;
        if (page.items.size() == options_.page_size) {
            page.next = std::to_string(after);
            break;
        }
        page.items.push_back({each.external_name, each.installation, each.resource, each.generation,
                              each.installation.empty() ? Presence::foreign : each.presence, ""});
        after = each.id;
    }
    return page;
}

Task<std::expected<InventoryPage, ProviderError>> DummyProvider::inventory(std::string cursor, Duration budget) {
    InventoryPage found;
    Reaction reaction = react(CallVerb::inventory, {});
    const ProviderAnswer answer = co_await perform(std::move(reaction), budget, [&](const Reaction&) {
        found = page(cursor);
        return Observation{};
    });
    if (!answer) co_return std::unexpected(answer.error());
    co_return found;
}

}  // namespace slipway::dummy
