// The daemon that runs the machines, through libvirt's own library. Its calls block, so they are made by workers.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "providers/deadline.h"
#include "providers/machines/workers.h"

namespace slipway::libvirt {

enum class DomainState : std::uint8_t {
    absent,    // the daemon knows none of this name
    running,   // or about to be
    stopping,  // it is being shut down
    foreign,   // of this name, and not the one that was asked for
};

struct DomainSeen {
    DomainState state = DomainState::absent;
    std::string tag;        // domain_xml.h
    bool restored = false;  // it began with a saved state
};

struct DomainName {
    std::string name;
    std::string uuid;
};

// How the last calls went: `refused` means that nobody listens there, `silent` that several in a row were not
// answered in their time.
enum class Contact : std::uint8_t { good, refused, silent };

// Used from one executor only. Errors: unavailable (the daemon does not answer; nothing happened), timeout (it may
// have happened), provider_failure (it refused; in its own words).
class Hypervisor {
  public:
    // `socket`: where the daemon listens.
    Hypervisor(std::string socket, machines::Workers& workers);
    ~Hypervisor();
    Hypervisor(const Hypervisor&) = delete;
    Hypervisor& operator=(const Hypervisor&) = delete;

    Task<Result<DomainSeen>> look(DomainName name, Deadline deadline);
    // Starts it; it is gone once it stops.
    Task<Status> start(std::string xml, Deadline deadline);
    // Writes the state of one that runs to a file of the daemon's, which ends it. Done when it is gone.
    Task<Status> save(DomainName name, std::string file, Deadline deadline);
    // Starts the machine that such a file describes, in the state that it holds.
    Task<Status> restore(std::string file, Deadline deadline);
    // Asks its guest to shut down.
    Task<Status> shut_down(DomainName name, Deadline deadline);
    // Ends it at once. None there is fine.
    Task<Status> end(DomainName name, Deadline deadline);
    // The same, whatever its UUID.
    Task<Status> end_any(std::string name, Deadline deadline);
    Task<Result<std::vector<DomainName>>> all(Deadline deadline);
    // What the daemon says of itself: "QEMU 7.2.22, libvirt 9.0.0".
    Task<Result<std::string>> version(Deadline deadline);

    [[nodiscard]] Contact contact() const;
    // Another daemon listens there now: what is left of the connection to the former one is given up.
    void renew();

  private:
    struct Link;
    template <class T>
    Task<Result<T>> ask(std::function<Result<T>(Link& link)> what, Deadline deadline);

    std::shared_ptr<Link> link_;
    machines::Workers& workers_;
    bool refused_ = false;
    int unanswered_ = 0;  // in a row
};

}  // namespace slipway::libvirt
