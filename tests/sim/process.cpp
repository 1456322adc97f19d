#include "sim/process.h"

#include <fmt/format.h>

#include "base/digest.h"

namespace slipway::sim {

namespace asio = boost::asio;
namespace fx = operation_effect;

Sealed RecordingSealer::seal(const Secret& secret, std::string_view context) {
    plaintexts_.push_back(secret.reveal());
    return Sealed{std::string(context), fmt::format("sealed-{}", plaintexts_.size() - 1)};
}

Result<Secret> RecordingSealer::open(const Sealed& sealed, std::string_view context) const {
    if (sealed.key_id != context) return fail(ErrorCode::internal, "sealed for another place");
    return Secret(plaintexts_.at(std::stoul(sealed.ciphertext.substr(7))));
}

std::string RecordingSealer::mac(const Secret& secret, std::string_view context) const {
    return sha256(std::string(context) + '\n' + secret.reveal());
}

namespace {

// Steps that few histories come to are killed more often when they do, so that every pair is hit.
double weight(const std::string& label) {
    if (label == "repair.restart.undo") return 400.0;
    if (label.ends_with(".undo")) return 80.0;
    if (label == "provision.verify") return 3.0;
    if (label == "lease" || label.starts_with("provision") || label == "deprovision.remove") return 1.0;
    if (label == "resource" || label == "accept.provision" || label == "accept.deprovision") return 2.0;
    return label == "cancel" ? 150.0 : 8.0;
}

// The mutant that repeats a creation without looking first.
OperationStepped without_observing(OperationStepped stepped) {
    const Operation& operation = stepped.operation;
    if (operation.direction == Direction::undo || operation.cursor >= operation.steps.size()) return stepped;
    if (operation.steps[operation.cursor].kind != StepKind::create) return stepped;
    for (OperationEffect& effect : stepped.effects) {
        if (auto* call = std::get_if<fx::CallProvider>(&effect)) call->verb = Verb::create;
    }
    return stepped;
}

// The mutant that says of everything to be undone that it is gone already.
OperationStepped without_undoing(OperationStepped stepped, TimePoint at, const RetryPolicy& policy) {
    while (stepped.operation.direction == Direction::undo && !is_terminal(stepped.operation.state) &&
           !stepped.effects.empty() && std::holds_alternative<fx::CallProvider>(stepped.effects.back())) {
        stepped.effects.pop_back();
        auto next =
            step(stepped.operation, {at, operation_event::Answered{Verb::remove, Observation{}, 0}}, policy);
        if (!next) break;
        for (OperationEffect& effect : next->effects) stepped.effects.push_back(std::move(effect));
        stepped.operation = std::move(next->operation);
        stepped.persist = true;
    }
    return stepped;
}

}  // namespace

Process::Process(Surroundings& around, Owner owner) : around_(around), owner_(owner) {}
Process::~Process() {
    if (alive()) kill();
}

Engine::Machine Process::machine() const {
    return [mutant = around_.mutant](const Operation& operation, const OperationEvent& event,
                                     const RetryPolicy& policy) -> std::expected<OperationStepped, Refusal> {
        auto stepped = step(operation, event, policy);
        if (!stepped) return stepped;
        if (mutant == Mutant::skip_observe) return without_observing(std::move(*stepped));
        if (mutant == Mutant::undo_skipped) return without_undoing(std::move(*stepped), event.at, policy);
        return stepped;
    };
}

// The process dies at this very point: what called this never goes on.
bool Process::crash_here(const std::string& label, CrashPoint point) {
    if (dying_) return true;
    const bool scripted = around_.crash_script && around_.crash_script(label, point);
    if (!scripted && (!around_.faults.active || !around_.world.chance(around_.faults.crash * weight(label))))
        return false;
    around_.crashes[{label, point}] += 1;
    dying_ = true;
    around_.world.at({}, kWorld, [this] { around_.on_crash(owner_); });
    return true;
}

void Process::start() {
    World& world = around_.world;
    dying_ = false;
    context_ = std::make_unique<asio::io_context>(1);
    clock_ = std::make_unique<SimClock>(world, around_.clock_offset);
    scheduler_ = std::make_unique<SimScheduler>(world, owner_);
    const auto crash = [this](const std::string& label, CrashPoint point) { return crash_here(label, point); };
    store_ = std::make_unique<SimStore>(world, around_.disk, owner_, crash);
    if (around_.mutant == Mutant::create_before_intent) {
        store_->before_commit = [this](const Commit& commit) { create_early(commit); };
    }
    const auto label = [this](const Target& target, Verb verb) {
        const Operation* operation = around_.disk.state().operation(OperationId(target.token));
        return operation == nullptr ? fmt::format("look.{}", to_string(verb)) : label_of(*operation);
    };
    port_ = std::make_unique<CloudPort>(CloudPort::Parts{world, around_.cloud, around_.faults, around_.mutant,
                                                         owner_, crash, label, around_.external_tags,
                                                         around_.on_this_host, around_.script});
    registry_ = std::make_unique<ProviderRegistry>();
    registry_->add(*port_);
    calls_ = std::make_unique<ProviderCalls>(*registry_, around_.sealer, InstallationId("sim"));
    // A host of its own for each process: what it leaves when it dies is found by its next life, or by the others
    // when the leases run out.
    const HostId host(fmt::format("host-{}", owner_));
    BrokerOptions broker_options;
    broker_options.host = host;
    broker_ = std::make_unique<Broker>(
        Broker::Parts{*store_, around_.catalog, *registry_, around_.sealer, *clock_, world.random()},
        broker_options);
    PoolOptions pool_options;
    pool_options.host = host;
    pools_ = std::make_unique<PoolKeeper>(
        PoolKeeper::Parts{*store_, around_.catalog, *registry_, around_.sealer, *clock_, world.random()},
        pool_options);
    ReconcilerOptions reconciler_options;
    reconciler_options.host = host;
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Parts{*store_, *calls_, *clock_, *scheduler_, world.random()}, reconciler_options);
    sweeper_ = std::make_unique<Sweeper>(Sweeper::Parts{*store_, *calls_, *clock_});
    rotations_ = std::make_unique<RotationKeeper>(RotationKeeper::Parts{*store_, *clock_, world.random()});
    expiries_ = std::make_unique<ExpiryKeeper>(ExpiryKeeper::Parts{*store_, *clock_, world.random()});
    EngineOptions engine_options;
    engine_options.host = host;
    engine_ =
        Engine::make({*store_, *calls_, *clock_, *scheduler_, world.random(), context_->get_executor(), machine()},
                     engine_options);
    background_ = Background::make({*pools_, *reconciler_, *sweeper_, *rotations_, *expiries_, *registry_, *clock_,
                                    *scheduler_, context_->get_executor()},
                                   BackgroundOptions{});
    engine_->start();
    background_->start();
    spawn([this] { return ticks(); });
}

