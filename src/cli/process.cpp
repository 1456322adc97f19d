#include "cli/process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace slipway::cli {
namespace {

namespace asio = boost::asio;

constexpr Duration kTick = std::chrono::seconds(1);
constexpr int kTickMs = 1000;
constexpr std::size_t kUsualWidth = 80;  // of a terminal that does not say
constexpr std::size_t kLeastWidth = 20;
constexpr std::size_t kLongestAnswer = 1000;

// Ends the loop where SIGINT comes; calls `tick` every second until then.
class Watch {
  public:
    Watch(asio::io_context& context, Interrupts& interrupts, const std::function<void()>& tick)
        : interrupts_(interrupts),
          tick_(tick),
          context_(context),
          signal_(context),
          timer_(context),
          reader_(context) {
        if (interrupts.descriptor() >= 0) {
            signal_.assign(::dup(interrupts.descriptor()));
            signal_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](const boost::system::error_code& why) {
                                   if (!why && interrupts_.seen()) context_.stop();
                               });
        }
        if (tick_) next();
    }
    // Where that is a pipe whose other end was closed.
    void leave_with(int reader) {
        reader_.assign(::dup(reader));
        reader_.async_wait(asio::posix::stream_descriptor::wait_error, [](const boost::system::error_code& why) {
            if (!why) ::raise(SIGPIPE);
        });
    }
    void end() {
        if (signal_.is_open()) signal_.cancel();
        if (reader_.is_open()) reader_.cancel();
        timer_.cancel();
    }

  private:
    void next() {
        timer_.expires_after(kTick);
        timer_.async_wait([this](const boost::system::error_code& why) {
            if (why) return;
            tick_();
            next();
        });
    }

    Interrupts& interrupts_;
    const std::function<void()>& tick_;
    asio::io_context& context_;
    asio::posix::stream_descriptor signal_;
    asio::steady_timer timer_;
    asio::posix::stream_descriptor reader_;
};

// What one thread says and another one reads.
class Sayings {
  public:
    Sayings() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~Sayings() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Sayings(const Sayings&) = delete;
    Sayings& operator=(const Sayings&) = delete;

    void say(const std::string& sentence) {
        const std::scoped_lock lock(mutex_);
        said_.push_back(sentence);
        wake();
    }
    void end() {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
        wake();
    }
    // What has been said since the last look; false once nothing more comes.
    bool take(std::vector<std::string>& said) {
        std::uint64_t count = 0;
        static_cast<void>(::read(descriptor_, &count, sizeof count));
        const std::scoped_lock lock(mutex_);
        said = std::exchange(said_, {});
        return !ended_;
    }
    // Readable when there is something to take.
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    void wake() const {
        const std::uint64_t one = 1;
        static_cast<void>(::write(descriptor_, &one, sizeof one));
    }

    int descriptor_;
    std::mutex mutex_;
    std::vector<std::string> said_;
    bool ended_ = false;
};

}  // namespace

Interrupts::Interrupts() {
    sigset_t wanted{};
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &former_);
    fd_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

Interrupts::~Interrupts() {
    if (fd_ < 0) return;
    seen();  // one that came just now must not end the process when it has done its work
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

void Interrupts::give_back() {
    if (fd_ >= 0) ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

bool Interrupts::seen() {
    if (seen_ || fd_ < 0) return seen_;
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return false;
    seen_ = true;
    ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);  // whoever presses it again means it
    return true;
}

bool Interrupts::wait(int fd, std::optional<Duration> limit) {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + limit.value_or(Duration(0));
    for (;;) {
        if (seen()) return false;
        int left = -1;
        if (limit) {
            left =
                static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count());
            if (left <= 0) return false;
        }
        std::array<pollfd, 2> entries{{{fd, POLLIN, 0}, {fd_, POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), left) < 0 && errno != EINTR) return false;
        if (entries[0].revents != 0) return true;
    }
}

Result<net::HttpAnswer> call_until_interrupted(Interrupts& interrupts, const net::Origin& origin,
                                               net::HttpCall call, const std::function<void()>& tick, int reader) {
    Result<net::HttpAnswer> answer = fail(ErrorCode::cancelled, "interrupted");
    if (interrupts.seen()) return answer;
    asio::io_context context(1);
    Watch watch(context, interrupts, tick);
    if (call.sink) watch.leave_with(reader);
    asio::co_spawn(context, net::http_call(origin, std::move(call)),
                   [&](const std::exception_ptr& thrown, Result<net::HttpAnswer> result) {
                       if (thrown) {
                           answer = fail(ErrorCode::internal, "the request failed");
                       } else {
                           answer = std::move(result);
                       }
                       watch.end();
                   });
    context.run();
    return answer;
}

