#include <charconv>

#include "faces/native/requests.h"

namespace slipway::faces {
namespace {

// Reads a text from its front; after the first mismatch nothing fits any more.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    // Exactly so many digits, with a value of at most `most`.
    int number(std::size_t digits, int most) {
        int value = 0;
        if (rest_.size() < digits) return wrong();
        for (const char c : rest_.substr(0, digits)) {
            if (c < '0' || c > '9') return wrong();
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(digits);
        return value <= most ? value : wrong();
    }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) wrong();
    }
    // One to nine digits of a second, in microseconds.
    Duration fraction() {
        constexpr std::size_t kMost = 9;
        Duration micros{};
        Duration unit = std::chrono::milliseconds(100);
        std::size_t digits = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9' && digits <= kMost; ++digits) {
            micros += unit * (rest_.front() - '0');
            unit /= 10;
            rest_.remove_prefix(1);
        }
        if (digits == 0 || digits > kMost) wrong();
        return micros;
    }
    [[nodiscard]] bool fits_to_its_end() const { return good_ && rest_.empty(); }

  private:
    int wrong() {
        good_ = false;
        return 0;
    }
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace

std::optional<TimePoint> parse_time(std::string_view text) {
    constexpr int kLastYear = 2200;
    Reader reader(text);
    const int year = reader.number(4, kLastYear);
    reader.expect('-');
    const int month = reader.number(2, 12);
    reader.expect('-');
    const int day = reader.number(2, 31);
    if (!reader.take('T')) reader.expect('t');
    const int hour = reader.number(2, 23);
    reader.expect(':');
    const int minute = reader.number(2, 59);
    reader.expect(':');
    const int second = reader.number(2, 60);  // a leap second is the first of the next minute
    const Duration fraction = reader.take('.') ? reader.fraction() : Duration::zero();
    Duration offset{};
    if (!reader.take('Z') && !reader.take('z')) {
        const bool east = reader.take('+');
        if (!east) reader.expect('-');
        const int hours = reader.number(2, 23);
        reader.expect(':');
        const int minutes = reader.number(2, 59);
        offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
        if (!east) offset = -offset;
    }
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!reader.fits_to_its_end() || !date.ok() || year < 1970) return std::nullopt;
    const TimePoint time = TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                           std::chrono::minutes(minute) + std::chrono::seconds(second) + fraction - offset;
    // An offset may lead out of the years that were checked, and what is answered must be readable again.
    constexpr TimePoint kEnd{std::chrono::sys_days(std::chrono::year(kLastYear + 1) / 1 / 1)};
    if (time < TimePoint() || time >= kEnd) return std::nullopt;
    return time;
}

}  // namespace slipway::faces
