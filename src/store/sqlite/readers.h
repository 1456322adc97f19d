// Read-only connections, one for each call that reads at the moment.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "store/sqlite/database.h"

namespace slipway::sqlite {

class Readers {
  public:
    Readers(Database::Open open, std::size_t limit) : open_(std::move(open)), limit_(limit) {
        open_.read_only = true;
    }

    // Runs `query(Database&)`, which returns a Result, on the calling thread. Thread-safe; waits where all
    // connections are in use.
    template <class Query>
    auto run(Query query) -> decltype(query(std::declval<Database&>())) {
        std::unique_ptr<Database> connection;
        try {
            connection = take();
            auto answer = query(*connection);
            give_back(std::move(connection));
            return answer;
        } catch (const SqlFailure& failure) {
            give_back(nullptr);  // a connection that failed is not used again
            return fail(to_error(failure));
        }
    }

  private:
    std::unique_ptr<Database> take();
    void give_back(std::unique_ptr<Database> connection);

    Database::Open open_;
    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::size_t in_use_ = 0;
    std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace slipway::sqlite
