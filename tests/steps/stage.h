// A stage on which one operation is played with exactly one thing going wrong: one process, one cloud, no chance.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/invariants.h"
#include "sim/process.h"

namespace slipway::sim {

// The one fault of a play.
struct Fault {
    enum class Kind : std::uint8_t { none, error, lost_answer, twice, crash };
    Kind kind = Kind::none;
    std::size_t at = 0;  // which call, or which commit, of the operation
    ErrorClass error = ErrorClass::transient;
    CrashPoint point = CrashPoint::before_call;
};
std::string describe(const Fault& fault);

class Stage {
  public:
    Stage(OperationKind kind, Uniqueness uniqueness, Fault fault);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Prepares what the operation needs, starts it, and runs until everything is quiet again.
    void play();

    std::size_t calls = 0;    // provider calls of the operation that were made
    std::size_t commits = 0;  // commits of the operation (the one that accepts it included)
    Duration recovery{};      // from the restart after a kill to the operation's end
    std::vector<std::string> violations;
    [[nodiscard]] std::vector<Operation> operations() const;  // of the played kind
    [[nodiscard]] const Resource* resource() const;
    [[nodiscard]] std::size_t things() const;

  private:
    void wire();
    bool crash(const std::string& label, CrashPoint point);
    Scripted script(const std::string& label, const Target& target);
    void request_resource(const std::string& plan);
    void start_operation();
    void ask(std::function<Task<bool>()> attempt);
    Task<bool> provision(std::string plan);
    Task<bool> deprovision();
    Task<bool> update();
    bool quiet_until(const std::function<bool()>& condition);
    [[nodiscard]] bool at_rest() const;
    [[nodiscard]] bool ready() const;

    OperationKind kind_;
    Fault fault_;
    bool counting_ = false;
    bool asked_ = false;
    int asking_ = 0;
    std::optional<TimePoint> restarted_;
    Duration offset_{};
    World world_{1};
    Disk disk_;
    Cloud cloud_;
    Catalog catalog_;
    RecordingSealer sealer_;
    Faults faults_;
    CrashTable crashes_;
    Surroundings around_;
    std::unique_ptr<Process> process_;
    Intent intent_;
};

}  // namespace slipway::sim
