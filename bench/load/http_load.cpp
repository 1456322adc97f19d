#include "load/http_load.h"

#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/answer_reader.h"
#include "load/connect.h"
#include "load/descriptor.h"
#include "load/usage.h"

namespace slipway::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr Nanoseconds kNoAnswer = std::chrono::seconds(30);
constexpr std::size_t kShownBytes = 300;

class Run {
  public:
    explicit Run(const HttpLoad& load) : load_(load), poll_(::epoll_create1(EPOLL_CLOEXEC)) {}

    Result<HttpFigures> run();

  private:
    struct Connection {
        Descriptor socket;
        std::string received;
        std::size_t used = 0;
        Time began;
        bool busy = false;
    };

    Status connect_all();
    Status ask(std::size_t which, Time due);
    Status read(std::size_t which);
    Status answered(std::size_t which, const Answer& answer);
    Status refused(const Answer& answer, std::string_view bytes) const;
    Status start_due();
    Status wait();
    [[nodiscard]] bool may_ask() const;
    [[nodiscard]] Time next_due() const;
    void write_request();
    void begin_counting_when_warm();

    const HttpLoad& load_;
    Descriptor poll_;
    std::vector<Connection> connections_;
    std::vector<std::size_t> idle_;
    std::string request_;
    HttpFigures figures_;
    std::uint64_t asked_ = 0;
    std::size_t under_way_ = 0;
    Time start_;
    Time counted_from_;
    Time end_;
    Time now_;
    Time last_answer_;
    Time last_counted_;
    double cpu_before_ = 0;
    bool counting_ = false;
};

Status Run::connect_all() {
    for (std::size_t i = 0; i < load_.connections; ++i) {
        auto socket = connect_to(load_.port);
        if (!socket) return fail(socket.error());
        Connection connection;
        connection.socket = std::move(*socket);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) {
            return fail(ErrorCode::unavailable, fmt::format("epoll: {}", std::strerror(errno)));
        }
        connection.received.resize(16UL * 1024);
        connections_.push_back(std::move(connection));
        idle_.push_back(i);
    }
    return {};
}

void Run::write_request() {
    const std::string& path = load_.paths[(load_.first_path + asked_) % load_.paths.size()];
    std::string body = load_.body;
    if (const std::size_t at = body.find("{n}"); at != std::string::npos) {
        body.replace(at, 3, std::to_string(asked_));
    }
    request_.clear();
    fmt::format_to(std::back_inserter(request_), "{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", load_.method, path,
                   load_.port);
    for (const std::string& header : load_.headers) request_.append(header).append("\r\n");
    if (!body.empty()) {
        fmt::format_to(std::back_inserter(request_), "Content-Type: application/json\r\nContent-Length: {}\r\n",
                       body.size());
    }
    request_.append("\r\n").append(body);
}

// A request of this size fits into an empty socket buffer, and there is one at a time.
Status Run::ask(std::size_t which, Time due) {
    Connection& connection = connections_[which];
    write_request();
    asked_ += 1;
    connection.began = due;
    connection.busy = true;
    under_way_ += 1;
    const ssize_t sent = ::send(connection.socket.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(request_.size())) return {};
    return fail(ErrorCode::unavailable, fmt::format("sending: {}", std::strerror(errno)));
}

Status Run::refused(const Answer& answer, std::string_view bytes) const {
    const std::string_view body = bytes.substr(answer.head, std::min(answer.body, kShownBytes));
    return fail(ErrorCode::provider_failure,
                fmt::format("{} {} was answered {}: {}", load_.method, load_.paths.front(), answer.status, body));
}

Status Run::answered(std::size_t which, const Answer& answer) {
    Connection& connection = connections_[which];
    const std::string_view bytes(connection.received.data(), connection.used);
    if (std::ranges::find(load_.expected, answer.status) == load_.expected.end()) return refused(answer, bytes);
    if (bytes.size() != answer.head + answer.body) {
        return fail(ErrorCode::malformed, "more came than one answer");
    }
    if (answer.closes) return fail(ErrorCode::unavailable, "the server closes its connections");
    connection.used = 0;
    connection.busy = false;
    under_way_ -= 1;
    last_answer_ = now_;
    if (load_.keep_locations) figures_.locations.push_back(answer.location);
    if (counting_ && connection.began >= counted_from_) figures_.latencies.add(now_ - connection.began);
    if (counting_ && now_ <= end_) {
        figures_.answered += 1;
        last_counted_ = now_;
        const auto second = static_cast<std::size_t>(seconds_of(now_ - counted_from_));
        if (figures_.by_second.size() <= second) figures_.by_second.resize(second + 1);
        figures_.by_second[second] += 1;
    }
    idle_.push_back(which);
    return {};
}

