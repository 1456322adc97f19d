#include "load/mix.h"

#include <algorithm>
#include <deque>
#include <random>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "load/answer_reader.h"
#include "load/connect.h"
#include "load/usage.h"

namespace slipway::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr Nanoseconds kNoAnswer = std::chrono::seconds(30);
constexpr Nanoseconds kLongestPause = std::chrono::milliseconds(200);
constexpr std::size_t kShownBytes = 200;
constexpr std::size_t kExamples = 20;

std::string id_in(const json::object& from, std::string_view member) {
    const auto* const found = from.if_contains(member);
    return found != nullptr && found->is_object() ? json::get_string(found->get_object(), "id") : std::string();
}

class Mix {
  public:
    explicit Mix(const MixLoad& load) : load_(load), poll_(::epoll_create1(EPOLL_CLOEXEC)), random_(load.seed) {}

    Result<MixFigures> run();

  private:
    struct Request {
        MixKind kind = MixKind::create;
        std::size_t item = 0;
        bool of_delete = false;  // poll_operation: which of the item's two
    };
    struct Connection {
        Descriptor socket;
        std::string received;
        Request request;
        Time began;  // what its latency counts from
        Time sent;
        Time idle_since;
        bool busy = false;
        bool timed = false;
    };

    Status open(std::size_t which);
    Status reopen(std::size_t which, std::string_view why);
    Status ask(Time due, bool timed);
    Status start_due();
    Status read(std::size_t which);
    Status wait();
    Status give_up_on_silent();

    Request choose();
    std::size_t any(const std::vector<std::size_t>& of) { return of[random_() % of.size()]; }
    Request create_new();
    std::string text_of(const Request& request) const;
    std::string path_of(const Request& request) const;

    void answered(Connection& connection, const Answer& answer);
    void learn(const Request& request, int status, std::string_view body);
    void learn_created(const Request& request, std::string_view body);
    void fault(std::string text);
    std::string describe(const Request& request) const;

    [[nodiscard]] bool clock_runs() const { return timed_ && now_ < start_ + load_.duration; }
    [[nodiscard]] Time next_due() const {
        return start_ + Nanoseconds(static_cast<Nanoseconds::rep>(static_cast<double>(asked_) / load_.rate * 1e9));
    }

    const MixLoad& load_;
    Descriptor poll_;
    std::mt19937_64 random_;
    std::vector<Connection> connections_;
    std::deque<std::size_t> idle_;      // the longest idle first, so that every connection is used
    std::vector<std::size_t> known_;    // items whose create was answered
    std::vector<std::size_t> live_;     // those of them that nobody asked to delete
    std::vector<std::size_t> deleted_;  // those whose delete was answered
    MixFigures figures_;
    std::uint64_t asked_ = 0;  // by the clock
    std::size_t under_way_ = 0;
    Time start_;
    Time now_;
    bool timed_ = false;  // the clock was started
};

Status Mix::open(std::size_t which) {
    auto socket = connect_to(load_.port);
    if (!socket) return fail(socket.error());
    Connection& connection = connections_[which];
    connection.socket = std::move(*socket);
    connection.received.clear();
    connection.busy = false;
    connection.idle_since = Clock::now();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = which;
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) {
        return fail(ErrorCode::unavailable, fmt::format("epoll: {}", std::strerror(errno)));
    }
    return {};
}

// A connection that the server should have kept.
Status Mix::reopen(std::size_t which, std::string_view why) {
    Connection& connection = connections_[which];
    if (connection.busy) {
        figures_.unanswered += 1;
        under_way_ -= 1;
        idle_.push_back(which);
        fault(fmt::format("{} was not answered: {}", describe(connection.request), why));
    } else {
        fault(fmt::format("an idle connection was lost: {}", why));
    }
    return open(which);
}

void Mix::fault(std::string text) {
    figures_.faults += 1;
    if (figures_.examples.size() < kExamples) figures_.examples.push_back(std::move(text));
}

