#include "sim/client.h"

#include <fmt/format.h>

namespace slipway::sim {
namespace {

constexpr Duration kSyncWait = std::chrono::seconds(20);
constexpr Duration kRetryAfter = std::chrono::milliseconds(700);
constexpr Duration kBriefest = std::chrono::seconds(2);
constexpr Duration kLongest = std::chrono::seconds(150);

bool passing(const Error& error) {
    return error.code == ErrorCode::conflict || error.code == ErrorCode::storage ||
           error.code == ErrorCode::unavailable;
}

}  // namespace

Client::Client(Parts parts, int number) : parts_(std::move(parts)), number_(number) {}

void Client::start(Duration busy_for) {
    busy_until_ = parts_.world.now() + busy_for;
    parts_.world.at(parts_.world.between({}, std::chrono::seconds(2)), kWorld, [this] { act(); });
}

bool Client::idle() const { return !asking_ && parts_.world.now() >= busy_until_; }

std::optional<std::size_t> Client::pick_intent(const std::function<bool(const Intent&)>& fits) {
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < intents_.size(); ++i) {
        if (fits(intents_[i])) fitting.push_back(i);
    }
    if (fitting.empty()) return std::nullopt;
    return fitting[parts_.world.random().below(fitting.size())];
}

void Client::act() {
    World& world = parts_.world;
    if (world.now() >= busy_until_) return;
    world.at(world.between(std::chrono::milliseconds(50), std::chrono::seconds(3)), kWorld, [this] { act(); });
    if (asking_) return;
    const auto mine = pick_intent([](const Intent& in) { return in.resource && !in.delete_wanted; });
    const double dice = world.random().unit();
    if (mine && dice < 0.30) {
        intents_[*mine].delete_wanted = true;
        ask({Kind::remove, *mine});
    } else if (mine && dice < 0.36) {
        ask({Kind::cancel, *mine});
    } else if (mine && dice < 0.44) {
        ask({Kind::replay, *mine});
    } else if (mine && dice < 0.48) {
        ask({Kind::reuse, *mine});
    } else if (mine && dice < 0.53) {
        ask({Kind::tag, *mine});
    } else if (mine && dice < 0.57) {
        ask({Kind::extend, *mine});
    } else if (dice < 0.60) {
        ask({Kind::list, 0});
    } else {
        Intent intent;
        intent.key = fmt::format("key-{}-{}", number_, intents_.size());
        intent.plan = world.chance(0.4) ? "pooled" : world.chance(0.5) ? "plain" : "placed";
        intent.organization = OrganizationId(fmt::format("org-{}", number_ % 2));
        if (world.chance(0.3)) intent.expires_in = some_lifetime();
        intents_.push_back(std::move(intent));
        ask({Kind::create, intents_.size() - 1});
    }
}

// Asks a live process; where none is, or no answer can come any more, asks again later. A deletion under way is
// followed until it is accepted, like a creation.
void Client::ask(Ask what) {
    asking_ = what;
    const std::uint64_t call = ++call_;
    Process* process = parts_.pick();
    if (process == nullptr) {
        asked_of_ = kWorld;
        parts_.world.at(kRetryAfter, kWorld, [this, what, call] {
            if (call == call_) ask(what);
        });
        return;
    }
    requests_ += 1;
    asked_of_ = process->owner();
    process->spawn([this, process, what, call] { return perform(*process, what, call); });
}

void Client::cut_off(Owner process) {
    if (!asking_ || asked_of_ != process) return;
    asked_of_ = kWorld;
    const Ask what = *asking_;
    const std::uint64_t call = ++call_;
    parts_.world.at(kRetryAfter, kWorld, [this, what, call] {
        if (call == call_) ask(what);
    });
}

void Client::delete_everything() {
    busy_until_ = parts_.world.now();
    if (asking_) return;
    for (std::size_t i = 0; i < intents_.size(); ++i) {
        if (intents_[i].resource && !intents_[i].delete_accepted) {
            intents_[i].delete_wanted = true;
            ask({Kind::remove, i});
            return;
        }
    }
}

void Client::answered(std::uint64_t call, const std::function<void()>& take) {
    if (call != call_) return;  // it was given up
    asking_.reset();
    take();
}

void Client::note(const Error& error) {
    parts_.outputs.push_back(error.message);
    parts_.outputs.push_back(error.detail);
}

ProvisionRequest Client::request_of(const Intent& intent) const {
    ProvisionRequest request{"redis", slipway::Kind::cache, "redis",   intent.plan,
                             "gwp",   {{"team", "sim"}},    intent.key};
    request.expires_in = intent.expires_in;
    return request;
}

CallContext Client::context_of(const Intent& intent) {
    return CallContext{Caller{intent.organization, Role::user, fmt::format("client-{}", number_)}, intent.key};
}

Task<void> Client::perform(Process& process, Ask what, std::uint64_t call) {
    switch (what.kind) {
        case Kind::create: co_return co_await create(process, what.intent, call);
        case Kind::remove: co_return co_await remove(process, what.intent, call);
        case Kind::cancel: co_return co_await cancel(process, what.intent, call);
        case Kind::replay: co_return co_await replay(process, what.intent, call, false);
        case Kind::reuse: co_return co_await replay(process, what.intent, call, true);
        case Kind::tag: co_return co_await tag(process, what.intent, call);
        case Kind::extend: co_return co_await extend(process, what.intent, call);
        case Kind::list: co_return co_await list(process, call);
    }
}

