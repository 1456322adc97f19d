// Rows as they are on disk, in memory: those that were written a short while ago, which is what callers poll and
// workers lease. Only the writer puts rows in, so that they are never older than the database; it withdraws what a
// transaction changes before its COMMIT and puts it back, as it is now, after that. A row that is not here is read
// from the database, where a reader sees either side of the COMMIT and never goes back.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace slipway::sqlite {

// What a transaction has written so far: the newest form of each row.
class ChangedRows {
  public:
    void put(std::shared_ptr<const Resource> row);
    void put(std::shared_ptr<const Operation> row);
    void put_key() { keys_ = true; }
    void clear();
    // Null: it has not written this row.
    [[nodiscard]] std::shared_ptr<const Resource> resource(const ResourceId& id) const;
    [[nodiscard]] std::shared_ptr<const Operation> operation(const OperationId& id) const;

  private:
    friend class RecentRows;
    std::unordered_map<std::string, std::shared_ptr<const Resource>> resources_;
    std::unordered_map<std::string, std::shared_ptr<const Operation>> operations_;
    bool keys_ = false;
};

// Thread-safe; the rows are immutable.
class RecentRows {
  public:
    // At most `capacity` resources and as many operations, the oldest going first; of API keys at most 1024.
    explicit RecentRows(std::size_t capacity);

    // Null: ask the database.
    [[nodiscard]] std::shared_ptr<const Resource> resource(const ResourceId& id) const;
    [[nodiscard]] std::shared_ptr<const Operation> operation(const OperationId& id) const;

    // The writer's, around its COMMIT.
    void withdraw(const ChangedRows& changed);
    void publish(const ChangedRows& changed);

    // API keys are put in by who reads them: what was read before another transaction changed any is not kept.
    [[nodiscard]] std::optional<ApiKey> api_key(const std::string& hash) const;
    [[nodiscard]] std::uint64_t key_generation() const;  // ask before reading the database
    void keep(const ApiKey& key, std::uint64_t generation);

  private:
    template <class Row>
    struct Table {
        std::unordered_map<std::string, std::shared_ptr<const Row>> rows;  // null: withdrawn
        std::deque<std::string> order;
        void put(const std::string& id, std::shared_ptr<const Row> row, std::size_t capacity);
        void withdraw(const std::string& id);
        [[nodiscard]] std::shared_ptr<const Row> find(const std::string& id) const;
    };

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    Table<Resource> resources_;
    Table<Operation> operations_;
    std::unordered_map<std::string, ApiKey> keys_;  // by hash
    std::uint64_t key_generation_ = 0;
};

}  // namespace slipway::sqlite