std::string Mix::path_of(const Request& request) const {
    const MixItem& item = figures_.items[request.item];
    switch (request.kind) {
        case MixKind::create:
        case MixKind::repeat: return "/api/v1/resources";
        case MixKind::poll_operation: return "/api/v1/operations/" + (request.of_delete ? item.erase : item.create);
        case MixKind::poll_resource:
        case MixKind::erase:
        case MixKind::erase_again: return "/api/v1/resources/" + item.resource;
    }
    return {};
}

std::string Mix::describe(const Request& request) const {
    return fmt::format("{} ({}, number {})", to_string(request.kind), path_of(request), request.item);
}

std::string Mix::text_of(const Request& request) const {
    std::string_view method = "GET";
    std::string rest = "\r\n";
    if (request.kind == MixKind::create || request.kind == MixKind::repeat) {
        method = "POST";
        const std::string name = fmt::format("{}{}", load_.prefix, request.item);
        const std::string body = fmt::format(
            R"({{"engine":"redis","plan":"small","billing_code":"load","labels":{{"load":"{}"}}}})", name);
        rest = fmt::format("Idempotency-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                           name, body.size(), body);
    } else if (request.kind == MixKind::erase || request.kind == MixKind::erase_again) {
        method = "DELETE";
    }
    return fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{}", method,
                       path_of(request), load_.port, load_.key, rest);
}

Mix::Request Mix::create_new() {
    const std::size_t number = figures_.items.size();
    figures_.items.push_back({.number = number, .resource = {}, .create = {}, .erase = {}});
    return {.kind = MixKind::create, .item = number, .of_delete = false};
}

Mix::Request Mix::choose() {
    const auto roll = static_cast<unsigned>(random_() % 100);
    if (known_.empty() || roll < load_.creates_percent) return create_new();
    const unsigned deletes_to = load_.creates_percent + load_.deletes_percent;
    if (roll < deletes_to) {
        // One in ten deletes again what is deleted already: that has to be harmless.
        if (!deleted_.empty() && random_() % 10 == 0) {
            return {.kind = MixKind::erase_again, .item = any(deleted_), .of_delete = false};
        }
        if (!live_.empty()) {
            std::size_t& place = live_[random_() % live_.size()];
            const std::size_t item = std::exchange(place, live_.back());
            live_.pop_back();
            return {.kind = MixKind::erase, .item = item, .of_delete = false};
        }
    }
    const std::size_t item = any(known_);
    if (roll >= deletes_to && roll < deletes_to + load_.repeats_percent) {
        return {.kind = MixKind::repeat, .item = item, .of_delete = false};
    }
    if (random_() % 2 == 0) return {.kind = MixKind::poll_resource, .item = item, .of_delete = false};
    const bool of_delete = !figures_.items[item].erase.empty() && random_() % 2 == 0;
    return {.kind = MixKind::poll_operation, .item = item, .of_delete = of_delete};
}

// A request of this size fits into an empty socket buffer, and there is one at a time on each connection.
Status Mix::ask(Time due, bool timed) {
    const std::size_t which = idle_.front();
    idle_.pop_front();
    Connection& connection = connections_[which];
    connection.request = timed ? choose() : create_new();
    connection.timed = timed;
    connection.busy = true;
    under_way_ += 1;
    const std::string text = text_of(connection.request);
    connection.sent = Clock::now();
    // Where no connection was free when it fell due, the server kept it waiting; else it was we who had no
    // processor, which says nothing about the server and is counted by itself.
    connection.began = connection.idle_since > due ? due : connection.sent;
    if (timed) figures_.late.add(connection.sent - due);
    const ssize_t sent = ::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(text.size())) return {};
    return reopen(which, sent < 0 ? std::strerror(errno) : "its bytes were not taken");
}

void Mix::learn_created(const Request& request, std::string_view body) {
    MixItem& item = figures_.items[request.item];
    const auto parsed = json::parse(body);
    std::string resource;
    std::string operation;
    if (parsed && parsed->is_object()) {
        resource = id_in(parsed->get_object(), "resource");
        operation = id_in(parsed->get_object(), "operation");
    }
    if (resource.empty() || operation.empty()) {
        return fault(fmt::format("{} was answered without ids", describe(request)));
    }
    if (request.kind == MixKind::repeat) {
        if (resource != item.resource || operation != item.create) {
            fault(fmt::format("{}: the key made {} and then {}", describe(request), item.resource, resource));
        }
        return;
    }
    item.resource = std::move(resource);
    item.create = std::move(operation);
    known_.push_back(request.item);
    live_.push_back(request.item);
}

