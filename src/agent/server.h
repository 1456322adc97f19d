// Answers the requests of the protocol, one after another. Single-threaded; every request is short, but for the one
// that has a template made (about half a second, once for each version of a program, or until a machine's state is
// on the disk) and those that begin with a copy of one (about a tenth of that).
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "agent/console.h"
#include "agent/containers.h"
#include "agent/instances.h"
#include "agent/launch.h"
#include "agent/machines.h"
#include "agent/templates.h"
#include "agent/warm.h"

namespace slipway::agent {

class Handler {
  public:
    Handler(Instances instances, std::map<std::string, std::string> programs, Machines::Places places,
            Checkpoint checkpoint)
        : instances_(std::move(instances)),
          programs_(std::move(programs)),
          checkpoint_(std::move(checkpoint)),
          templates_(instances_.templates(), instances_.rights(), checkpoint_),
          machines_(std::move(places), instances_.rights(), programs_, checkpoint_),
          containers_({machines_.places().root, machines_.places().images, machines_.places().container_uids},
                      instances_.roots(), instances_.rights(), programs_, checkpoint_) {
        // A root that stays is found by the next helper.
        static_cast<void>(containers_.prune(instances_));
    }
    // Parts of it refer to each other.
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

    // One message in, one message out. Whatever comes in is checked.
    std::string handle(std::string_view message);
    [[nodiscard]] const Instances& instances() const { return instances_; }

    // What is to be done from time to time: keeps consoles within bounds. Answers when next, in milliseconds.
    int tend(std::chrono::steady_clock::time_point now);
    // The connections to consoles, which are to be read from.
    [[nodiscard]] ConsoleLines& lines() { return lines_; }

  private:
    Answer<json::object> dispatch(std::string_view verb, const json::object& request);
    Answer<json::object> hello() const;
    Answer<json::object> create(const json::object& request);
    Answer<json::object> write(const json::object& request);
    Answer<json::object> start(const json::object& request);
    Answer<json::object> signal(const json::object& request);
    Answer<json::object> kill_rest(const json::object& request);
    Answer<json::object> remove(const json::object& request);
    Answer<json::object> log_tail(const json::object& request);
    Answer<Launch> check_start(const json::object& request) const;
    Answer<SeedData> seed_data(const Seed& seed, const json::object& meta);

    // An instance that a request names, and who runs in it.
    struct Named {
        std::string name;
        UniqueFd directory;
        uid_t uid = 0;
        InstanceStatus status;
    };
    Answer<Named> named(const json::object& request) const;
    Answer<Named> owned(const json::object& request) const;  // and whose it says it is
    // What a request says of the machines' network.
    Answer<Network> network_of(const json::object& request) const;
    Answer<Tap> tap_of(const json::object& request) const;
    static Answer<boost::asio::ip::network_v4> subnet_of(const json::object& request);
    std::optional<Answer<json::object>> dispatch_containers(std::string_view verb,
                                                            const json::object& request) const;
    Answer<json::object> start_container(const json::object& request) const;
    Answer<json::object> halt_container(const json::object& request) const;
    Answer<json::object> end_container(const json::object& request) const;
    std::optional<Answer<json::object>> dispatch_machines(std::string_view verb, const json::object& request);
    Answer<json::object> start_machines(const json::object& request);
    Answer<json::object> end_guest(const json::object& request) const;
    Answer<json::object> change_volume(const json::object& request, bool add) const;
    Answer<json::object> change_network(const json::object& request, bool up) const;
    Answer<json::object> change_tap(const json::object& request, bool add) const;
    Answer<json::object> list_taps(const json::object& request) const;
    std::optional<Answer<json::object>> dispatch_console(std::string_view verb, const json::object& request);
    Answer<Named> with_console(const json::object& request) const;  // as owned(), of a machine
    Answer<json::object> read_console(const json::object& request) const;
    Answer<json::object> type_at_console(const json::object& request);
    void tend_console(const std::string& name) const;
    // What belongs to a template of machines (warm.h).
    std::optional<Answer<json::object>> dispatch_warm(std::string_view verb, const json::object& request) const;
    Answer<json::object> look_at(const json::object& request) const;
    Answer<json::object> freeze(const json::object& request) const;
    Answer<json::object> wake(const json::object& request) const;
    struct NamedTemplate {
        UniqueFd directory;
        Template found;
        json::object meta;
    };
    Answer<NamedTemplate> template_of(const std::string& name, std::string_view installation) const;
    Answer<SeedData> warm_seed(const Seed& seed, std::string installation) const;
    [[nodiscard]] FileOwner own() const { return {instances_.rights().uid, ::getegid(), 0600}; }

    Instances instances_;
    std::map<std::string, std::string> programs_;
    Checkpoint checkpoint_;
    Templates templates_;
    Machines machines_;
    Containers containers_;
    ConsoleLines lines_;
    std::chrono::steady_clock::time_point tend_at_;  // at once, at first
};

// Where requests come from.
struct Door {
    int connection = -1;  // the broker's end of a socket pair: the helper ends with it
    std::string listen;   // or a Unix socket's path, for brokers of `allowed_uid` (and root)
    uid_t allowed_uid = 0;
};
// Returns the process's exit status.
int serve(Handler& handler, const Door& door);

}  // namespace slipway::agent
