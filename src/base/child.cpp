#include "base/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn_parts.h"

namespace slipway {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kPiece = 128UL * 1024;
constexpr std::size_t kMostComplaints = 16UL * 1024;
constexpr const char* kEndsWithUs = "/usr/bin/setpriv";

// Both ends are closed in every program that is started, and the one of ours never blocks.
struct Pipe {
    UniqueFd ours;
    UniqueFd theirs;
};

std::optional<Pipe> make_pipe(bool we_read) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
    Pipe made;
    made.ours.reset(ends[we_read ? 0 : 1]);
    made.theirs.reset(ends[we_read ? 1 : 0]);
    ::fcntl(made.ours.get(), F_SETFL, O_NONBLOCK);
    return made;
}

// The child is killed when the thread that started it ends, however it ends: one that waits for its server notices
// no closed pipe.
std::vector<std::string> ending_with_us(std::vector<std::string> words) {
    if (::access(kEndsWithUs, X_OK) != 0) return words;
    std::vector<std::string> all{kEndsWithUs, "--pdeathsig", "KILL", "--"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

int start(const Invocation& what, const Pipe& in, const Pipe& out, const Pipe& err, pid_t& pid) {
    SpawnParts with;
    sigset_t none;
    sigset_t usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    // A session of its own: an interrupt from the terminal is for the broker.
    ::posix_spawnattr_setflags(&with.attributes_,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    ::posix_spawnattr_setsigmask(&with.attributes_, &none);
    ::posix_spawnattr_setsigdefault(&with.attributes_, &usual);
    ::posix_spawn_file_actions_adddup2(&with.actions_, in.theirs.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&with.actions_, out.theirs.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&with.actions_, err.theirs.get(), STDERR_FILENO);
    if (!what.directory.empty()) {
        ::posix_spawn_file_actions_addchdir_np(&with.actions_, what.directory.c_str());
    }
    // Whatever else was open here is none of its.
    ::posix_spawn_file_actions_addclosefrom_np(&with.actions_, STDERR_FILENO + 1);
    std::vector<std::string> words = ending_with_us(what.words);
    std::vector<std::string> variables = what.environment;
    if (!what.password_name.empty()) variables.push_back(what.password_name + "=" + what.password.reveal());
    const int error = ::posix_spawn(&pid, words.front().c_str(), &with.actions_, &with.attributes_,
                                    pointers(words).data(), pointers(variables).data());
    if (!what.password_name.empty()) const Secret wiped(std::move(variables.back()));
    return error;
}

// What one run is made of while it goes on.
class Running {
  public:
    Running(const Streams& streams, Pipe in, Pipe out, Pipe err)
        : streams_(streams), in_(std::move(in.ours)), out_(std::move(out.ours)), err_(std::move(err.ours)) {
        if (!streams_.feed) in_.reset();
    }

    // Until both of its outputs have ended; how that came to be.
    Ended::How follow(const StopSign& stop, steady_clock::time_point until) {
        while (out_ || err_) {
            if (stop.raised()) return Ended::How::stopped;
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
            if (left.count() <= 0) return Ended::How::late;
            // Descriptors that are closed are -1, which poll passes over.
            std::array<pollfd, 4> waited{{{out_.get(), POLLIN, 0},
                                          {err_.get(), POLLIN, 0},
                                          {in_.get(), POLLOUT, 0},
                                          {stop.descriptor(), POLLIN, 0}}};
            constexpr std::int64_t kLongest = 60'000;
            ::poll(waited.data(), waited.size(),
                   static_cast<int>(std::min<std::int64_t>(left.count() + 1, kLongest)));
            if (waited[0].revents != 0 && !read_output()) return Ended::How::refused;
            if (waited[1].revents != 0) read_complaints();
            if (waited[2].revents != 0) write_input();
        }
        return Ended::How::exited;
    }
    std::string take_complaints() { return std::move(complaints_); }

  private:
    bool read_output() {
        const ssize_t got = ::read(out_.get(), piece_.data(), piece_.size());
        if (got > 0) {
            return !streams_.take || streams_.take(std::string_view(piece_.data(), static_cast<std::size_t>(got)));
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) out_.reset();
        return true;
    }
    void read_complaints() {
        const ssize_t got = ::read(err_.get(), piece_.data(), piece_.size());
        if (got > 0) {
            if (streams_.hear) streams_.hear(std::string_view(piece_.data(), static_cast<std::size_t>(got)));
            complaints_.append(piece_.data(), static_cast<std::size_t>(got));
            if (complaints_.size() > kMostComplaints) complaints_.erase(0, complaints_.size() - kMostComplaints);
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            err_.reset();
        }
    }
    void write_input() {
        if (pending_.empty()) pending_ = streams_.feed();
        if (pending_.empty()) {
            in_.reset();
            return;
        }
        const ssize_t put = ::write(in_.get(), pending_.data(), pending_.size());
        if (put > 0) {
            pending_.remove_prefix(static_cast<std::size_t>(put));
        } else if (errno != EAGAIN && errno != EINTR) {
            in_.reset();  // it wants no more: its status says whether that was right
        }
    }

    const Streams& streams_;
    UniqueFd in_;
    UniqueFd out_;
    UniqueFd err_;
    std::string_view pending_;
    std::string complaints_;
    std::vector<char> piece_ = std::vector<char>(kPiece);
};

// A broken pipe is an error of a write on this thread, and no signal.
void without_signals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

StopSign::StopSign() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
StopSign::~StopSign() {
    if (descriptor_ >= 0) ::close(descriptor_);
}
void StopSign::raise() {
    raised_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(::write(descriptor_, &one, sizeof one));
}

Ended run_program(const Invocation& what, const Streams& streams, const StopSign& stop,
                  steady_clock::time_point until) {
    without_signals();
    Ended ended;
    auto in = make_pipe(false);
    auto out = make_pipe(true);
    auto err = make_pipe(true);
    pid_t pid = 0;
    const int error = in && out && err ? start(what, *in, *out, *err, pid) : errno;
    if (error != 0) {
        ended.how = Ended::How::not_started;
        ended.why = fmt::format("{} could not be started: {}", what.words.front(), std::strerror(error));
        return ended;
    }
    for (Pipe* each : {&*in, &*out, &*err}) each->theirs.reset();
    Running running(streams, std::move(*in), std::move(*out), std::move(*err));
    ended.how = running.follow(stop, until);
    // Its process group, which is its session's first: it cannot have been given to others, as it is not waited
    // for.
    if (ended.how != Ended::How::exited) ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ended.complaints = running.take_complaints();
    return ended;
}

}  // namespace slipway
