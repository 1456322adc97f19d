// A real SSH server on a port of its own, for one login with a password, whose commands this user's shell runs. The
// system's own would take root and an account to log in to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/secret.h"

namespace slipway::playbooks::test {

class SshServer {
  public:
    SshServer(std::string login, Secret password);
    ~SshServer();
    SshServer(const SshServer&) = delete;
    SshServer& operator=(const SshServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
    // Passwords that anybody has offered.
    [[nodiscard]] int tries() const { return tries_; }
    [[nodiscard]] std::vector<std::string> commands() const {
        const std::scoped_lock lock(mutex_);
        return commands_;
    }
    // Whoever logs in from now on is refused.
    void refuse() { refusing_ = true; }

  private:
    struct Key;
    struct Session;
    void serve();

    std::string login_;
    Secret password_;
    std::string fingerprint_;
    std::shared_ptr<Key> key_;
    UniqueFd listening_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> refusing_ = false;
    std::atomic<int> tries_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> commands_;  // under the mutex
    std::thread thread_;
};

}  // namespace slipway::playbooks::test
