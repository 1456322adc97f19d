#include "store/sqlite/readers.h"

namespace slipway::sqlite {
namespace {
constexpr std::size_t kMaxStatements = 256;
}

std::unique_ptr<Database> Readers::take() {
    {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [&] { return in_use_ < limit_; });
        ++in_use_;
        if (!idle_.empty()) {
            std::unique_ptr<Database> connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
    }
    auto connection = std::make_unique<Database>(open_);
    connection->execute("PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY");
    return connection;
}

void Readers::give_back(std::unique_ptr<Database> connection) {
    {
        const std::scoped_lock lock(mutex_);
        --in_use_;
        // Filters come in many shapes, each with a statement of its own: start anew before they are too many.
        if (connection && connection->statements() < kMaxStatements) idle_.push_back(std::move(connection));
    }
    freed_.notify_one();
}

}  // namespace slipway::sqlite
