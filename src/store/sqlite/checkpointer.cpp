#include "store/sqlite/checkpointer.h"

#include <fmt/format.h>
#include <pthread.h>

#include "base/log.h"

namespace slipway::sqlite {

int checkpoint_now(Database& database) {
    return sqlite3_wal_checkpoint_v2(database.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

Checkpointer::~Checkpointer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Checkpointer::request() {
    if (state_ != State::idle) return;
    {
        const std::scoped_lock lock(mutex_);
        state_ = State::requested;
    }
    if (thread_.joinable()) return wake_.notify_one();
    thread_ = std::thread([this] { work(); });
    ::pthread_setname_np(thread_.native_handle(), "store-log");
}

bool Checkpointer::take_finished() {
    State finished = State::finished;
    return state_.compare_exchange_strong(finished, State::idle);
}

void Checkpointer::await() { state_.wait(State::requested); }

void Checkpointer::work() {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || state_ == State::requested; });
            if (stopping_) return;
        }
        checkpoint();
        state_ = State::finished;
        state_.notify_all();
    }
}

// A connection of its own each time: one that failed is not used again, and to open one is nothing beside the work.
void Checkpointer::checkpoint() {
    try {
        Database database(open_);
        database.execute("SELECT 1 FROM sqlite_schema LIMIT 1");  // else it does not know that there is a log
        const int code = checkpoint_now(database);
        if (code == SQLITE_OK || code == SQLITE_BUSY) return;
        throw SqlFailure{code, sqlite3_errmsg(database.handle())};
    } catch (const SqlFailure& failure) {
        log::warning("store", "the log cannot be moved into the database now; it grows until it can",
                     {{"detail", fmt::format("SQLite {}: {}", failure.code, failure.message)}});
    }
}

}  // namespace slipway::sqlite
