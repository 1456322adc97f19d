// Bounded waits for operations: whoever waits is woken by the commit that ends the operation, wherever it ran.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "domain/ids.h"

namespace slipway {

// Thread-safe. Waits end by notify() or by tick(); somebody has to call tick() now and then.
class Waiters {
  public:
    // Enters before the state is read, so that a change between reading and waiting is not missed.
    class Ticket {
      public:
        // Completes with true once the operation changed since the ticket was made, with false at the deadline.
        // Awaited at most once at a time.
        Task<bool> changed(TimePoint deadline);
        ~Ticket();
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;

      private:
        friend class Waiters;
        struct Entry;
        Ticket(Waiters& owner, std::shared_ptr<Entry> entry);
        Waiters& owner_;
        std::shared_ptr<Entry> entry_;
    };

    Waiters();
    ~Waiters();
    std::unique_ptr<Ticket> enter(const OperationId& operation);
    void notify(const std::vector<OperationId>& operations);
    // Ends the waits whose deadline has passed.
    void tick(TimePoint now);
    // Destroys every waiting coroutine. For the end of a process, before its executors go: a wait owns its
    // coroutine.
    void abandon();
    [[nodiscard]] std::size_t size() const;

  private:
    void leave(const std::shared_ptr<Ticket::Entry>& entry);

    mutable std::mutex mutex_;
    std::unordered_multimap<OperationId, std::shared_ptr<Ticket::Entry>> entries_;
};

}  // namespace slipway
