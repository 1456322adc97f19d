#include "http/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "http/connection.h"
#include "http/core.h"
#include "http/io_thread.h"
#include "http/listen.h"

namespace slipway::http {

namespace asio = boost::asio;
using boost::system::error_code;

class Server::Impl {
  public:
    Impl(ServerOptions options, Router router, const Clock& clock, Random& random)
        : core(std::move(options), std::move(router), clock) {
        const std::size_t count = std::max<std::size_t>(core.options.threads, 1);
        for (std::size_t i = 0; i < count; ++i) {
            threads.push_back(std::make_unique<IoThread>(core, random.alphanumeric(12)));
        }
    }

    Status start();
    Status reload_tls();
    void drain(Duration grace);
    void stop(Duration grace);

    Core core;
    std::vector<Listener> listeners;
    std::vector<std::unique_ptr<IoThread>> threads;

  private:
    Status bind_all();
    Task<void> accept(Acceptor& acceptor, const Listener& listener);
    void admit(IoThread& thread, const Listener& listener, Socket socket);
    bool wait_until_none(Duration longest);

    std::vector<Acceptor> acceptors_;  // on the first thread
    std::size_t next_thread_ = 0;
    bool started_ = false;
};

Status Server::Impl::bind_all() {
    if (core.options.listen.empty()) return fail(ErrorCode::invalid_argument, "no address to listen on");
    for (const std::string& address : core.options.listen) {
        auto acceptor = listen_on(threads.front()->context(), address);
        if (!acceptor) return fail(std::move(acceptor.error()));
        error_code error;
        const auto bound = acceptor->local_endpoint(error);
        if (error) return fail(ErrorCode::unavailable, "cannot listen on " + address + ": " + error.message());
        listeners.push_back({listeners.size(), to_text(bound), bound.port(), bound.address().is_loopback()});
        acceptors_.push_back(std::move(*acceptor));
    }
    return {};
}

Status Server::Impl::start() {
    if (started_) return fail(ErrorCode::conflict, "the server has been started before");
    if (const Status good = core.router.check(); !good) return good;
    if (core.options.tls) {
        auto tls = TlsContext::load(*core.options.tls);
        if (!tls) return fail(std::move(tls.error()));
        core.set_tls(std::move(*tls));
    }
    if (const Status bound = bind_all(); !bound) {
        acceptors_.clear();
        listeners.clear();
        return bound;
    }
    started_ = true;
    core.accepting = acceptors_.size();
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        asio::co_spawn(
            threads.front()->context(), [this, i] { return accept(acceptors_[i], listeners[i]); },
            [this](const std::exception_ptr& failure) {
                if (failure) log::error("http", "a listener ended with an exception");
                core.listener_ended();
            });
    }
    for (const auto& thread : threads) thread->start();
    return {};
}

Status Server::Impl::reload_tls() {
    if (!core.options.tls) return fail(ErrorCode::conflict, "the server does not speak TLS");
    auto tls = TlsContext::load(*core.options.tls);
    if (!tls) return fail(std::move(tls.error()));
    const Certificate& next = (*tls)->certificate();
    const TimePoint now = core.clock.now();
    if (now < next.not_before || now > next.not_after) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: is valid from {} to {} only: renew it", core.options.tls->certificate.string(),
                                format_time(next.not_before), format_time(next.not_after)));
    }
    core.set_tls(std::move(*tls));
    return {};
}

// One listener for all threads, which are served in turn. (A listener per thread, by SO_REUSEPORT, would let the
// kernel put all of a few busy clients on one thread, and let a second server share the port unnoticed.)
Task<void> Server::Impl::accept(Acceptor& acceptor, const Listener& listener) {
    while (!core.stopping.load(std::memory_order_relaxed)) {
        IoThread& thread = *threads[next_thread_++ % threads.size()];
        error_code error;
        Socket socket =
            co_await acceptor.async_accept(thread.context(), asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            admit(thread, listener, std::move(socket));
            continue;
        }
        if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
        if (error == asio::error::connection_aborted) continue;
        // No descriptors or no memory: trying again at once would only burn the processor.
        log::warning("http", "cannot accept connections",
                     {{"listener", listener.address}, {"cause", error.message()}});
        asio::steady_timer timer(threads.front()->context(), std::chrono::milliseconds(100));
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

void Server::Impl::admit(IoThread& thread, const Listener& listener, Socket socket) {
    const std::size_t most = core.options.max_connections;
    const std::size_t now = core.connections.fetch_add(1) + 1;
    if (now > most) core.refused.fetch_add(1, std::memory_order_relaxed);
    if (now > most + std::max<std::size_t>(most / 16, 16)) {
        core.connection_ended();
        return;
    }
    thread.accepted.fetch_add(1, std::memory_order_relaxed);
    Connection::start(std::make_shared<Connection>(core, thread, listener, std::move(socket), now > most));
}

bool Server::Impl::wait_until_none(Duration longest) {
    std::unique_lock lock(core.mutex);
    return core.none_left.wait_for(lock, longest,
                                   [this] { return core.connections.load() == 0 && core.accepting == 0; });
}

void Server::Impl::drain(Duration grace) {
    if (!started_ || core.stopping.exchange(true)) return;
    asio::post(threads.front()->context(), [this] {
        error_code ignored;
        for (Acceptor& acceptor : acceptors_) acceptor.close(ignored);
    });
    for (const auto& thread : threads) {
        asio::post(thread->context(), [&thread = *thread] { thread.begin_stop(); });
    }
    if (wait_until_none(grace)) return;
    if (grace > Duration::zero()) {
        log::warning("http", "connections are cut at the end of the grace period",
                     {{"connections", fmt::format("{}", core.connections.load())}});
    }
    for (const auto& thread : threads) {
        asio::post(thread->context(), [&thread = *thread] { thread.cut(); });
    }
    // What waited for its client ends now. A handler that waits for something else cannot be ended from here.
    wait_until_none(std::chrono::milliseconds(100));
}

void Server::Impl::stop(Duration grace) {
    drain(grace);
    for (const auto& thread : threads) thread->stop_and_join();
    // Without grace the threads may have ended before they closed these.
    error_code ignored;
    for (Acceptor& acceptor : acceptors_) acceptor.close(ignored);
}

Server::Server(ServerOptions options, Router router, const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(router), clock, random)) {}

Server::~Server() { impl_->stop(Duration::zero()); }

Status Server::start() { return impl_->start(); }
Status Server::reload_tls() { return impl_->reload_tls(); }
std::optional<Certificate> Server::certificate() const {
    const auto tls = impl_->core.current_tls();
    return tls ? std::optional(tls->certificate()) : std::nullopt;
}
const std::vector<Listener>& Server::listeners() const { return impl_->listeners; }
void Server::drain(Duration grace) { impl_->drain(grace); }
void Server::stop(Duration grace) { impl_->stop(grace); }

std::vector<asio::any_io_executor> Server::executors() const {
    std::vector<asio::any_io_executor> out;
    for (const auto& thread : impl_->threads) out.emplace_back(thread->context().get_executor());
    return out;
}

ServerStats Server::stats() const {
    ServerStats out{.connections = impl_->core.connections.load(),
                    .handlers = impl_->core.handlers.load(),
                    .refused = impl_->core.refused.load(),
                    .failed_handshakes = impl_->core.failed_handshakes.load(),
                    .accepted = {}};
    for (const auto& thread : impl_->threads) out.accepted.push_back(thread->accepted.load());
    return out;
}

}  // namespace slipway::http
