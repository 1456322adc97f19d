#include "store/sqlite/writer.h"

#include <iterator>

#include <pthread.h>

#include "base/log.h"
#include "domain/overloaded.h"

namespace slipway::sqlite {
namespace {

// Times checkpoint_pages: the checkpointer is too slow or fails, so the writer does its work.
constexpr int kLongestLog = 8;

void fail_job(Writer::Job& job, const Error& error) {
    std::visit([&](auto& of) { of.done(fail(error)); }, job);
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::start(Settings settings) {
    std::unique_ptr<Writer> writer(new Writer(std::move(settings)));
    try {
        writer->session();
    } catch (const SqlFailure& failure) {
        return fail(to_error(failure));
    }
    writer->thread_ = std::thread([raw = writer.get()] { raw->work(); });
    ::pthread_setname_np(writer->thread_.native_handle(), "store-writer");
    return writer;
}

Writer::~Writer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

WriteSession& Writer::session() {
    if (!session_) {
        session_ = std::make_unique<WriteSession>(settings_.open, settings_.needs);
        publish_backlog();
    }
    return *session_;
}

void Writer::publish_backlog() {
    Backlog now = session_->backlog();
    const std::scoped_lock lock(backlog_mutex_);
    backlog_ = std::move(now);
}

Backlog Writer::backlog() const {
    const std::scoped_lock lock(backlog_mutex_);
    return backlog_;
}

void Writer::submit(Job job) {
    {
        std::unique_lock lock(mutex_);
        if (queue_.size() >= settings_.max_queue) {
            lock.unlock();
            fail_job(job, {ErrorCode::exhausted,
                           "the store has too much to write: try again",
                           fmt::format("{} commits have queued", settings_.max_queue),
                           {}});
            return;
        }
        queue_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void Writer::listen(std::function<void(const CommitNotice&)> listener) {
    const std::scoped_lock lock(listener_mutex_);
    listener_ = std::move(listener);
}

void Writer::tell(const CommitNotice& notice) {
    if (notice.resources.empty() && notice.operations.empty() && notice.last_event == 0) return;
    const std::scoped_lock lock(listener_mutex_);
    if (listener_) listener_(notice);
}

void Writer::work() {
    std::vector<Job> batch;
    while (true) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            const std::size_t count = std::min(queue_.size(), settings_.max_batch);
            const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
            batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
            queue_.erase(queue_.begin(), end);
        }
        jobs_ += batch.size();
        ++batches_;
        run(batch);
        batch.clear();
        keep_log_short();
    }
}

Writer::Answer Writer::answer(Job& job, CommitNotice& notice) {
    return std::visit(
        Overloaded{
            [&](CommitJob& of) { return Answer(session_->commit(of.work, notice)); },
            [&](LeaseJob& of) { return Answer(Result<LeaseAnswer>(session_->lease(of.request, notice))); },
        },
        job);
}

void Writer::run_together(std::span<Job> batch, std::vector<Answer>& answers, std::vector<CommitNotice>& notices) {
    const auto began = std::chrono::steady_clock::now();
    session().begin();
    for (std::size_t i = 0; i < batch.size(); ++i) answers.push_back(answer(batch[i], notices[i]));
    committing_ = true;
    session_->end();
    publish_backlog();
    if (!settings_.on_batch) return;
    settings_.on_batch(batch.size(),
                       std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began));
}

void Writer::run(std::span<Job> batch) {
    std::vector<Answer> answers;
    std::vector<CommitNotice> notices(batch.size());
    committing_ = false;
    try {
        run_together(batch, answers, notices);
    } catch (const SqlFailure& failure) {
        session_.reset();
        // One commit that the database refuses must not harm the others: each is tried alone. Where the disk is
        // at fault that would only fail as often.
        if (batch.size() > 1 && !failure.of_storage()) {
            log::warning("store", "a batch failed and is done again one by one", {{"why", failure.message}});
            for (Job& job : batch) run({&job, 1});
            return;
        }
        // After a failed fsync nobody can say whether the last frame is on disk. A full disk wrote none.
        return give_up(batch, failure, committing_ && failure.primary() != SQLITE_FULL);
    }
    for (const CommitNotice& notice : notices) tell(notice);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        std::visit(Overloaded{
                       [&](CommitJob& job) {
                           auto& answer = std::get<Result<CommitAnswer>>(answers[i]);
                           auto* committed = answer ? std::get_if<Committed>(&*answer) : nullptr;
                           if (committed != nullptr) collect(job.work, *committed);
                           job.done(std::move(answer));
                       },
                       [&](LeaseJob& job) { job.done(std::get<Result<LeaseAnswer>>(std::move(answers[i]))); },
                   },
                   batch[i]);
    }
}

// After the answers, so that nobody waits for it. While commits go on, the checkpointer alone never reaches the
// log's end, and only a log that was moved whole starts anew.
void Writer::keep_log_short() {
    if (!session_ || session_->log_pages() < settings_.checkpoint_pages) return;
    // Two cannot move it at once: what is far too long is waited for.
    if (session_->log_pages() > kLongestLog * settings_.checkpoint_pages) checkpointer_.await();
    if (!checkpointer_.take_finished()) return checkpointer_.request();
    session_->checkpoint();
}

void Writer::give_up(std::span<Job> batch, const SqlFailure& failure, bool outcome_unknown) {
    Error error = to_error(failure);
    if (outcome_unknown && error.code == ErrorCode::storage) error.message += " (outcome unknown)";
    log::error("store", error.message, {{"detail", error.detail}, {"commits", std::to_string(batch.size())}});
    for (Job& job : batch) fail_job(job, error);
}

}  // namespace slipway::sqlite
