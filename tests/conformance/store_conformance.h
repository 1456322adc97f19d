// What every Store must do, written once and run against each of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/start_test_support.h"
#include "base/temporary_directory_test_support.h"
#include "store/store.h"

namespace slipway::conformance {

using namespace std::chrono_literals;

// Runs a task to its end on an executor of its own.
template <class T>
T run(Task<T> task) {
    boost::asio::io_context context;
    std::optional<T> result;
    start(context, into(result, std::move(task)));
    context.run();
    return std::move(result).value();
}

// A store and what it lives on. Lease tokens come from SeededRandom(1).
class Backend {
  public:
    virtual ~Backend() = default;
    virtual Store& store() = 0;
};
struct BackendFactory {
    std::string name;
    std::function<std::unique_ptr<Backend>(const Clock&)> make;
};
inline void PrintTo(const BackendFactory& factory, std::ostream* out) { *out << factory.name; }
BackendFactory memory_backend();
BackendFactory sqlite_backend();

inline const TimePoint kStart = from_micros(1'700'000'000'000'000);

// Examples. `number` makes ids in order of age.
ResourceId resource_id(int number);
OperationId operation_id(int number);
Resource sample_resource(int number, std::string organization = "acme");
Operation sample_operation(int number, const Resource& resource, TimePoint run_at = kStart);
inline constexpr int kSampleAddresses = 6;
inline std::string sample_address(int number) { return "10.77.0." + std::to_string(number); }
EventDraft sample_event(const Resource& resource, std::string type = "resource.requested");
Commit accept(const Resource& resource, const Operation& operation);

// Everything that can be seen through the interface, as text that can be compared.
std::string dump(Store& store);

inline const OrganizationId kAcme("acme");

// A commit of one write.
inline Commit writing(Write write) {
    Commit commit;
    commit.writes.push_back(std::move(write));
    return commit;
}

class StoreConformance : public ::testing::TestWithParam<BackendFactory> {
  protected:
    void SetUp() override { backend = GetParam().make(clock); }
    Store& store() { return backend->store(); }

    // The commit must be taken.
    Committed must(Commit commit);
    // The commit must be rejected, and leave no trace.
    Rejected refused(Commit commit);
    // The commit must be no commit at all.
    Error invalid(Commit commit);
    Resource put(Resource resource);
    Operation put(Operation operation, std::optional<std::uint64_t> fence = std::nullopt);
    Resource stored(const ResourceId& id);
    Operation stored(const OperationId& id);
    LeaseAnswer lease(std::uint32_t capacity = 100, std::string host = "host-1");
    LeaseAnswer lease(LeaseRequest request);

    ManualClock clock{kStart};
    std::unique_ptr<Backend> backend;
};

}  // namespace slipway::conformance
