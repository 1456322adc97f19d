#include "main/process_setup.h"

#include <csignal>
#include <initializer_list>

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway {
namespace {

sigset_t set_of(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) sigaddset(&set, number);
    return set;
}

// A dump that goes to a program (core_pattern) does not heed the limit: it holds no memory, here and in all that
// this process starts. Comes before PR_SET_DUMPABLE, which makes the file root's.
void empty_dumps() {
    const int filter = ::open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
    if (filter < 0) return;
    static_cast<void>(::write(filter, "0", 1));
    ::close(filter);
}

}  // namespace

void forbid_dumps() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    empty_dumps();
    // No tracing, and no dump at all.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void harden_process() {
    ::umask(077);
    std::signal(SIGPIPE, SIG_IGN);
    forbid_dumps();
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
}

void block_signals() {
    const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP});
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signal wait_for_signal() {
    const sigset_t all = set_of({SIGTERM, SIGINT, SIGHUP});
    siginfo_t info{};
    int number = -1;
    while (number < 0) number = ::sigwaitinfo(&all, &info);
    if (number == SIGHUP && info.si_code != SI_KERNEL) return {"SIGHUP", true};
    // Their default action is to end the process; only this thread takes them.
    const sigset_t stops = set_of({SIGTERM, SIGINT});
    ::pthread_sigmask(SIG_UNBLOCK, &stops, nullptr);
    switch (number) {
        case SIGINT: return {"SIGINT", false};
        case SIGHUP: return {"SIGHUP", false};
        default: return {"SIGTERM", false};
    }
}

}  // namespace slipway
