// One run of ansible-playbook, from its files to its end. Blocks: for a thread of its own (providers/jobs.h).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "domain/operation_log.h"
#include "providers/jobs.h"
#include "providers/playbooks/playbook.h"

namespace slipway::playbooks {

enum class Outcome : std::uint8_t {
    done,
    failed,       // of itself
    unreachable,  // the machine was
    late,
    stopped,  // from outside, or it could not be begun
};
std::string_view to_string(Outcome outcome);

// Called with the end of every run, on the run's thread.
using OnPlayed = std::function<void(Outcome outcome, Duration took)>;

// Where it is, for who asks from another thread.
class Whereabouts {
  public:
    void set(std::string where) {
        const std::scoped_lock lock(mutex_);
        where_ = std::move(where);
    }
    [[nodiscard]] std::string get() const {
        const std::scoped_lock lock(mutex_);
        return where_;
    }

  private:
    mutable std::mutex mutex_;
    std::string where_;  // "task 3: install nginx"; "" before the first
};

struct Play {
    Programs programs;
    Playbook playbook;
    Machine machine;
    std::string fingerprint;  // of its host key
    Secret password;
    RunFiles files;
    std::shared_ptr<StepLog> log = {};  // null: none
    std::shared_ptr<Whereabouts> where = std::make_shared<Whereabouts>();
    OnPlayed on_played = {};
};
// Nothing of it runs any more, and nothing of its files is left, when this returns.
Finished play(JobSide& side, const Play& what);

}  // namespace slipway::playbooks
