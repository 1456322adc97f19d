#include "providers/jobs.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

namespace slipway {
namespace {

using std::chrono::steady_clock;

std::string megabytes(std::uint64_t bytes) {
    constexpr std::uint64_t kMegabyte = 1'000'000;
    if (bytes < kMegabyte) return fmt::format("{} kB", (bytes + 999) / 1000);
    return fmt::format("{} MB", (bytes + kMegabyte / 2) / kMegabyte);
}

}  // namespace

struct Jobs::Job {
    Work work;
    JobSide side;
    steady_clock::time_point since = steady_clock::now();
    std::mutex mutex;
    std::optional<Finished> finished;  // under the mutex
    std::thread thread;

    bool running() const { return thread.joinable(); }
    std::optional<Finished> end() {
        const std::scoped_lock lock(mutex);
        return finished;
    }
};

Jobs::~Jobs() {
    for (const auto& [name, job] : jobs_) job->side.stop.raise();
    for (const auto& [name, job] : jobs_) {
        if (job->thread.joinable()) job->thread.join();
    }
}

bool Jobs::start(const std::string& name, std::uint64_t expected, Work work) {
    if (jobs_.contains(name)) return false;
    const auto job = std::make_shared<Job>();
    job->work = std::move(work);
    job->side.of = expected;
    jobs_.emplace(name, job);
    waiting_.push_back(name);
    go_on();
    return true;
}

// As many as may run at once; a thread that cannot be made is a job that failed for now.
void Jobs::go_on() {
    const auto running = std::ranges::count_if(
        jobs_, [](const auto& each) { return each.second->running() && !each.second->end(); });
    std::size_t free = at_once_ - std::min<std::size_t>(at_once_, static_cast<std::size_t>(running));
    for (; free > 0 && !waiting_.empty(); --free) {
        const std::shared_ptr<Job> job = jobs_.at(waiting_.front());
        waiting_.pop_front();
        job->since = steady_clock::now();
        try {
            job->thread = std::thread([job] {
                Finished finished;
                try {
                    finished = job->work(job->side);
                } catch (const std::exception& thrown) {
                    finished = {Finished::How::not_now, "the machine is short of something", thrown.what()};
                }
                const std::scoped_lock lock(job->mutex);
                job->finished = std::move(finished);
            });
        } catch (const std::exception& thrown) {
            const std::scoped_lock lock(job->mutex);
            job->finished = Finished{Finished::How::not_now, "the machine is short of something", thrown.what()};
        }
    }
}

std::optional<JobView> Jobs::look(const std::string& name) {
    go_on();
    const auto found = jobs_.find(name);
    if (found == jobs_.end()) return std::nullopt;
    Job& job = *found->second;
    JobView view;
    view.finished = job.end();
    view.running = job.running() && !view.finished;
    view.done = job.side.done;
    view.of = job.side.of;
    view.age = std::chrono::duration_cast<Duration>(steady_clock::now() - job.since);
    const auto place = std::ranges::find(waiting_, name);
    if (place != waiting_.end()) view.before = static_cast<std::size_t>(place - waiting_.begin());
    return view;
}

bool Jobs::drop(const std::string& name) {
    const auto found = jobs_.find(name);
    if (found == jobs_.end()) return true;
    const std::shared_ptr<Job> job = found->second;
    job->side.stop.raise();
    if (job->running() && !job->end()) return false;
    // It has said how it ended: it is through with everything but its very last steps.
    if (job->thread.joinable()) job->thread.join();
    std::erase(waiting_, name);
    jobs_.erase(found);
    go_on();
    return true;
}

std::string words_of(const JobView& view, std::string_view verb) {
    if (!view.running && !view.finished) return fmt::format("waiting for its turn ({} before it)", view.before);
    if (view.of == 0) return fmt::format("{}: {}", verb, megabytes(view.done));
    return fmt::format("{}: {} of about {}", verb, megabytes(view.done), megabytes(std::max(view.of, view.done)));
}

Duration look_again(const JobView& view) {
    const Duration soonest = std::chrono::milliseconds(50);
    const Duration latest = std::chrono::seconds(5);
    return std::clamp(view.age / 4, soonest, latest);
}

}  // namespace slipway
