// Moves the write-ahead log into the database file beside the writer, so that commits do not wait for it. The
// writer moves only what was added meanwhile, between two batches: then the log starts anew.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "store/sqlite/database.h"

namespace slipway::sqlite {

class Checkpointer {
  public:
    explicit Checkpointer(Database::Open open) : open_(std::move(open)) {}
    ~Checkpointer();  // ends what is under way
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    // Of the writer's thread, as all below. Starts one, unless one is under way or awaits `take_finished`. The
    // thread and its connection are made by the first call.
    void request();
    // True once after each that ended, well or not: what is left in the log is little.
    bool take_finished();
    // Blocks until none is under way. Then take_finished() answers for it.
    void await();

  private:
    enum class State { idle, requested, finished };
    void work();
    void checkpoint();

    const Database::Open open_;
    std::atomic<State> state_ = State::idle;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

// Moves what no reader needs in the log, without waiting for anybody. Returns SQLite's code.
int checkpoint_now(Database& database);

}  // namespace slipway::sqlite