void pause_until_interrupted(Interrupts& interrupts, Duration delay, const std::function<void()>& tick) {
    for (Duration left = delay; left > Duration(0); left -= kTick) {
        interrupts.wait(-1, std::min(left, kTick));
        if (interrupts.seen()) return;
        if (tick) tick();
    }
}

void work_until_interrupted(Interrupts& interrupts, const std::function<void(const LongWork&)>& work,
                            const std::function<void(const std::string&)>& show,
                            const std::function<void()>& tick) {
    StopSign stop;
    Sayings sayings;
    std::exception_ptr thrown;
    const std::function<void(const std::string&)> say = [&](const std::string& sentence) { sayings.say(sentence); };
    const std::jthread worker([&] {
        try {
            work({say, stop});
        } catch (...) {
            thrown = std::current_exception();
        }
        sayings.end();
    });
    std::vector<std::string> said;
    while (sayings.take(said)) {
        for (const std::string& sentence : said) show(sentence);
        if (tick) tick();
        if (interrupts.seen()) {
            stop.raise();
            pollfd entry{sayings.descriptor(), POLLIN, 0};
            ::poll(&entry, 1, kTickMs);
        } else {
            interrupts.wait(sayings.descriptor(), kTick);
        }
    }
    if (thrown) std::rethrow_exception(thrown);
}

Terminal terminal_of(int fd, const Environment& environment) {
    if (::isatty(fd) != 1) return {};
    winsize size{};
    const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    const bool plain = !environment.variable("NO_COLOR").empty() || environment.variable("TERM") == "dumb";
    return {.width = known ? std::max<std::size_t>(size.ws_col, kLeastWidth) : kUsualWidth, .colour = !plain};
}

std::optional<bool> ask_the_user(Interrupts& interrupts, std::ostream& err, std::string_view question) {
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) return std::nullopt;
    err << question << " [y/N] " << std::flush;
    std::string answer;
    while (!answer.ends_with('\n') && answer.size() < kLongestAnswer) {
        if (!interrupts.wait(STDIN_FILENO, std::nullopt)) {
            err << std::endl;  // what is said next begins a line
            return std::nullopt;
        }
        char c = 0;
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got <= 0) return std::nullopt;
        answer += c;
    }
    return answer == "y\n" || answer == "Y\n" || answer == "yes\n";
}

namespace {

// What is typed while it lives is not shown; the end of the line is.
class Unseen {
  public:
    explicit Unseen(int fd) : fd_(fd) {
        if (::tcgetattr(fd_, &former_) != 0) return;
        termios unseen = former_;
        unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        unseen.c_lflag |= ECHONL;
        good_ = ::tcsetattr(fd_, TCSAFLUSH, &unseen) == 0;
    }
    ~Unseen() {
        if (good_) ::tcsetattr(fd_, TCSAFLUSH, &former_);
    }
    Unseen(const Unseen&) = delete;
    Unseen& operator=(const Unseen&) = delete;
    [[nodiscard]] bool good() const { return good_; }

  private:
    int fd_;
    termios former_{};
    bool good_ = false;
};

}  // namespace

std::optional<Secret> ask_for_a_secret(Interrupts& interrupts, std::ostream& err, std::string_view prompt) {
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) return std::nullopt;
    const Unseen unseen(STDIN_FILENO);
    if (!unseen.good()) return std::nullopt;
    err << prompt << std::flush;
    std::string typed;
    while (!typed.ends_with('\n') && typed.size() < kLongestAnswer) {
        char c = 0;
        if (!interrupts.wait(STDIN_FILENO, std::nullopt) || ::read(STDIN_FILENO, &c, 1) <= 0) {
            err << std::endl;  // what is said next begins a line
            return std::nullopt;
        }
        typed += c;
    }
    if (typed.ends_with('\n')) typed.pop_back();
    return Secret(std::move(typed));
}

std::optional<std::string> read_standard_input(Interrupts& interrupts, std::size_t most) {
    std::string text;
    std::array<char, 1024> buffer{};
    while (text.size() <= most) {
        if (!interrupts.wait(STDIN_FILENO, std::nullopt)) return std::nullopt;
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0) return std::nullopt;
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return std::nullopt;
}

std::string become_program(Interrupts& interrupts, const std::vector<std::string>& words) {
    std::vector<std::string> kept = words;
    std::vector<char*> arguments;
    for (std::string& word : kept) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    interrupts.give_back();
    ::execvp(arguments.front(), arguments.data());
    return std::strerror(errno);
}

}  // namespace slipway::cli
