#include "broker/console_operations.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/access.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr Duration kBudget = std::chrono::seconds(5);          // of one call of the provider
constexpr std::size_t kMostRead = 256UL * 1024;                // bytes of one answer, about
constexpr Duration kLookSoon = std::chrono::milliseconds(15);  // for more of it: at first, and while somebody types
constexpr Duration kLookLater = std::chrono::milliseconds(150);
constexpr Duration kEcho = std::chrono::seconds(3);     // after what was typed something is expected
constexpr Duration kOneUse = std::chrono::minutes(10);  // who types again within it was never away

// One of those who wait.
class Waiting {
  public:
    explicit Waiting(std::atomic<std::size_t>& count) : count_(count), before_(count.fetch_add(1)) {}
    ~Waiting() { count_.fetch_sub(1); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    [[nodiscard]] std::size_t before() const { return before_; }

  private:
    std::atomic<std::size_t>& count_;
    std::size_t before_;
};

}  // namespace

Task<Result<Resource>> ConsoleOperations::find_machine(const CallContext& context, const ResourceId& id) const {
    auto found = co_await parts_.broker.find(context, id);
    if (!found) co_return fail(found.error());
    if (!may_change(context.caller, *found)) co_return fail(only_reading());
    if (std::holds_alternative<resource_state::Gone>(found->state)) co_return no_such_resource();
    if (found->kind != Kind::machine) {
        co_return fail(ErrorCode::conflict, fmt::format("{} is no machine: it has no console", found->name));
    }
    co_return found;
}

Task<Result<ConsoleOutput>> ConsoleOperations::read_now(const Resource& machine, ConsoleFrom from) const {
    auto all = co_await parts_.consoles.read(machine, std::move(from), kBudget);
    while (all && all->more && all->bytes.size() < kMostRead) {
        auto more = co_await parts_.consoles.read(machine, {all->next, 0}, kBudget);
        if (!more) co_return fail(more.error());
        // Whoever comes for that place is told of the gap.
        if (more->bytes.empty() || more->lost) break;
        all->bytes += more->bytes;
        all->next = std::move(more->next);
        all->more = more->more;
    }
    co_return all;
}

Task<Result<ConsoleOutput>> ConsoleOperations::await(const Resource& machine, ConsoleOutput seen,
                                                     TimePoint until) const {
    Duration pause = kLookSoon;
    for (;;) {
        const TimePoint now = parts_.clock.now();
        if (!seen.bytes.empty() || seen.lost || now >= until || ending_) co_return seen;
        co_await parts_.scheduler.sleep(std::min(until - now, pause));
        pause = is_typed_at(machine.id, now) ? kLookSoon : std::min(pause * 2, kLookLater);
        auto next = co_await read_now(machine, {seen.next, 0});
        if (!next) co_return next;
        seen = std::move(*next);
    }
}

Task<Result<ConsoleOutput>> ConsoleOperations::read(CallContext context, ResourceId id, ConsoleFrom from,
                                                    Duration wait) const {
    const auto machine = co_await find_machine(context, id);
    if (!machine) co_return fail(machine.error());
    auto seen = co_await read_now(*machine, std::move(from));
    if (!seen || wait <= Duration::zero()) co_return seen;
    const Waiting waiting(waiting_);
    if (waiting.before() >= most_waiting_) {
        co_return fail(ErrorCode::exhausted, "too many wait for what consoles print; try again later");
    }
    co_return co_await await(*machine, std::move(*seen), parts_.clock.now() + wait);
}

bool ConsoleOperations::begins(const std::string& actor, const ResourceId& machine, TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    std::erase_if(uses_, [&](const auto& each) { return now - each.second.typed_at > kOneUse; });
    const auto used = uses_.find(machine);
    if (used == uses_.end()) return true;
    const auto typed = used->second.by_actor.find(actor);
    return typed == used->second.by_actor.end() || now - typed->second > kOneUse;
}

void ConsoleOperations::note(const std::string& actor, const ResourceId& machine, TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    Use& use = uses_[machine];
    use.typed_at = now;
    use.by_actor[actor] = now;
}

bool ConsoleOperations::is_typed_at(const ResourceId& machine, TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    const auto found = uses_.find(machine);
    return found != uses_.end() && now - found->second.typed_at < kEcho;
}

Task<Status> ConsoleOperations::type(CallContext context, ResourceId id, Secret input) const {
    const auto machine = co_await find_machine(context, id);
    if (!machine) co_return fail(machine.error());
    if (input.empty()) co_return fail(ErrorCode::invalid_argument, "nothing was typed");
    if (input.reveal().size() > kMostTyped) {
        co_return fail(ErrorCode::too_large, fmt::format("at most {} bytes are typed at once", kMostTyped));
    }
    const TimePoint now = parts_.clock.now();
    if (begins(context.caller.actor, machine->id, now)) {
        Commit commit;
        commit.events.push_back(draft_event(*machine, context.cause(), now, "resource.console_opened",
                                            fmt::format("somebody types at the console of {}", machine->name)));
        if (const auto noted = co_await parts_.store.commit(std::move(commit)); !noted) {
            co_return fail(noted.error());
        }
    }
    note(context.caller.actor, machine->id, now);
    co_return co_await parts_.consoles.type(*machine, std::move(input), kBudget);
}

}  // namespace slipway
