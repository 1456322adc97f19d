// How a child ended, for a process that ignores its children's ends.
#pragma once

#include <signal.h>
#include <sys/wait.h>

namespace slipway::agent {

// The kernel keeps how a child ended only where its parent does not ignore that. Engines that end meanwhile are
// reaped here, because nobody else will.
class KeepingStatus {
  public:
    KeepingStatus() : before_(::signal(SIGCHLD, SIG_DFL)) {}
    KeepingStatus(const KeepingStatus&) = delete;
    KeepingStatus& operator=(const KeepingStatus&) = delete;
    ~KeepingStatus() {
        ::signal(SIGCHLD, before_);
        if (before_ != SIG_IGN) return;
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }

  private:
    sighandler_t before_;
};

}  // namespace slipway::agent
