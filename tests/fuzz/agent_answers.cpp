// What the helper answers, one message a line, to a client that has asked five questions (their ids are 1 to 5).
// Every question ends, whatever comes; what is understood is what was sent.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/client.h"
#include "fuzz/agent_root.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

using agent::AgentClient;

// Where the client finds its helper.
class Listener {
  public:
    Listener() : path_(scratch_directory() + "/socket") {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        check(path_.size() < sizeof address.sun_path, "the path is short enough", path_);
        path_.copy(address.sun_path, path_.size());
        fd_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        check(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                  ::listen(fd_.get(), 1) == 0,
              "there is a socket", path_);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] UniqueFd accept() const {
        return UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }

  private:
    std::string path_;
    UniqueFd fd_;
};

template <class T>
void start(boost::asio::io_context& io, Task<agent::Answer<T>> question, std::size_t& ended) {
    boost::asio::co_spawn(io, std::move(question), [&](const std::exception_ptr& thrown, agent::Answer<T> answer) {
        if (thrown) std::rethrow_exception(thrown);
        check(answer || !to_string(answer.error().code).empty(), "a failure has a word");
        ++ended;
    });
}

// What can be said of each message without a client.
void check_shapes(std::string_view line) {
    const auto parsed = json::parse(line);
    if (!parsed || !parsed->is_object()) return;
    const json::object& object = parsed->get_object();
    const auto stable = [&](const auto& from_json) {
        const json::object once = agent::to_json(from_json(object));
        check(agent::to_json(from_json(once)) == once, "what was understood is understood again", line);
    };
    stable([](const json::object& from) { return agent::hello_from_json(from); });
    stable([](const json::object& from) { return agent::status_from_json(from); });
    stable([](const json::object& from) { return agent::started_from_json(from); });
    if (const auto identity = agent::identity_of(object)) {
        check(agent::identity_of(agent::to_json(*identity)) == identity, "whose it is stays the same", line);
    }
}

}  // namespace

void agent_answers(std::string_view input) {
    static const Listener listener;
    const auto lines = split(input, "\n", 16);
    for (const std::string_view line : lines) check_shapes(line);
    boost::asio::io_context io(1);
    std::size_t ended = 0;
    {
        AgentClient client(io.get_executor(), agent::ConnectOptions{listener.path(), ::geteuid()});
        constexpr Duration kBudget = std::chrono::seconds(20);
        start(io, client.status("one", kBudget), ended);
        start(io, client.list("", kBudget), ended);
        start(io,
              client.start({.name = "one", .program = "redis-server", .args = {}, .stdin_file = "", .tag = ""},
                           kBudget),
              ended);
        start(io, client.log_tail("one", kBudget), ended);
        start(io, client.create_instance("one", {}, {}, false, kBudget), ended);
        io.poll();
        {
            const UniqueFd helper = listener.accept();
            check(static_cast<bool>(helper), "the client has come");
            for (const std::string_view line : lines) {
                ::send(helper.get(), line.data(), std::min(line.size(), agent::kMaxMessage), MSG_NOSIGNAL);
                io.poll();
            }
        }
        io.run();
    }
    check(ended == 5, "every question ends");
}

}  // namespace slipway::fuzz