Status Run::read(std::size_t which) {
    Connection& connection = connections_[which];
    std::string& buffer = connection.received;
    if (connection.used == buffer.size()) buffer.resize(buffer.size() * 2);
    const ssize_t got =
        ::recv(connection.socket.get(), buffer.data() + connection.used, buffer.size() - connection.used, 0);
    if (got <= 0) {
        return fail(ErrorCode::unavailable,
                    got == 0 ? "the server hung up" : fmt::format("receiving: {}", std::strerror(errno)));
    }
    connection.used += static_cast<std::size_t>(got);
    if (!connection.busy) return fail(ErrorCode::malformed, "an answer that nobody asked for");
    auto answer = read_answer({buffer.data(), connection.used}, load_.keep_locations);
    if (!answer) return fail(answer.error());
    return *answer ? answered(which, **answer) : Status();
}

bool Run::may_ask() const { return now_ < end_ && (load_.requests == 0 || asked_ < load_.requests); }

// When the next request falls due.
Time Run::next_due() const {
    if (load_.rate <= 0) return now_;
    return start_ + Nanoseconds(static_cast<Nanoseconds::rep>(static_cast<double>(asked_) / load_.rate * 1e9));
}

Status Run::start_due() {
    while (!idle_.empty() && may_ask() && next_due() <= now_) {
        const std::size_t which = idle_.back();
        idle_.pop_back();
        if (Status sent = ask(which, next_due()); !sent) return sent;
    }
    return {};
}

void Run::begin_counting_when_warm() {
    if (counting_ || now_ < counted_from_) return;
    counting_ = true;
    cpu_before_ = used_cpu_seconds();
}

Status Run::wait() {
    std::array<epoll_event, 256> events{};
    const Nanoseconds longest = std::chrono::milliseconds(200);
    Nanoseconds pause = longest;
    if (load_.rate > 0 && !idle_.empty())
        pause = std::clamp(Nanoseconds(next_due() - now_), Nanoseconds(0), longest);
    const timespec limit{pause.count() / 1'000'000'000, pause.count() % 1'000'000'000};
    const int ready = ::epoll_pwait2(poll_.get(), events.data(), static_cast<int>(events.size()), &limit, nullptr);
    if (ready < 0 && errno != EINTR) return fail(ErrorCode::unavailable, std::strerror(errno));
    now_ = Clock::now();
    begin_counting_when_warm();
    for (int i = 0; i < ready; ++i) {
        if (i > 0) now_ = Clock::now();
        if (Status done = read(events[static_cast<std::size_t>(i)].data.u64); !done) return done;
        if (load_.rate <= 0) {
            if (Status sent = start_due(); !sent) return sent;
        }
    }
    if (under_way_ > 0 && now_ - last_answer_ > kNoAnswer)
        return fail(ErrorCode::timeout, "no answer for 30 seconds");
    return {};
}

Result<HttpFigures> Run::run() {
    if (Status connected = connect_all(); !connected) return fail(connected.error());
    start_ = now_ = last_answer_ = last_counted_ = Clock::now();
    counted_from_ = start_ + load_.warm_up;
    end_ = counted_from_ + load_.duration;
    begin_counting_when_warm();
    while (may_ask() || under_way_ > 0) {
        if (Status started = start_due(); !started) return fail(started.error());
        if (Status waited = wait(); !waited) return fail(waited.error());
    }
    // Where the number of requests ended it, the time is up to the last answer.
    const Time until = load_.requests != 0 && asked_ == load_.requests ? last_counted_ : end_;
    figures_.seconds = seconds_of(until - counted_from_);
    const auto due = static_cast<std::uint64_t>(load_.rate * seconds_of(end_ - start_));
    if (load_.requests == 0 && due > asked_) figures_.overdue = due - asked_;
    const double wall = seconds_of(now_ - counted_from_);
    figures_.generator_cpu = wall > 0 ? (used_cpu_seconds() - cpu_before_) / wall : 0;
    return std::move(figures_);
}

}  // namespace

json::object HttpFigures::to_json() const {
    json::object out;
    out["answered"] = answered;
    out["seconds"] = seconds;
    out["per_second"] = seconds > 0 ? static_cast<double>(answered) / seconds : 0.0;
    out["latency_us"] = latencies.microseconds();
    json::array seconds_of_it;
    for (const std::uint64_t each : by_second) seconds_of_it.emplace_back(each);
    out["by_second"] = std::move(seconds_of_it);
    out["overdue"] = overdue;
    out["generator_cpu"] = generator_cpu;
    return out;
}

Result<HttpFigures> run_http_load(const HttpLoad& load) { return Run(load).run(); }

}  // namespace slipway::bench
