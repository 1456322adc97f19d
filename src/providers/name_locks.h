// Calls for the same name wait for each other; calls for different names do not.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/steady_timer.hpp>

#include "base/task.h"
#include "providers/deadline.h"

namespace slipway {

// Used from one executor only. May die before its guards.
class NameLocks {
  public:
    class Guard {
      public:
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        Guard(Guard&& other) noexcept = default;
        Guard& operator=(Guard&& other) = delete;
        ~Guard() {
            if (table_) release(*table_, name_);
        }

      private:
        friend class NameLocks;
        struct Waiter {
            explicit Waiter(boost::asio::steady_timer waiting) : timer(std::move(waiting)) {}
            boost::asio::steady_timer timer;
            bool granted = false;
        };
        // An entry exists while the name is held; its queue holds who waits.
        using Table = std::unordered_map<std::string, std::deque<std::shared_ptr<Waiter>>>;
        Guard(std::shared_ptr<Table> table, std::string name) : table_(std::move(table)), name_(std::move(name)) {}
        static void release(Table& table, const std::string& name);

        std::shared_ptr<Table> table_;
        std::string name_;
    };

    // Empty where it was not free before the deadline.
    Task<std::optional<Guard>> acquire(std::string name, Deadline deadline);

  private:
    std::shared_ptr<Guard::Table> table_ = std::make_shared<Guard::Table>();
};

}  // namespace slipway