void Mix::learn(const Request& request, int status, std::string_view body) {
    MixItem& item = figures_.items[request.item];
    switch (request.kind) {
        case MixKind::create:
        case MixKind::repeat: return learn_created(request, body);
        case MixKind::erase: {
            const auto parsed = json::parse(body);
            if (parsed && parsed->is_object()) item.erase = json::get_string(parsed->get_object(), "id");
            if (item.erase.empty()) {
                return fault(fmt::format("{} was answered without an id", describe(request)));
            }
            deleted_.push_back(request.item);
            return;
        }
        case MixKind::poll_operation:
        case MixKind::poll_resource: {
            // Somebody else's answer would be the worst of all.
            const std::string path = path_of(request);
            const std::string own = fmt::format(R"("id":"{}")", path.substr(path.rfind('/') + 1));
            if (!body.contains(own)) fault(fmt::format("{} was answered with another's", describe(request)));
            return;
        }
        case MixKind::erase_again:
            if (status != 404 && !body.contains(fmt::format(R"("id":"{}")", item.erase))) {
                fault(fmt::format("{} was answered with another operation", describe(request)));
            }
            return;
    }
}

void Mix::answered(Connection& connection, const Answer& answer) {
    const Request& request = connection.request;
    const std::string_view body = std::string_view(connection.received).substr(answer.head);
    figures_.statuses[static_cast<std::size_t>(request.kind)][answer.status] += 1;
    if (!promised(request.kind, answer.status)) {
        fault(fmt::format("{} was answered {}: {}", describe(request), answer.status, body.substr(0, kShownBytes)));
    } else {
        learn(request, answer.status, body.substr(0, answer.body));
    }
    if (body.size() != answer.body) fault(fmt::format("{}: more came than one answer", describe(request)));
    const Nanoseconds taken = now_ - connection.began;
    if (!connection.timed) return;
    if (request.kind == MixKind::create) figures_.creates.add(taken);
    if (request.kind == MixKind::erase) figures_.erases.add(taken);
    if (request.kind == MixKind::poll_operation || request.kind == MixKind::poll_resource) {
        figures_.polls.add(taken);
    }
}

Status Mix::read(std::size_t which) {
    Connection& connection = connections_[which];
    std::array<char, 16UL * 1024> bytes{};
    const ssize_t got = ::recv(connection.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got <= 0) return reopen(which, got == 0 ? "the server hung up" : std::strerror(errno));
    if (!connection.busy) return reopen(which, "an answer came that nobody asked for");
    connection.received.append(bytes.data(), static_cast<std::size_t>(got));
    const auto answer = read_answer(connection.received, false);
    if (!answer) return reopen(which, answer.error().message);
    if (!*answer) return {};
    answered(connection, **answer);
    connection.received.clear();
    connection.busy = false;
    connection.idle_since = now_;
    under_way_ -= 1;
    idle_.push_back(which);
    if (!(*answer)->closes) return {};
    fault("the server closes a connection that it should keep");
    return open(which);
}

Status Mix::start_due() {
    while (!idle_.empty() && clock_runs() && next_due() <= now_) {
        const Time due = next_due();
        asked_ += 1;
        if (Status sent = ask(due, true); !sent) return sent;
    }
    return {};
}

Status Mix::give_up_on_silent() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (!connections_[i].busy || now_ - connections_[i].sent < kNoAnswer) continue;
        if (Status again = reopen(i, "nothing came for 30 seconds"); !again) return again;
    }
    return {};
}

