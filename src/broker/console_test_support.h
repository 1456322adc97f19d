// For tests only: consoles that print what the test says, and time that passes where somebody waits.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/scheduler.h"
#include "domain/consoles.h"

namespace slipway::broker_test {

class ScriptedConsoles final : public Consoles {
  public:
    std::string printed = {};        // by every machine
    std::size_t most = 32UL * 1024;  // bytes of one answer
    std::uint64_t kept_from = 0;     // what is before is kept no longer
    std::optional<Error> error = {};
    std::vector<std::string> typed = {};  // "EXTERNAL NAME: TEXT"
    std::size_t reads = 0;
    std::function<void()> before_read = [] {};

    Task<Result<ConsoleOutput>> read(Resource, ConsoleFrom from, Duration) override {
        ++reads;
        before_read();
        if (error) co_return fail(*error);
        std::size_t at = printed.size() - std::min<std::size_t>(from.tail, printed.size());
        if (!from.after.empty()) at = std::stoull(from.after.substr(from.after.find('-') + 1));
        ConsoleOutput output;
        output.lost = at < kept_from;
        at = std::max<std::size_t>(at, kept_from);
        output.bytes = printed.substr(at, most);
        output.more = at + output.bytes.size() < printed.size();
        output.next = fmt::format("00000000000000aa-{}", at + output.bytes.size());
        co_return output;
    }
    Task<Status> type(Resource resource, Secret input, Duration) override {
        if (error) co_return fail(*error);
        typed.push_back(resource.external_name + ": " + input.reveal());
        co_return Status();
    }
};

// Every sleep is over at once, and takes its time.
class ManualScheduler final : public Scheduler {
  public:
    explicit ManualScheduler(ManualClock& clock) : clock_(clock) {}
    Task<void> sleep(Duration delay) override {
        slept.push_back(delay);
        if (on_sleep) on_sleep();
        clock_.advance(delay);
        co_return;
    }
    std::vector<Duration> slept;
    std::function<void()> on_sleep;  // somebody else's turn

  private:
    ManualClock& clock_;
};

}  // namespace slipway::broker_test
