#include "cli/dialogue.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kServerAway = std::chrono::minutes(1);  // of one that answered before
constexpr std::array<int, 5> kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
// Colours and a hidden cursor go with whoever set them.
constexpr std::string_view kPlainAgain = "\033[0m\033[?25h";

// What is typed comes at once, whatever it is, and what is shown is not touched.
class Raw {
  public:
    explicit Raw(int terminal) : terminal_(terminal) {
        if (::tcgetattr(terminal_, &former_) != 0) return;
        termios raw = former_;
        ::cfmakeraw(&raw);
        good_ = ::tcsetattr(terminal_, TCSAFLUSH, &raw) == 0;
    }
    ~Raw() {
        if (good_) ::tcsetattr(terminal_, TCSANOW, &former_);
    }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    [[nodiscard]] bool good() const { return good_; }

  private:
    int terminal_;
    termios former_{};
    bool good_ = false;
};

// While it lives signals that would end or stop the process are read here: first the terminal is given back.
class Signals {
  public:
    Signals() {
        sigset_t wanted{};
        ::sigemptyset(&wanted);
        for (const int each : kSignals) ::sigaddset(&wanted, each);
        ::pthread_sigmask(SIG_BLOCK, &wanted, &former_);
        fd_ = UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    ~Signals() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    // 0: none.
    [[nodiscard]] int take() const {
        signalfd_siginfo info{};
        const bool one = ::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info);
        return one ? static_cast<int>(info.ssi_signo) : 0;
    }

  private:
    sigset_t former_{};
    UniqueFd fd_;
};

void show(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

// Of ours, between what the other side shows.
void remark(std::string_view text) { show(fmt::format("\r\n[slipway: {}]\r\n", printable(text))); }

bool may_pass(const Result<net::HttpAnswer>& answer) {
    if (answer) return answer->status == 429 || answer->status == 503;
    return answer.error().code == ErrorCode::unavailable || answer.error().code == ErrorCode::timeout;
}

class Conversation {
  public:
    explicit Conversation(const Dialogue& dialogue)
        : dialogue_(dialogue),
          typed_(context_, ::dup(STDIN_FILENO)),
          signal_(context_, ::dup(signals_.descriptor())) {}

    Parting run() {
        const Raw raw(STDIN_FILENO);
        if (!raw.good()) {
            parting_.error = Error{ErrorCode::unavailable, "the terminal cannot be set", {}, {}};
            return parting_;
        }
        asio::co_spawn(context_, watch(), asio::detached);
        asio::co_spawn(context_, listen(), asio::detached);
        asio::co_spawn(context_, speak(), asio::detached);
        context_.run();
        show(kPlainAgain);
        show("\r\n");
        return std::move(parting_);
    }

  private:
    void end() { context_.stop(); }

    Task<void> watch() {
        co_await signal_.async_wait(Descriptor::wait_read, kAwait);
        parting_.signal = signals_.take();
        end();
    }

    // What the other side shows.
    Task<void> listen() {
        std::string place = dialogue_.place;
        auto heard = std::chrono::steady_clock::now();
        for (;;) {
            Result<net::HttpAnswer> answer = co_await net::http_call(dialogue_.origin, dialogue_.read(place));
            const auto now = std::chrono::steady_clock::now();
            if (answer && answer->status == 200) {
                heard = now;
                if (answer->header("slipway-console-lost") == "true") remark("a part of it is kept no longer");
                show(answer->body);
                place = answer->header("slipway-console-next");
                continue;
            }
            if (!may_pass(answer) || now - heard > kServerAway) co_return part(std::move(answer));
            asio::steady_timer timer(context_, kRetry);
            co_await timer.async_wait(kAwait);
        }
    }

    // What is typed. Descriptors of terminals are shared with others, so they stay as they block.
    Task<void> speak() {
        std::array<char, 1024> buffer{};
        for (;;) {
            co_await typed_.async_wait(Descriptor::wait_read, kAwait);
            const ssize_t got = ::read(typed_.native_handle(), buffer.data(), buffer.size());
            if (got <= 0) co_return end();
            std::string bytes(buffer.data(), static_cast<std::size_t>(got));
            const std::size_t leave = bytes.find(kLeave);
            if (leave != std::string::npos) bytes.resize(leave);
            if (!bytes.empty()) co_await send(std::move(bytes));
            if (leave != std::string::npos) co_return end();
        }
    }

    // Once only: what was typed and whose answer was lost may have arrived.
    Task<void> send(std::string bytes) {
        Result<net::HttpAnswer> answer =
            co_await net::http_call(dialogue_.origin, dialogue_.type(std::move(bytes)));
        if (answer && answer->status == 204) co_return;
        if (answer && answer->status == 409) {
            const auto parsed = json::parse(answer->body);
            remark(parsed && parsed->is_object() ? json::get_string(parsed->get_object(), "error") : "not typed");
            co_return;
        }
        if (!may_pass(answer)) co_return part(std::move(answer));
        remark("what was typed may be lost: the server does not answer");
    }

    void part(Result<net::HttpAnswer> answer) {
        if (answer) {
            parting_.refusal = std::move(*answer);
        } else {
            parting_.error = std::move(answer.error());
        }
        end();
    }

    const Dialogue& dialogue_;
    Signals signals_;
    asio::io_context context_{1};
    Descriptor typed_;
    Descriptor signal_;
    Parting parting_;
};

}  // namespace

Parting converse_on_terminal(const Dialogue& dialogue) { return Conversation(dialogue).run(); }

}  // namespace slipway::cli
