// The one thread that writes. It takes whatever has queued, runs it in one transaction and answers when that is
// on disk: many callers share one fsync (group commit).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "store/sqlite/write_session.h"

namespace slipway::sqlite {

class Writer {
  public:
    struct Settings {
        Database::Open open;
        std::size_t max_queue = 0;
        std::size_t max_batch = 0;
        int checkpoint_pages = 0;  // of the log, before it is moved into the database
        WriteSession::Needs needs;
        std::function<void(std::size_t commits, Duration took)> on_batch = {};
    };
    // Called once, on the writer's thread; must return at once.
    using CommitDone = std::move_only_function<void(Result<CommitAnswer>)>;
    using LeaseDone = std::move_only_function<void(Result<LeaseAnswer>)>;
    struct CommitJob {
        PreparedCommit work;
        CommitDone done;
    };
    struct LeaseJob {
        LeaseRequest request;
        LeaseDone done;
    };
    using Job = std::variant<CommitJob, LeaseJob>;

    // Opens its connection at once, so that a database that cannot be used is known at start.
    static Result<std::unique_ptr<Writer>> start(Settings settings);
    ~Writer();  // works off what has queued, then stops
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Thread-safe. Answers ErrorCode::exhausted at once, on this thread, where the queue is full.
    void submit(Job job);
    void listen(std::function<void(const CommitNotice&)> listener);
    // After the last transaction that was committed. Thread-safe.
    [[nodiscard]] Backlog backlog() const;
    [[nodiscard]] std::uint64_t jobs() const { return jobs_; }
    [[nodiscard]] std::uint64_t batches() const { return batches_; }

  private:
    using Answer = std::variant<Result<CommitAnswer>, Result<LeaseAnswer>>;
    explicit Writer(Settings settings) : settings_(std::move(settings)), checkpointer_(settings_.open) {}
    void work();
    void run(std::span<Job> batch);
    void run_together(std::span<Job> batch, std::vector<Answer>& answers, std::vector<CommitNotice>& notices);
    void keep_log_short();
    void give_up(std::span<Job> batch, const SqlFailure& failure, bool outcome_unknown);
    Answer answer(Job& job, CommitNotice& notice);
    void tell(const CommitNotice& notice);
    void publish_backlog();
    WriteSession& session();

    const Settings settings_;
    std::unique_ptr<WriteSession> session_;  // of the writer's thread; null after a failure
    Checkpointer checkpointer_;
    bool committing_ = false;  // whether the batch had reached its COMMIT
    std::atomic<std::uint64_t> jobs_ = 0;
    std::atomic<std::uint64_t> batches_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> queue_;
    bool stopping_ = false;
    mutable std::mutex backlog_mutex_;
    Backlog backlog_;
    std::mutex listener_mutex_;
    std::function<void(const CommitNotice&)> listener_;
    std::thread thread_;
};

}  // namespace slipway::sqlite