// The mutant that makes the thing first and writes down afterwards what it was made for.
void Process::create_early(const Commit& commit) {
    for (const Write& write : commit.writes) {
        const auto* put = std::get_if<write::PutResource>(&write);
        if (put == nullptr || put->resource.version != 0) continue;
        const Target target{InstallationId("sim"),
                            put->resource.id,
                            put->resource.external_name,
                            1,
                            active_operation(put->resource.state).str(),
                            {}};
        static_cast<void>(around_.cloud.create(target, Spec{}, {}));
    }
}

Task<void> Process::ticks() {
    for (;;) {
        co_await scheduler_->sleep(std::chrono::milliseconds(250));
        broker_->tick();
    }
}

// Like SIGKILL: nothing of it runs any more. Its coroutines are destroyed where they stand, before what they refer
// to.
void Process::kill() {
    broker_->abandon_waits();
    around_.world.drop(owner_);
    engine_.reset();
    background_.reset();
    context_.reset();
}

void Process::poll() {
    if (!alive()) return;
    context_->restart();
    context_->poll();
}

void Process::spawn(std::function<Task<void>()> make) {
    asio::co_spawn(context_->get_executor(), std::move(make), asio::detached);
}

void Process::notice(const CommitNotice& notice) {
    if (!alive()) return;
    broker_->on_commit(notice);
    background_->hint_pools();
    if (notice.work) engine_->wake();
    if (notice.expiry_due) background_->hint_expiry(*notice.expiry_due);
}

void Process::thing_changed(const std::string& name) {
    if (alive()) port_->changed(name);
}

}  // namespace slipway::sim
