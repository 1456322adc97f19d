// Work that takes longer than one call: each on a thread of its own, so many at once, the others in the order in
// which they came. What runs is known in memory only; whoever starts anew begins it anew.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/child.h"
#include "base/clock.h"

namespace slipway {

// How a job ended.
struct Finished {
    enum class How : std::uint8_t {
        well,
        not_now,  // the same may work later
        never,
    };
    How how = How::well;
    std::string why = {};     // public
    std::string detail = {};  // private; no secret, nothing of a tenant's data
};

// A job as its own thread sees it.
class JobSide {
  public:
    StopSign stop;
    std::atomic<std::uint64_t> done = 0;  // bytes
    std::atomic<std::uint64_t> of = 0;    // about so many; 0: nobody knows
};

struct JobView {
    bool running = false;              // else it waits for its turn
    std::optional<Finished> finished;  // then nothing of it runs any more
    std::uint64_t done = 0;
    std::uint64_t of = 0;
    Duration age{};
    std::size_t before = 0;  // of those that wait
};

// Used from one executor only; never blocks it, but for the end: its destructor stops what runs and waits for it.
class Jobs {
  public:
    using Work = std::function<Finished(JobSide& side)>;
    explicit Jobs(std::size_t at_once) : at_once_(at_once) {}
    ~Jobs();
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    // False where one of this name is there already.
    bool start(const std::string& name, std::uint64_t expected, Work work);
    [[nodiscard]] std::optional<JobView> look(const std::string& name);
    // Stops it. True once nothing of it is left; until then it is to be called again.
    bool drop(const std::string& name);

  private:
    struct Job;
    void go_on();

    std::size_t at_once_;
    std::map<std::string, std::shared_ptr<Job>> jobs_;
    std::deque<std::string> waiting_;
};

// "12 MB of about 40 MB"; "waiting for its turn (2 before it)"
std::string words_of(const JobView& view, std::string_view verb);
// When to look again: soon at first.
Duration look_again(const JobView& view);

}  // namespace slipway
