#include "steps/stage.h"

#include <fmt/format.h>

#include "base/log.h"
#include "domain/draft.h"
#include "domain/resource_step.h"

namespace slipway::sim {
namespace {

Catalog catalog_of(std::uint32_t pool) {
    Plan plain;
    plain.engine = "redis";
    plain.name = "plain";
    plain.provider = "sim";
    Plan pooled = plain;
    pooled.name = "pooled";
    pooled.pool = pool;
    return Catalog({plain, pooled});
}

}  // namespace

std::string describe(const Fault& fault) {
    switch (fault.kind) {
        case Fault::Kind::none: return "no fault";
        case Fault::Kind::error: return fmt::format("call {} answered with {}", fault.at, to_string(fault.error));
        case Fault::Kind::lost_answer: return fmt::format("the answer of call {} lost", fault.at);
        case Fault::Kind::twice: return fmt::format("call {} made twice", fault.at);
        case Fault::Kind::crash: return fmt::format("killed {} {}", to_string(fault.point), fault.at);
    }
    return "?";
}

Stage::Stage(OperationKind kind, Uniqueness uniqueness, Fault fault)
    : kind_(kind),
      fault_(fault),
      disk_(world_, offset_, RetryPolicy{}, Mutant::none),
      cloud_(world_, uniqueness),
      catalog_(catalog_of(kind == OperationKind::claim ? 1 : 0)),
      around_{world_, disk_, cloud_, catalog_, sealer_, faults_, Mutant::none, crashes_, offset_} {
    around_.external_tags = true;
    around_.on_this_host = true;
    wire();
    cloud_.plant_foreign("oct-foreign0");
    log::capture([](std::string_view) {});  // thousands of expected failures
    process_ = std::make_unique<Process>(around_, 1);
}

Stage::~Stage() {
    process_.reset();
    log::capture(nullptr);
}

void Stage::wire() {
    around_.script = [this](const std::string& label, const Target& target, Verb) { return script(label, target); };
    around_.crash_script = [this](const std::string& label, CrashPoint point) { return crash(label, point); };
    around_.on_crash = [this](Owner) {
        process_->kill();
        asking_ = 0;
        world_.at(std::chrono::seconds(1), kWorld, [this] {
            restarted_ = world_.now();
            process_->start();
        });
    };
    disk_.on_notice = [this](const CommitNotice& notice) {
        world_.at(std::chrono::microseconds(200), kWorld, [this, notice] { process_->notice(notice); });
    };
    cloud_.on_stop = [this](const std::string& name) { process_->thing_changed(name); };
    cloud_.on_create = [this](const Target& target) {
        if (disk_.state().resource(target.resource) == nullptr) violations.emplace_back("made before its intent");
    };
}

Scripted Stage::script(const std::string& label, const Target& target) {
    Scripted scripted;
    if (!counting_ || !label.starts_with(to_string(kind_))) return scripted;
    const std::size_t now = calls++;
    if (fault_.kind == Fault::Kind::crash || now != fault_.at) return scripted;
    if (fault_.kind == Fault::Kind::error) {
        scripted.error = fault_.error;
        if (fault_.error == ErrorClass::permanent) cloud_.refused.insert(target.resource);
    }
    scripted.lost_answer = fault_.kind == Fault::Kind::lost_answer;
    scripted.twice = fault_.kind == Fault::Kind::twice;
    return scripted;
}

// Calls are counted by the script, which comes after "before call" and before "after call".
bool Stage::crash(const std::string& label, CrashPoint point) {
    if (!counting_) return false;
    const bool mine = label.starts_with(to_string(kind_)) || label == fmt::format("accept.{}", to_string(kind_));
    if (!mine) return false;
    const bool commit = point == CrashPoint::before_commit || point == CrashPoint::after_commit;
    std::size_t now = commit ? commits : calls;
    if (point == CrashPoint::after_call) now -= 1;
    if (point == CrashPoint::after_commit) commits += 1;
    if (fault_.kind != Fault::Kind::crash || fault_.point != point || now != fault_.at) return false;
    fault_.kind = Fault::Kind::none;  // once
    return true;
}

Task<bool> Stage::provision(std::string plan) {
    const CallContext context{Caller{OrganizationId("acme"), Role::user, "tester"}, "req"};
    ProvisionRequest request{"redis", Kind::cache, "redis", plan, "gwp", {}, "key-1"};
    const auto accepted = co_await process_->broker().provision(context, request);
    if (!accepted) co_return false;
    if (intent_.resource && *intent_.resource != accepted->resource.id) violations.emplace_back("two resources");
    intent_.resource = accepted->resource.id;
    co_return true;
}

Task<bool> Stage::deprovision() {
    const CallContext context{Caller{OrganizationId("acme"), Role::user, "tester"}, "req"};
    const auto accepted = co_await process_->broker().deprovision(context, *intent_.resource);
    const bool gone = !accepted && accepted.error().code == ErrorCode::not_found;
    if (accepted || gone) intent_.delete_wanted = intent_.delete_accepted = true;
    co_return accepted || gone;
}

// Updates have no use case yet: the operation is drafted like one.
Task<bool> Stage::update() {
    const auto found = co_await process_->store().resource(*intent_.resource);
    const TimePoint now = process_->clock().now();
    Operation operation = draft_operation(OperationKind::update, **found, {"tester", "req"}, now,
                                          std::chrono::minutes(15), world_.random());
    auto stepped = step(**found, {now, resource_event::UpdateRequested{operation.id}});
    if (!stepped) co_return true;  // an earlier attempt was heard
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
    const auto answer = co_await process_->store().commit(std::move(commit));
    co_return answer&& std::holds_alternative<Committed>(*answer);
}

// Asks until there is an answer, as a client does that is cut off.
void Stage::ask(std::function<Task<bool>()> attempt) {
    asked_ = false;
    const bool done = quiet_until([&] {
        if (asked_ || !process_->alive() || asking_ != 0) return asked_;
        asking_ = 1;
        process_->spawn([this, attempt]() -> Task<void> {
            if (co_await attempt()) asked_ = true;
            asking_ = 0;
        });
        return false;
    });
    if (!done) violations.emplace_back("a request was never answered");
}

void Stage::request_resource(const std::string& plan) {
    ask([this, plan] { return provision(plan); });
}

void Stage::start_operation() {
    switch (kind_) {
        case OperationKind::provision: return request_resource("plain");
        case OperationKind::claim: return request_resource("pooled");
        case OperationKind::deprovision: return ask([this] { return deprovision(); });
        case OperationKind::update: return ask([this] { return update(); });
        case OperationKind::repair: {
            Faults stop;
            stop.stop_thing = 1;
            cloud_.disturb(stop);
            return;
        }
    }
}

bool Stage::ready() const {
    return intent_.resource && std::holds_alternative<resource_state::Ready>(resource()->state) && at_rest();
}

void Stage::play() {
    process_->start();
    bool prepared = true;
    if (kind_ == OperationKind::claim) {
        prepared = quiet_until([this] {
            const auto levels = disk_.state().pool_levels();
            return !levels.empty() && levels[0].ready == 1;
        });
    } else if (kind_ != OperationKind::provision) {
        request_resource("plain");
        prepared = quiet_until([this] { return ready(); });
    }
    if (!prepared) violations.emplace_back("the stage could not be prepared");
    counting_ = true;
    intent_.key = "the request";
    intent_.organization = OrganizationId("acme");
    intent_.settled = true;
    start_operation();
    const bool ended = quiet_until([this] { return at_rest() && !operations().empty(); });
    if (!ended) violations.emplace_back("the operation never ended");
    if (restarted_) recovery = world_.now() - *restarted_;
    const TimePoint settled = world_.now() + std::chrono::seconds(100);  // passes of the reconciler included
    if (!quiet_until([&] { return world_.now() >= settled && at_rest(); }))
        violations.emplace_back("it never ended");
    check_invariants(Phase::served, {disk_.state(), cloud_, sealer_, {&intent_}, true}, violations);
}

bool Stage::quiet_until(const std::function<bool()>& condition) {
    const TimePoint limit = world_.now() + std::chrono::hours(1);
    while (world_.now() < limit) {
        if (condition()) return true;
        world_.step();
        process_->poll();
    }
    return false;
}

bool Stage::at_rest() const {
    OperationFilter open;
    open.only_open = true;
    return process_->alive() && disk_.state().operations(open, {"", 1}).items.empty();
}

std::vector<Operation> Stage::operations() const {
    OperationFilter filter;
    filter.kind = kind_;
    if (intent_.resource) filter.resource = intent_.resource;
    return disk_.state().operations(filter, {"", 100}).items;
}

const Resource* Stage::resource() const {
    return intent_.resource ? disk_.state().resource(*intent_.resource) : nullptr;
}

std::size_t Stage::things() const { return intent_.resource ? cloud_.things_of(*intent_.resource).size() : 0; }

}  // namespace slipway::sim
