// The logs of operations, as files (decision 19):
//
//   DIR/OPERATION/OFFSET.log    0600: lines, "TIME TEXT"; OFFSET: where in the whole log the first of them begins
//
// A log is cut into parts at line ends. The first part and the last ones are kept; those between are removed as the
// log grows, so that it begins with what was meant to happen and ends with what did.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "domain/operation_log.h"

namespace slipway::store {

struct LogBounds {
    std::uint64_t part = 256UL * 1024;           // bytes
    std::size_t last_parts = 3;                  // kept besides the first
    std::size_t line = 4096;                     // bytes
    Duration age = std::chrono::hours(24 * 30);  // since the last line; older logs are removed
};

class LogFiles final : public OperationLogs {
  public:
    // The clock outlives it and whatever it has opened. The directory is made with the first log.
    LogFiles(std::filesystem::path directory, const Clock& clock, LogBounds bounds = {});
    ~LogFiles() override;

    std::shared_ptr<StepLog> open(const OperationId& operation, std::vector<Secret> secrets) override;
    [[nodiscard]] Result<LogPart> read(const OperationId& operation, std::uint64_t offset,
                                       std::size_t most) const override;
    Status remove(const OperationId& operation) override;
    // Removes what is too old, and answers how many that were. Errors: storage.
    Result<std::size_t> remove_old();

  private:
    class File;
    class Writer;

    std::shared_ptr<File> file_of(const OperationId& operation);

    std::filesystem::path directory_;
    const Clock& clock_;
    LogBounds bounds_;
    std::mutex mutex_;
    std::map<OperationId, std::weak_ptr<File>> files_;  // under the mutex
};

}  // namespace slipway::store