Status Mix::wait() {
    std::array<epoll_event, 256> events{};
    Nanoseconds pause = kLongestPause;
    if (clock_runs() && !idle_.empty()) {
        pause = std::clamp(Nanoseconds(next_due() - now_), Nanoseconds(0), kLongestPause);
    }
    const timespec limit{pause.count() / 1'000'000'000, pause.count() % 1'000'000'000};
    const int ready = ::epoll_pwait2(poll_.get(), events.data(), static_cast<int>(events.size()), &limit, nullptr);
    if (ready < 0 && errno != EINTR) return fail(ErrorCode::unavailable, std::strerror(errno));
    now_ = Clock::now();
    for (int i = 0; i < ready; ++i) {
        if (i > 0) now_ = Clock::now();
        if (Status done = read(events[static_cast<std::size_t>(i)].data.u64); !done) return done;
    }
    return ready == 0 ? give_up_on_silent() : Status();
}

Result<MixFigures> Mix::run() {
    // The kernel may let a sleeper sleep 50 us longer than asked; that would count as the server's latency.
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    connections_.resize(load_.connections);
    for (std::size_t i = 0; i < load_.connections; ++i) {
        if (Status opened = open(i); !opened) return fail(opened.error());
        idle_.push_back(i);
    }
    now_ = Clock::now();
    const std::size_t most = std::min<std::size_t>(load_.connections, 64);  // at once, before the clock starts
    while (figures_.items.size() < load_.prepared || under_way_ > 0) {
        while (figures_.items.size() < load_.prepared && under_way_ < most && !idle_.empty()) {
            if (Status sent = ask(now_, false); !sent) return fail(sent.error());
        }
        if (Status waited = wait(); !waited) return fail(waited.error());
    }
    start_ = now_ = Clock::now();
    timed_ = true;
    const double cpu_before = used_cpu_seconds();
    while (clock_runs() || under_way_ > 0) {
        if (Status started = start_due(); !started) return fail(started.error());
        if (Status waited = wait(); !waited) return fail(waited.error());
    }
    figures_.seconds = seconds_of(now_ - start_);
    figures_.generator_cpu = (used_cpu_seconds() - cpu_before) / figures_.seconds;
    const auto due = static_cast<std::uint64_t>(load_.rate * seconds_of(load_.duration));
    if (due > asked_ + 1) figures_.overdue = due - asked_;
    return std::move(figures_);
}

}  // namespace

std::string_view to_string(MixKind kind) {
    switch (kind) {
        case MixKind::create: return "create";
        case MixKind::repeat: return "repeated create";
        case MixKind::poll_operation: return "poll of an operation";
        case MixKind::poll_resource: return "poll of a resource";
        case MixKind::erase: return "delete";
        case MixKind::erase_again: return "repeated delete";
    }
    return "";
}

bool promised(MixKind kind, int status) {
    switch (kind) {
        case MixKind::create:
        case MixKind::repeat: return status == 202 || status == 201;
        case MixKind::poll_operation:
        case MixKind::poll_resource: return status == 200;
        case MixKind::erase: return status == 202 || status == 200;
        case MixKind::erase_again: return status == 202 || status == 200 || status == 404;
    }
    return false;
}

json::object MixFigures::to_json() const {
    json::object requests;
    for (std::size_t i = 0; i < kMixKinds; ++i) {
        json::object of_kind;
        for (const auto& [status, count] : statuses[i]) of_kind[std::to_string(status)] = count;
        requests[to_string(static_cast<MixKind>(i))] = std::move(of_kind);
    }
    json::array shown;
    for (const std::string& each : examples) shown.emplace_back(each);
    json::object out;
    out["requests"] = std::move(requests);
    out["polls_us"] = polls.microseconds();
    out["polls"] = polls.count();
    out["creates_us"] = creates.microseconds();
    out["deletes_us"] = erases.microseconds();
    out["late_us"] = late.microseconds();
    out["unanswered"] = unanswered;
    out["faults"] = faults;
    out["examples"] = std::move(shown);
    out["overdue"] = overdue;
    out["seconds"] = seconds;
    out["generator_cpu"] = generator_cpu;
    return out;
}

Result<MixFigures> run_mix(const MixLoad& load) { return Mix(load).run(); }

}  // namespace slipway::bench
