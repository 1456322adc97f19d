#include "agent/client.h"

#include <unordered_map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/seq_packet_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"

namespace slipway::agent {

namespace asio = boost::asio;

namespace {

using Protocol = asio::generic::seq_packet_protocol;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxPending = 1024;
constexpr int kExitWait = 3000;  // milliseconds

// Reaps a helper without ever blocking for long; it ends by itself once its connection is closed.
void reap(pid_t pid) {
    if (pid <= 0) return;
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    if (pidfd && !wait_exit(pidfd, kExitWait)) send_signal(pidfd, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

}  // namespace

class AgentClient::Core : public std::enable_shared_from_this<Core> {
  public:
    Core(asio::any_io_executor executor, Options options)
        : executor_(std::move(executor)), options_(std::move(options)) {}

    Task<Answer<json::object>> call(std::string verb, json::object request, Duration budget);
    void close();

    std::optional<Hello> hello_;
    pid_t pid_ = 0;

  private:
    struct Waiter {
        explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        std::optional<Answer<json::object>> answer;
    };
    using Socket = Protocol::socket;

    Answer<void> open();
    void send(std::shared_ptr<const std::string> message);
    Task<void> read(std::shared_ptr<Socket> socket, pid_t pid);
    void deliver(std::string_view message);
    void lost(const std::shared_ptr<Socket>& socket, pid_t pid);
    void reap_later(pid_t pid);

    asio::any_io_executor executor_;
    Options options_;
    std::shared_ptr<Socket> socket_;
    std::unordered_map<std::int64_t, std::shared_ptr<Waiter>> pending_;
    std::int64_t next_id_ = 1;
    bool closed_ = false;
    bool greeted_ = false;  // the present helper has said hello
    std::uint32_t failed_opens_ = 0;
    std::chrono::steady_clock::time_point not_before_{};
};

Answer<void> AgentClient::Core::open() {
    if (closed_) return refuse(FailureCode::unavailable, "the helper's client is closed");
    if (socket_) return {};
    // A helper that cannot live (e.g. no right to its root) is not started in a tight loop.
    if (std::chrono::steady_clock::now() < not_before_) {
        return refuse(FailureCode::unavailable, "the helper process ended as soon as it was started");
    }
    Answer<Link> link = std::holds_alternative<SpawnOptions>(options_)
                            ? spawn(std::get<SpawnOptions>(options_))
                            : connect(std::get<ConnectOptions>(options_));
    if (!link) return std::unexpected(link.error());
    socket_ = std::make_shared<Socket>(executor_, Protocol(AF_UNIX, 0), link->socket.release());
    pid_ = link->pid;
    greeted_ = false;
    asio::co_spawn(
        executor_, [self = shared_from_this(), socket = socket_, pid = pid_] { return self->read(socket, pid); },
        asio::detached);
    send(std::make_shared<const std::string>(R"({"id":0,"verb":"hello"})"));
    return {};
}

void AgentClient::Core::send(std::shared_ptr<const std::string> message) {
    const asio::const_buffer buffer = asio::buffer(*message);
    // A failure to send shows as the end of the connection to the reader.
    socket_->async_send(buffer, 0, [message = std::move(message), socket = socket_](auto error, std::size_t) {
        if (error && error != asio::error::operation_aborted) {
            boost::system::error_code ignored;
            socket->shutdown(Socket::shutdown_both, ignored);
        }
    });
}

Task<void> AgentClient::Core::read(std::shared_ptr<Socket> socket, pid_t pid) {
    const auto self = shared_from_this();
    std::string message(kMaxMessage * 2, '\0');
    for (;;) {
        asio::socket_base::message_flags flags = 0;
        const auto received = co_await socket->async_receive(asio::buffer(message), flags, kAwait);
        if (std::get<0>(received) || std::get<1>(received) == 0) break;
        deliver(std::string_view(message).substr(0, std::get<1>(received)));
    }
    lost(socket, pid);
}

void AgentClient::Core::deliver(std::string_view message) {
    Result<json::value> parsed = json::parse(message);
    if (!parsed || !parsed->is_object()) return;
    json::object& answer = parsed->as_object();
    const std::int64_t id = json::get_int(answer, "id", -1);
    if (id == 0) {
        hello_ = hello_from_json(answer);
        greeted_ = true;
        failed_opens_ = 0;
        return;
    }
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;  // late: its caller has gone
    const auto waiter = found->second;
    pending_.erase(found);
    if (const json::value* error = answer.if_contains("error"); error != nullptr && error->is_object()) {
        const json::object& object = error->as_object();
        waiter->answer = refuse(parse_failure_code(json::get_string(object, "code")).value_or(FailureCode::io),
                                json::get_string(object, "message"));
    } else {
        waiter->answer = std::move(answer);
    }
    waiter->timer.cancel();
}

void AgentClient::Core::lost(const std::shared_ptr<Socket>& socket, pid_t pid) {
    if (!closed_) reap_later(pid);
    if (socket_ != socket) return;
    socket_.reset();
    pid_ = 0;
    if (!greeted_) {
        failed_opens_ = std::min(failed_opens_ + 1, 7U);
        not_before_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(8U << failed_opens_);
    }
    const auto pending = std::exchange(pending_, {});
    for (const auto& each : pending) {
        each.second->answer = refuse(FailureCode::unknown, "the helper process ended before it answered");
        each.second->timer.cancel();
    }
}

void AgentClient::Core::reap_later(pid_t pid) {
    if (pid <= 0 || ::waitpid(pid, nullptr, WNOHANG) != 0) return;
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
    if (pidfd < 0) return;
    const auto descriptor = std::make_shared<asio::posix::stream_descriptor>(executor_, pidfd);
    descriptor->async_wait(asio::posix::stream_descriptor::wait_read, [descriptor, pid](auto error) {
        if (!error) ::waitpid(pid, nullptr, WNOHANG);
    });
}

Task<Answer<json::object>> AgentClient::Core::call(std::string verb, json::object request, Duration budget) {
    const auto self = shared_from_this();
    if (budget <= Duration::zero()) co_return refuse(FailureCode::unavailable, "there was no time left to ask");
    if (const Answer<void> opened = open(); !opened) co_return std::unexpected(opened.error());
    if (pending_.size() >= kMaxPending) co_return refuse(FailureCode::unavailable, "the helper has too much to do");
    const std::int64_t id = next_id_++;
    request["id"] = id;
    request["verb"] = verb;
    auto message = std::make_shared<const std::string>(json::dump(request));
    if (message->size() > kMaxMessage) co_return refuse(FailureCode::invalid, "the request is too large");
    const auto waiter = std::make_shared<Waiter>(executor_);
    waiter->timer.expires_after(budget);
    pending_.emplace(id, waiter);
    send(std::move(message));
    co_await waiter->timer.async_wait(kAwait);
    pending_.erase(id);
    if (waiter->answer) co_return std::move(*waiter->answer);
    co_return refuse(FailureCode::unknown, "the helper process did not answer in time");
}

void AgentClient::Core::close() {
    closed_ = true;
    boost::system::error_code ignored;
    if (socket_) socket_->close(ignored);
    socket_.reset();
    for (const auto& each : std::exchange(pending_, {})) {
        each.second->answer = refuse(FailureCode::unknown, "the helper's client was closed");
        each.second->timer.cancel();
    }
    reap(std::exchange(pid_, 0));
}

AgentClient::AgentClient(asio::any_io_executor executor, Options options)
    : core_(std::make_shared<Core>(std::move(executor), std::move(options))) {}

AgentClient::~AgentClient() { core_->close(); }

const std::optional<Hello>& AgentClient::known() const { return core_->hello_; }
pid_t AgentClient::helper_pid() const { return core_->pid_; }

Task<Answer<json::object>> AgentClient::call(std::string verb, json::object request, Duration budget) {
    return core_->call(std::move(verb), std::move(request), budget);
}

Task<Answer<Hello>> AgentClient::hello(Duration budget) {
    const Answer<json::object> answer = co_await core_->call("hello", {}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return hello_from_json(*answer);
}

Task<Answer<bool>> AgentClient::create_instance(std::string name, json::object meta, std::vector<FileContent> files,
                                                bool start_follows, Duration budget, Seed seed) {
    json::array contents;
    for (const FileContent& each : files) {
        contents.emplace_back(json::object{{"file", each.file}, {"content", each.content}});
    }
    json::object request{{"name", name},
                         {"meta", std::move(meta)},
                         {"files", std::move(contents)},
                         {"start_follows", start_follows}};
    add_seed(request, seed);
    const Answer<json::object> answer = co_await core_->call("create_instance", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_bool(*answer, "made");
}

Task<Answer<bool>> AgentClient::write_file(std::string name, Identity identity, FileContent file, Duration budget) {
    json::object request = to_json(identity);
    request["name"] = name;
    request["file"] = file.file;
    request["content"] = file.content;
    const Answer<json::object> answer = co_await core_->call("write_file", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_bool(*answer, "changed");
}

Task<Answer<Started>> AgentClient::start(StartRequest request, Duration budget) {
    const Answer<json::object> answer = co_await core_->call("start", to_json(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return started_from_json(*answer);
}

Task<Answer<InstanceStatus>> AgentClient::status(std::string name, Duration budget) {
    const Answer<json::object> answer = co_await core_->call("status", {{"name", name}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return status_from_json(*answer);
}

Task<Answer<bool>> AgentClient::signal(std::string name, Process process, Signal signal, Duration budget) {
    json::object request{
        {"name", name}, {"pid", process.pid}, {"start_time", process.start_time}, {"signal", to_string(signal)}};
    const Answer<json::object> answer = co_await core_->call("signal", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_bool(*answer, "sent");
}

Task<Answer<std::int64_t>> AgentClient::kill_rest(std::string name, Identity identity, Duration budget) {
    json::object request = to_json(identity);
    request["name"] = name;
    const Answer<json::object> answer = co_await core_->call("kill_rest", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_int(*answer, "killed");
}

Task<Answer<void>> AgentClient::remove_instance(std::string name, Identity identity, Duration budget) {
    json::object request = to_json(identity);
    request["name"] = name;
    const Answer<json::object> answer = co_await core_->call("remove_instance", std::move(request), budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Answer<void>{};
}

Task<Answer<ListPage>> AgentClient::list(std::string after, Duration budget) {
    const Answer<json::object> answer = co_await core_->call("list", {{"after", after}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    ListPage page;
    page.next = json::get_string(*answer, "next");
    if (const json::value* items = answer->if_contains("instances"); items != nullptr && items->is_array()) {
        for (const json::value& each : items->as_array()) {
            if (each.is_object()) page.instances.push_back(status_from_json(each.as_object()));
        }
    }
    co_return page;
}

Task<Answer<std::string>> AgentClient::log_tail(std::string name, Duration budget) {
    const Answer<json::object> answer = co_await core_->call("log_tail", {{"name", name}}, budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return json::get_string(*answer, "text");
}

}  // namespace slipway::agent
