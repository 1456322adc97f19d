#include "http/io_thread.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "http/connection.h"

namespace slipway::http {
namespace {

// A deadline is noticed up to one period late: a quarter of the shortest is close enough, and twice a second is
// cheap even with ten thousand connections to look through.
std::chrono::milliseconds watch_period(const ServerOptions& options) {
    const Duration shortest = std::min({options.header_timeout, options.body_timeout, options.write_timeout,
                                        options.idle_timeout, options.linger_timeout});
    const auto quarter = std::chrono::duration_cast<std::chrono::milliseconds>(shortest / 4);
    return std::clamp(quarter, std::chrono::milliseconds(2), std::chrono::milliseconds(500));
}

// RFC 9110 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT
std::string http_date(TimePoint time) {
    static constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days.at(std::chrono::weekday(day).c_encoding()),
                       static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
}

}  // namespace

IoThread::IoThread(Core& core, std::string id_prefix)
    : core_(core), period_(watch_period(core.options)), id_prefix_(std::move(id_prefix)) {}

IoThread::~IoThread() { stop_and_join(); }

void IoThread::start() {
    arm_watchdog();
    thread_ = std::thread([this] { run(); });
}

void IoThread::stop_and_join() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

void IoThread::run() {
    for (;;) {
        try {
            context_.run();
            return;
        } catch (const std::exception& error) {
            // Other work spawned here may throw; the connections of this thread must outlive that.
            log::error("http", "work on a server thread ended with an exception", {{"what", error.what()}});
        } catch (...) {
            log::error("http", "work on a server thread ended with an unknown exception");
        }
    }
}

void IoThread::arm_watchdog() {
    watchdog_.expires_after(period_);
    watchdog_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        const SteadyTime now = std::chrono::steady_clock::now();
        for (Connection* connection : connections_) connection->watch(now);
        arm_watchdog();
    });
}

void IoThread::begin_stop() {
    for (Connection* connection : connections_) connection->begin_stop();
}

void IoThread::cut() {
    for (Connection* connection : connections_) connection->cut();
}

std::string_view IoThread::date() {
    const TimePoint now = core_.clock.now();
    if (now - date_second_ >= std::chrono::seconds(1) || now < date_second_ || date_.empty()) {
        date_second_ = std::chrono::floor<std::chrono::seconds>(now);
        date_ = http_date(now);
    }
    return date_;
}

std::string IoThread::next_request_id() { return fmt::format("{}-{:x}", id_prefix_, ++ids_); }

}  // namespace slipway::http
