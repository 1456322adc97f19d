// A few kept connections to one server: opening one costs more than most of what is asked through it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/task.h"
#include "providers/deadline.h"
#include "providers/sql/sql_types.h"

namespace slipway::databases {

struct PoolLimits {
    // At once; who comes later waits. A full PostgreSQL keeps as many for administrators.
    std::size_t sessions = 3;
    Duration idle = std::chrono::seconds(60);  // one that is not used for so long is closed
};

// Used from one executor only. May die before its leases.
template <class Session>
class SessionPool {
    struct State;
    // The right to have one session open.
    class Slot {
      public:
        explicit Slot(std::shared_ptr<State> state) : state_(std::move(state)) {}
        Slot(Slot&&) noexcept = default;
        Slot& operator=(Slot&&) = delete;
        ~Slot() {
            if (state_) state_->give_back();
        }
        State& state() const { return *state_; }

      private:
        std::shared_ptr<State> state_;
    };

  public:
    using Open = std::function<Task<sql::Answer<Session>>(Deadline)>;

    // A session of one's own until it dies; then the pool's again, unless it broke or was left in a transaction.
    class Lease {
      public:
        Lease(Slot slot, Session session, bool reused)
            : slot_(std::move(slot)), session_(std::move(session)), reused_(reused) {}
        Lease(Lease&& other) noexcept
            : slot_(std::move(other.slot_)),
              session_(std::exchange(other.session_, std::nullopt)),
              reused_(other.reused_) {}
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (session_ && session_->usable()) slot_.state().keep(std::move(*session_));
        }
        Session* operator->() { return &*session_; }
        Session& operator*() { return *session_; }
        // Whether it was open before, so that it may have broken since.
        [[nodiscard]] bool reused() const { return reused_; }
        // It is left in a state that nobody else should find.
        void discard() { session_.reset(); }

      private:
        Slot slot_;
        std::optional<Session> session_;
        bool reused_;
    };

    SessionPool(boost::asio::any_io_executor executor, PoolLimits limits, Open open)
        : state_(std::make_shared<State>(std::move(executor), limits)), open_(std::move(open)) {}

    // A new connection where `fresh`, else a kept one if there is any.
    Task<sql::Answer<Lease>> acquire(Deadline deadline, bool fresh = false) {
        const std::shared_ptr<State> state = state_;
        if (!co_await state->take(deadline)) {
            co_return sql::refuse(sql::Failure::too_many_connections,
                                  "too much is under way on the database server");
        }
        Slot slot(state);
        while (!state->idle.empty()) {
            Session kept = std::move(state->idle.back().session);
            state->idle.pop_back();
            if (!fresh && kept.usable()) co_return Lease(std::move(slot), std::move(kept), true);
        }
        sql::Answer<Session> opened = co_await open_(deadline);
        if (!opened) co_return std::unexpected(opened.error());
        co_return Lease(std::move(slot), std::move(*opened), false);
    }

    [[nodiscard]] std::size_t kept() const { return state_->idle.size(); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Waiter {
        explicit Waiter(boost::asio::steady_timer waiting) : timer(std::move(waiting)) {}
        boost::asio::steady_timer timer;
        bool granted = false;
    };
    struct Kept {
        Session session;
        Clock::time_point until;
    };

    struct State : std::enable_shared_from_this<State> {
        State(boost::asio::any_io_executor where, PoolLimits most)
            : executor(std::move(where)), limits(most), closer(executor) {}

        Task<bool> take(Deadline deadline) {
            if (taken < limits.sessions) {
                ++taken;
                co_return true;
            }
            const auto waiter = std::make_shared<Waiter>(boost::asio::steady_timer(executor, deadline.at()));
            waiters.push_back(waiter);
            co_await waiter->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            if (!waiter->granted) std::erase(waiters, waiter);
            co_return waiter->granted;
        }
        void give_back() {
            if (waiters.empty()) {
                --taken;
                return;
            }
            const std::shared_ptr<Waiter> next = waiters.front();
            waiters.pop_front();
            next->granted = true;
            next->timer.cancel();
        }
        void keep(Session session) {
            idle.push_back({std::move(session), Clock::now() + limits.idle});
            if (idle.size() == 1) close_later();
        }
        void close_later() {
            closer.expires_at(idle.front().until);
            closer.async_wait([weak = this->weak_from_this()](boost::system::error_code error) {
                const std::shared_ptr<State> state = weak.lock();
                if (error || !state) return;
                while (!state->idle.empty() && state->idle.front().until <= Clock::now()) state->idle.pop_front();
                if (!state->idle.empty()) state->close_later();
            });
        }

        boost::asio::any_io_executor executor;
        PoolLimits limits;
        std::size_t taken = 0;
        std::deque<Kept> idle;  // the longest unused first
        std::deque<std::shared_ptr<Waiter>> waiters;
        boost::asio::steady_timer closer;
    };

    std::shared_ptr<State> state_;
    Open open_;
};

}  // namespace slipway::databases