Task<void> Client::create(Process& process, std::size_t index, std::uint64_t call) {
    auto accepted = co_await process.broker().provision(context_of(intents_[index]), request_of(intents_[index]));
    if (call != call_) co_return;
    Intent& intent = intents_[index];
    if (!accepted) {
        note(accepted.error());
        if (passing(accepted.error())) {
            parts_.world.at(kRetryAfter, kWorld, [this, call, index] {
                if (call == call_) ask({Kind::create, index});
            });
            co_return;
        }
        parts_.violations.push_back(fmt::format("{} was refused: {}", intent.key, accepted.error().message));
        answered(call, [&] { intent.settled = true; });
        co_return;
    }
    if (intent.resource && *intent.resource != accepted->resource.id) {
        parts_.violations.push_back(fmt::format("{} was answered with two resources", intent.key));
    }
    // From here on it is promised.
    intent.settled = true;
    intent.resource = accepted->resource.id;
    if (accepted->operation) intent.operation = accepted->operation->id;
    if (!accepted->operation) {
        answered(call, [&] { intent.ready_seen = true; });
        co_return;
    }
    auto ended = co_await process.broker().wait(accepted->operation->id, kSyncWait);
    answered(call, [&] {
        if (ended && std::holds_alternative<operation_state::Succeeded>(ended->state))
            intents_[index].ready_seen = true;
        if (!ended) note(ended.error());
    });
}

Task<void> Client::remove(Process& process, std::size_t index, std::uint64_t call) {
    auto accepted = co_await process.broker().deprovision(context_of(intents_[index]), *intents_[index].resource);
    if (call != call_) co_return;
    if (!accepted) {
        note(accepted.error());
        if (passing(accepted.error())) {
            parts_.world.at(kRetryAfter, kWorld, [this, call, index] {
                if (call == call_) ask({Kind::remove, index});
            });
            co_return;
        }
        // Not found after an answer that was lost: it is gone already.
        if (accepted.error().code != ErrorCode::not_found) {
            parts_.violations.push_back(fmt::format("a deletion was refused: {}", accepted.error().message));
        }
    }
    answered(call, [&] { intents_[index].delete_accepted = true; });
}

Task<void> Client::cancel(Process& process, std::size_t index, std::uint64_t call) {
    const Intent intent = intents_[index];
    if (!intent.operation) {
        answered(call, [] {});
        co_return;
    }
    // Even if the answer is lost, it may have been heard.
    intents_[index].cancel_accepted = true;
    auto cancelled = co_await process.broker().cancel(context_of(intent), *intent.operation, "changed my mind");
    answered(call, [&] {
        if (!cancelled) note(cancelled.error());
    });
}

Task<void> Client::replay(Process& process, std::size_t index, std::uint64_t call, bool other_plan) {
    const Intent intent = intents_[index];
    ProvisionRequest request = request_of(intent);
    if (other_plan) request.plan = request.plan == "plain" ? "pooled" : "plain";
    auto again = co_await process.broker().provision(context_of(intent), request);
    answered(call, [&] {
        if (!again) note(again.error());
        if (other_plan) {
            if (again || (again.error().code != ErrorCode::idempotency_reuse && !passing(again.error()))) {
                parts_.violations.push_back(fmt::format("{}: the key of another request was taken", intent.key));
            }
        } else if (again && again->resource.id != *intent.resource) {
            parts_.violations.push_back(fmt::format("{}: a repeated request made a second resource", intent.key));
        }
    });
}

Task<void> Client::tag(Process& process, std::size_t index, std::uint64_t call) {
    const Intent intent = intents_[index];
    auto tagged = co_await process.broker().tag(context_of(intent), *intent.resource, "colour", "blue");
    answered(call, [&] {
        if (!tagged) note(tagged.error());
    });
}

LifetimeWish Client::some_lifetime() { return parts_.world.between(kBriefest, kLongest); }

// Whether it was in time or not: what its end is then says the store.
Task<void> Client::extend(Process& process, std::size_t index, std::uint64_t call) {
    const Intent intent = intents_[index];
    UpdateRequest wanted;
    wanted.expires_in = parts_.world.chance(0.2) ? LifetimeWish(NeverExpires{}) : some_lifetime();
    auto changed = co_await process.broker().update(context_of(intent), *intent.resource, wanted);
    answered(call, [&] {
        if (!changed) return note(changed.error());
        const bool asked =
            std::holds_alternative<NeverExpires>(wanted.expires_in) != changed->resource.expiry.has_value();
        if (!asked) parts_.violations.push_back(fmt::format("{}: its end is not as was answered", intent.key));
    });
}

Task<void> Client::list(Process& process, std::uint64_t call) {
    const OrganizationId organization(fmt::format("org-{}", number_ % 2));
    auto page = co_await process.broker().list({Caller{organization, Role::user, "lister"}, "list"}, {}, {"", 200});
    answered(call, [&] {
        if (!page) return;
        for (const Resource& resource : page->items) {
            if (resource.organization != organization)
                parts_.violations.emplace_back("a list showed another's resource");
            parts_.outputs.push_back(resource.name + resource.health_detail);
        }
    });
}

}  // namespace slipway::sim
