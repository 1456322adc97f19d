// What the steps of an operation tell while they run, kept for whoever asked for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "domain/ids.h"

namespace slipway {

// Where a step tells what it does. Thread-safe, and quick. What cannot be kept is lost: a step never fails by it.
class StepLog {
  public:
    virtual ~StepLog() = default;
    // One line. Control characters are taken out of it, and so are the secrets of what the operation is about.
    virtual void write(std::string_view line) = 0;
};

// Whole lines of a log.
struct LogPart {
    std::string text = {};
    std::uint64_t next = 0;  // the offset to go on from
};

// Thread-safe.
class OperationLogs {
  public:
    virtual ~OperationLogs() = default;
    // Nothing is made before the first line is written.
    virtual std::shared_ptr<StepLog> open(const OperationId& operation, std::vector<Secret> secrets) = 0;
    // From this offset on, at most about `most` bytes, which are more than a line. An offset is one that was
    // answered before, or 0; offsets stay what they are when the middle of a log is dropped, and the text says how
    // much was. Nothing was ever written: empty. Errors: storage.
    [[nodiscard]] virtual Result<LogPart> read(const OperationId& operation, std::uint64_t offset,
                                               std::size_t most) const = 0;
    // Errors: storage.
    virtual Status remove(const OperationId& operation) = 0;
};

}  // namespace slipway
