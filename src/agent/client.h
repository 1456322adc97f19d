// The broker's side of the helper: one coroutine per verb, many at once over one connection.
//
// Used from one executor only; a Task resumes there. Every call ends within its budget. The helper is started (or
// connected to) by the first call and again after it died; a call that was on its way when it died, or whose answer
// is late, fails with `unknown`. A call that could not be sent fails with `unavailable`: nothing happened.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "agent/protocol.h"
#include "agent/spawn.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/task.h"

namespace slipway::agent {

class AgentClient {
  public:
    using Options = std::variant<SpawnOptions, ConnectOptions>;
    AgentClient(boost::asio::any_io_executor executor, Options options);
    AgentClient(const AgentClient&) = delete;
    AgentClient& operator=(const AgentClient&) = delete;
    // Ends the connection and, with a helper of our own, waits (a moment) until it is gone.
    ~AgentClient();

    Task<Answer<Hello>> hello(Duration budget);
    // Answers whether it was made now. `start_follows`: it is made durable by the start that comes next, not
    // before.
    Task<Answer<bool>> create_instance(std::string name, json::object meta, std::vector<FileContent> files,
                                       bool start_follows, Duration budget, Seed seed = {});
    // Answers whether the content changed.
    Task<Answer<bool>> write_file(std::string name, Identity identity, FileContent file, Duration budget);
    Task<Answer<Started>> start(StartRequest request, Duration budget);
    Task<Answer<InstanceStatus>> status(std::string name, Duration budget);
    // False where that process was dead already.
    Task<Answer<bool>> signal(std::string name, Process process, Signal signal, Duration budget);
    // Kills whatever still holds the instance's lock, e.g. children of an engine that was killed. Answers how many.
    Task<Answer<std::int64_t>> kill_rest(std::string name, Identity identity, Duration budget);
    Task<Answer<void>> remove_instance(std::string name, Identity identity, Duration budget);
    Task<Answer<ListPage>> list(std::string after, Duration budget);
    Task<Answer<std::string>> log_tail(std::string name, Duration budget);

    // For machines (agent/machines.h). `network`: the id of one installation's.
    Task<Answer<Started>> start_machines(std::string name, std::string network, bool kvm, std::string tag,
                                         Duration budget);
    // Kills the virtual machine, also one whose QEMU listens to nobody any more. None there is fine.
    Task<Answer<void>> end_guest(std::string name, Identity identity, std::string network, Duration budget);
    // Answers whether the machine has its volume still.
    Task<Answer<bool>> add_volume(std::string name, Identity identity, Duration budget);
    Task<Answer<void>> drop_volume(std::string name, Identity identity, Duration budget);
    // `bridge`: of the host's; empty: none.
    Task<Answer<void>> network_up(std::string network, std::string subnet, std::string bridge, Duration budget);
    Task<Answer<void>> network_down(std::string network, Duration budget);
    Task<Answer<void>> add_tap(TapRequest tap, Duration budget);
    Task<Answer<void>> remove_tap(std::string network, std::string address, Duration budget);
    Task<Answer<std::vector<std::string>>> taps(std::string network, Duration budget);

    // For templates of virtual machines and machines that begin as one (agent/warm.h).
    Task<Answer<TemplateLook>> look_at_template(std::string name, Duration budget);
    Task<Answer<void>> freeze_template(std::string name, Identity identity, Duration budget);
    // Before every start of a machine whose disk was taken from a template.
    Task<Answer<Wake>> wake_machine(WakeRequest wanted, Duration budget);

    // For containers (agent/containers.h). Unsupported, with what is missing, where this host cannot run any.
    Task<Answer<void>> check_containers(Duration budget);
    // Whether it came up is told by whether its process stays.
    Task<Answer<Started>> start_container(ContainerRequest request, Duration budget);
    // Asks it to end by itself. False where it does not run.
    Task<Answer<bool>> halt_container(std::string name, Identity identity, Init init, Duration budget);
    // Ends it at once, with whatever an earlier one left.
    Task<Answer<void>> end_container(std::string name, Identity identity, std::string network, Duration budget);

    // For the consoles of both (agent/console.h).
    Task<Answer<ConsolePart>> read_console(std::string name, Identity identity, ConsoleWish wish, Duration budget);
    // What is typed is in no error.
    Task<Answer<Typed>> type_at_console(std::string name, Identity identity, Secret input, Duration budget);

    // What the helper last said of itself; empty before the first answer.
    [[nodiscard]] const std::optional<Hello>& known() const;
    // The pid of a helper of our own while there is one, 0 otherwise.
    [[nodiscard]] pid_t helper_pid() const;
    // Bytes protocol for tests: one request as it stands.
    Task<Answer<json::object>> call(std::string verb, json::object request, Duration budget);

  private:
    class Core;
    std::shared_ptr<Core> core_;
};

}  // namespace slipway::agent
