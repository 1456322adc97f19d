#include "agent/launch.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/keeping_status.h"
#include "base/spawn_parts.h"

namespace slipway::agent {
namespace {

constexpr int kLockFd = 3;
constexpr int kReportFd = 4;
constexpr int kMovedLockFd = 5;  // where a listener has the lock's number
constexpr int kListenerFd = 3;   // SD_LISTEN_FDS_START of sd_listen_fds(3)
constexpr int kDataFd = 5;       // kDataPath
constexpr int kInstanceFd = 6;   // kInstancePath
constexpr int kFirstFreeFd = 10;
constexpr int kEndTimeout = 5000;  // milliseconds for a killed process
constexpr const char* kOwnMount = "/mnt";
constexpr off_t kMaxLog = 1024 * 1024;  // bytes; then it becomes log.1
constexpr int kExecTimeout = 5000;      // milliseconds

struct Report {
    int error = 0;
    std::array<char, 60> step{};
};

[[noreturn]] void give_up(int report_fd, std::string_view step) {
    Report report;
    report.error = errno;
    step.copy(report.step.data(), report.step.size() - 1);
    static_cast<void>(::write(report_fd, &report, sizeof report));
    ::_exit(127);
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void lock_and_sign(const Launch& plan, int report) {
    const int lock = ::openat(plan.directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0) give_up(report, "open the lock");
    if (!take_lock(lock)) {
        errno = EAGAIN;
        give_up(report, "take the lock");
    }
    const std::optional<ProcessStat> self = read_stat(::getpid());
    if (!self) give_up(report, "read its own start time");
    const std::string content = fmt::format("{} {} {}\n", ::getpid(), self->start_time, plan.tag);
    if (::ftruncate(lock, 0) != 0 ||
        ::pwrite(lock, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
        give_up(report, "sign the lock");
    }
    const int number = plan.listener >= 0 ? kMovedLockFd : kLockFd;
    if (lock != number && ::dup2(lock, number) < 0) give_up(report, "keep the lock");
    if (lock == number) ::fcntl(number, F_SETFD, 0);
}

void keep_listener(const Launch& plan, int report) {
    if (plan.listener >= 0 && ::dup2(plan.listener, kListenerFd) < 0) give_up(report, "keep its socket");
}

int last_kept_fd(const Launch& plan) {
    if (plan.listener >= 0) return kMovedLockFd;
    return plan.by_paths ? kInstanceFd : kReportFd;
}

std::vector<std::string> variables_of(const Launch& plan) {
    std::vector<std::string> variables{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C"};
    variables.insert(variables.end(), plan.variables.begin(), plan.variables.end());
    if (plan.listener >= 0) {
        variables.emplace_back("LISTEN_FDS=1");
        variables.push_back(fmt::format("LISTEN_PID={}", ::getpid()));
        variables.push_back("LISTEN_FDNAMES=" + plan.listener_name);
    }
    return variables;
}

void open_stdio(const Launch& plan, int report) {
    int in = plan.input;
    if (in < 0) {
        in = plan.stdin_file.empty()
                 ? ::open("/dev/null", O_RDONLY | O_CLOEXEC)
                 : ::openat(plan.directory, plan.stdin_file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (in < 0) give_up(report, "open its input");
    struct stat seen{};
    if (::fstatat(plan.directory, "log", &seen, AT_SYMLINK_NOFOLLOW) == 0 && seen.st_size > kMaxLog) {
        ::renameat(plan.directory, "log", plan.directory, "log.1");
    }
    const int out = ::openat(plan.directory, "log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0) give_up(report, "open its log");
    if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) give_up(report, "set its input and output");
}

void limit(int report, __rlimit_resource what, std::uint64_t value) {
    rlimit now{};
    if (::getrlimit(what, &now) != 0) give_up(report, "read a limit");
    // An unprivileged helper cannot raise a hard limit: as much as is allowed is enough.
    if (::geteuid() != 0 && value > now.rlim_max) value = now.rlim_max;
    const rlimit wanted{value, value};
    if (::setrlimit(what, &wanted) != 0) give_up(report, "set a limit");
}

// Not every container allows it.
void write_own(const char* path, std::string_view text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    static_cast<void>(::write(file, text.data(), text.size()));
    ::close(file);
}

void set_limits(const Launch& plan, int report) {
    // A dump would hold the tenant's data. One that goes to a program (core_pattern) does not heed the limit.
    limit(report, RLIMIT_CORE, 0);
    write_own("/proc/self/coredump_filter", "0");
    if (plan.open_files != 0) limit(report, RLIMIT_NOFILE, plan.open_files);
    if (plan.file_size != 0) {
        limit(report, RLIMIT_FSIZE, plan.file_size);
        // An engine whose file (or log) is full is told so by its write, instead of being killed.
        ::signal(SIGXFSZ, SIG_IGN);
    }
    // Where memory runs out, a tenant's engine is to die before the broker.
    write_own("/proc/self/oom_score_adj", "300");
}

void drop_rights(const Launch& plan, int report) {
    if (plan.change_uid) {
        if (::setgroups(0, nullptr) != 0) give_up(report, "drop its groups");
        if (::setresgid(plan.gid, plan.gid, plan.gid) != 0) give_up(report, "change its group");
        if (::setresuid(plan.uid, plan.uid, plan.uid) != 0) give_up(report, "change its uid");
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(report, "give up new privileges");
}

// Some programs resolve the paths that they are given, and then need the right to walk them. Where the system lets
// us, the instance is put where everybody can go, seen by this process alone.
bool mount_own(const Launch& plan) {
    if (::unshare(CLONE_NEWNS) != 0) return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    // What is open belongs to the mounts of before: it is found again by its name.
    std::string from(PATH_MAX, '\0');
    const ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", plan.directory).c_str(), from.data(), from.size() - 1);
    if (length <= 0) return false;
    from.resize(static_cast<std::size_t>(length));
    if (::mount(from.c_str(), kOwnMount, nullptr, MS_BIND, nullptr) != 0) return false;
    struct stat wanted{};
    struct stat mounted{};
    return ::fstat(plan.directory, &wanted) == 0 && ::stat(kOwnMount, &mounted) == 0 &&
           wanted.st_dev == mounted.st_dev && wanted.st_ino == mounted.st_ino;
}

void keep_as(int report, int fd, int number) {
    if (fd < 0 || ::dup2(fd, number) < 0) give_up(report, "enter its directory");
}

// By descriptor: the engine's uid may have no way through the directories above the root.
void enter_directory(const Launch& plan, int report) {
    if (!plan.by_paths) {
        const int data = ::openat(plan.directory, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (data < 0 || ::fchdir(data) != 0) give_up(report, "enter its data directory");
        return;
    }
    // Beyond the numbers that they are to have. O_PATH: to go through, not to read.
    int instance = ::fcntl(plan.directory, F_DUPFD_CLOEXEC, kFirstFreeFd);
    if (plan.own_mount && mount_own(plan)) instance = ::open(kOwnMount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (instance < 0) give_up(report, "enter its directory");
    const int data = ::openat(instance, "data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int through = ::openat(instance, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int high_data = ::fcntl(data, F_DUPFD_CLOEXEC, kFirstFreeFd);
    const int high_through = ::fcntl(through, F_DUPFD_CLOEXEC, kFirstFreeFd);
    if (::chdir("/") != 0) give_up(report, "enter its directory");
    keep_as(report, high_data, kDataFd);
    keep_as(report, high_through, kInstanceFd);
}

// Where the system gave it no way of its own, the one through the directories above has to be open to its uid.
void check_way(int report) {
    std::string path(PATH_MAX, '\0');
    const ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", kInstanceFd).c_str(), path.data(), PATH_MAX - 1);
    if (length < 0) give_up(report, "find its directory");
    path.resize(static_cast<std::size_t>(length));
    if (::access(path.c_str(), X_OK) != 0) give_up(report, "walk to its directory (those above must be 0711)");
}

[[noreturn]] void become(const Launch& plan, int report) {
    // Out of the way of the numbers that the program is to find.
    report = ::fcntl(report, F_DUPFD_CLOEXEC, kFirstFreeFd);
    if (report < 0) ::_exit(127);
    if (::setsid() < 0) give_up(report, "start a session");
    reset_signals();
    lock_and_sign(plan, report);
    keep_listener(plan, report);
    open_stdio(plan, report);
    enter_directory(plan, report);
    if (plan.enter) {
        if (const std::string_view failed = plan.enter(); !failed.empty()) give_up(report, failed);
    }
    set_limits(plan, report);
    if (!plan.whole) drop_rights(plan, report);
    if (plan.own_mount) check_way(report);
    ::umask(077);
    // By its own rights. Nobody else is at work there: the lock is ours.
    if (!plan.stale.empty()) ::unlinkat(plan.by_paths ? kDataFd : AT_FDCWD, plan.stale.c_str(), 0);
    if (::dup3(report, kReportFd, O_CLOEXEC) < 0) ::_exit(127);
    ::close_range(static_cast<unsigned>(last_kept_fd(plan)) + 1, ~0U, 0);
    std::vector<std::string> words{plan.program};
    words.insert(words.end(), plan.args.begin(), plan.args.end());
    std::vector<std::string> variables = variables_of(plan);
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> environment = pointers(variables);
    // The last of all: it is for the program, and what still ran here before it might need memory itself.
    if (plan.memory != 0) limit(kReportFd, RLIMIT_DATA, plan.memory);
    ::execve(plan.path.c_str(), argv.data(), environment.data());
    give_up(kReportFd, "execute the program");
}

}  // namespace

Answer<Process> launch(const Launch& plan, const Checkpoint& checkpoint) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(os_failure("make a pipe"));
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(os_failure("fork"));
    if (pid == 0) become(plan, write_end.get());
    write_end.reset();
    checkpoint(plan.stage + ":forked");
    // Nobody else waits for the child (SIGCHLD is ignored), so its entry may vanish once it is dead.
    const std::optional<ProcessStat> stat = read_stat(pid);
    pollfd waited{read_end.get(), POLLIN, 0};
    if (::poll(&waited, 1, kExecTimeout) != 1) {
        ::kill(pid, SIGKILL);
        return refuse(FailureCode::io, "the program could not be executed in time");
    }
    Report report;
    const ssize_t got = ::read(read_end.get(), &report, sizeof report);
    checkpoint(plan.stage + ":executed");
    if (got == static_cast<ssize_t>(sizeof report)) {
        const std::string step(report.step.data());
        if (step == "take the lock") return refuse(FailureCode::busy, "a process of the instance lives already");
        return refuse(FailureCode::io,
                      fmt::format("the child could not {}: {}", step, std::strerror(report.error)));
    }
    if (!stat) return refuse(FailureCode::io, "the program ended at once");
    return Process{pid, stat->start_time};
}

Answer<void> run_to_end(const Launch& plan, int limit_ms, const Checkpoint& checkpoint) {
    const KeepingStatus keeping;
    const Answer<Process> process = launch(plan, checkpoint);
    if (!process) return std::unexpected(process.error());
    // It is not reaped before we ask: its pid is its own.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process->pid, 0U)));
    if (!pidfd) return std::unexpected(os_failure("watch a program"));
    const bool in_time = wait_exit(pidfd, limit_ms);
    if (!in_time) ::kill(-process->pid, SIGKILL);
    siginfo_t ended{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &ended, WEXITED) != 0) {
        return std::unexpected(os_failure("learn how a program ended"));
    }
    if (const Answer<void> alone = end_holders(plan.directory); !alone) return alone;
    if (!in_time) return refuse(FailureCode::io, fmt::format("{} did not end in time", plan.stage));
    if (ended.si_code != CLD_EXITED || ended.si_status != 0) {
        return refuse(FailureCode::io, fmt::format("{} failed with status {}", plan.stage, ended.si_status));
    }
    return {};
}

Answer<void> end_holders(int directory) {
    const UniqueFd lock(::openat(directory, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    for (int waited = 0; lock && lock_is_held(lock.get()); ++waited) {
        if (waited > kEndTimeout) return refuse(FailureCode::busy, "an earlier process does not end");
        // Anew from time to time: what is killed may have started something just before.
        for (const Process& each : waited % 100 == 0 ? lock_holders(lock.get()) : std::vector<Process>()) {
            const UniqueFd pidfd = open_pidfd(each);
            if (pidfd) send_signal(pidfd, SIGKILL);
        }
        ::poll(nullptr, 0, 1);
    }
    return {};
}

}  // namespace slipway::agent
