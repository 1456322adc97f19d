// One broker process of a history: the real use cases, engine, pools, reconciler and sweeper over simulated ports.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "broker/broker.h"
#include "ops/background.h"
#include "ops/engine.h"
#include "sim/cloud_port.h"
#include "sim/storage.h"

namespace slipway::sim {

// Hides what it seals, remembers every plaintext, so that a history can look for them in everything it put out.
class RecordingSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override;
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override;
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override;
    [[nodiscard]] const std::vector<std::string>& plaintexts() const { return plaintexts_; }

  private:
    std::vector<std::string> plaintexts_;
};

// What all processes of a history share.
struct Surroundings {
    World& world;
    Disk& disk;
    Cloud& cloud;
    Catalog& catalog;
    RecordingSealer& sealer;
    Faults& faults;
    Mutant mutant = Mutant::none;
    CrashTable& crashes;
    const Duration& clock_offset;
    bool external_tags = false;
    bool on_this_host = false;
    std::function<void(Owner)> on_crash = {};
    // Tests that script a history instead of drawing it: what happens to calls, and where the process dies.
    CloudPort::Script script = {};
    std::function<bool(const std::string& label, CrashPoint point)> crash_script = {};
};

class Process {
  public:
    Process(Surroundings& around, Owner owner);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void start();
    void kill();
    [[nodiscard]] bool alive() const { return context_ != nullptr; }
    [[nodiscard]] Owner owner() const { return owner_; }
    Broker& broker() { return *broker_; }
    Sweeper& sweeper() { return *sweeper_; }
    Store& store() { return *store_; }
    [[nodiscard]] const Clock& clock() const { return *clock_; }
    // Runs everything that is ready now.
    void poll();
    void spawn(std::function<Task<void>()> make);
    void notice(const CommitNotice& notice);
    void thing_changed(const std::string& name);
    [[nodiscard]] const EngineCounters& counters() const { return engine_->counters(); }

  private:
    bool crash_here(const std::string& label, CrashPoint point);
    Engine::Machine machine() const;
    void create_early(const Commit& commit);
    Task<void> ticks();

    Surroundings& around_;
    Owner owner_;
    std::unique_ptr<boost::asio::io_context> context_;
    std::unique_ptr<SimClock> clock_;
    std::unique_ptr<SimScheduler> scheduler_;
    std::unique_ptr<SimStore> store_;
    std::unique_ptr<CloudPort> port_;
    std::unique_ptr<ProviderRegistry> registry_;
    std::unique_ptr<ProviderCalls> calls_;
    std::unique_ptr<Broker> broker_;
    std::unique_ptr<PoolKeeper> pools_;
    std::unique_ptr<Reconciler> reconciler_;
    std::unique_ptr<Sweeper> sweeper_;
    std::unique_ptr<RotationKeeper> rotations_;
    std::unique_ptr<ExpiryKeeper> expiries_;
    std::shared_ptr<Engine> engine_;
    std::shared_ptr<Background> background_;
    bool dying_ = false;
};

}  // namespace slipway::sim
