#include "store/sqlite/recent_rows.h"

namespace slipway::sqlite {
namespace {

constexpr std::size_t kMaxKeys = 1024;

template <class Rows>
auto find_in(const Rows& rows, const std::string& id) -> typename Rows::mapped_type {
    const auto found = rows.find(id);
    return found != rows.end() ? found->second : nullptr;
}

}  // namespace

void ChangedRows::put(std::shared_ptr<const Resource> row) {
    const std::string& id = row->id.str();
    resources_.insert_or_assign(id, std::move(row));
}

void ChangedRows::put(std::shared_ptr<const Operation> row) {
    const std::string& id = row->id.str();
    operations_.insert_or_assign(id, std::move(row));
}

void ChangedRows::clear() {
    resources_.clear();
    operations_.clear();
    keys_ = false;
}

std::shared_ptr<const Resource> ChangedRows::resource(const ResourceId& id) const {
    return find_in(resources_, id.str());
}

std::shared_ptr<const Operation> ChangedRows::operation(const OperationId& id) const {
    return find_in(operations_, id.str());
}

template <class Row>
void RecentRows::Table<Row>::put(const std::string& id, std::shared_ptr<const Row> row, std::size_t capacity) {
    if (!rows.insert_or_assign(id, std::move(row)).second) return;
    order.push_back(id);
    if (order.size() <= capacity) return;
    rows.erase(order.front());
    order.pop_front();
}

template <class Row>
void RecentRows::Table<Row>::withdraw(const std::string& id) {
    if (const auto found = rows.find(id); found != rows.end()) found->second = nullptr;
}

template <class Row>
std::shared_ptr<const Row> RecentRows::Table<Row>::find(const std::string& id) const {
    return find_in(rows, id);
}

RecentRows::RecentRows(std::size_t capacity) : capacity_(capacity) {}

std::shared_ptr<const Resource> RecentRows::resource(const ResourceId& id) const {
    const std::scoped_lock lock(mutex_);
    return resources_.find(id.str());
}

std::shared_ptr<const Operation> RecentRows::operation(const OperationId& id) const {
    const std::scoped_lock lock(mutex_);
    return operations_.find(id.str());
}

void RecentRows::withdraw(const ChangedRows& changed) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, row] : changed.resources_) resources_.withdraw(id);
    for (const auto& [id, row] : changed.operations_) operations_.withdraw(id);
}

void RecentRows::publish(const ChangedRows& changed) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, row] : changed.resources_) resources_.put(id, row, capacity_);
    for (const auto& [id, row] : changed.operations_) operations_.put(id, row, capacity_);
    if (!changed.keys_) return;
    keys_.clear();
    ++key_generation_;
}

std::optional<ApiKey> RecentRows::api_key(const std::string& hash) const {
    const std::scoped_lock lock(mutex_);
    const auto found = keys_.find(hash);
    return found != keys_.end() ? std::optional(found->second) : std::nullopt;
}

std::uint64_t RecentRows::key_generation() const {
    const std::scoped_lock lock(mutex_);
    return key_generation_;
}

void RecentRows::keep(const ApiKey& key, std::uint64_t generation) {
    const std::scoped_lock lock(mutex_);
    if (generation != key_generation_) return;
    if (keys_.size() >= kMaxKeys) keys_.clear();
    keys_.insert_or_assign(key.hash, key);
}

}  // namespace slipway::sqlite
