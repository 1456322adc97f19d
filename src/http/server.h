// An HTTP/1.1 server: one event loop per thread, each connection on one of them for its whole life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "http/message.h"
#include "http/router.h"
#include "http/tls.h"

namespace slipway::http {

// What is known of a request once it is answered. Views last for the call only.
struct RequestSummary {
    std::optional<Method> method;  // nullopt: unknown or unreadable
    std::string_view label;        // the route's label, or "unmatched"
    int status = 0;
    std::size_t bytes_in = 0;   // of the body
    std::size_t bytes_out = 0;  // of the body
    Duration duration{};        // from the whole head to the answer, by a clock that never jumps
    std::string_view request_id;
    std::string_view peer;
    std::size_t listener = 0;
    bool tls = false;
};

struct ServerOptions {
    // "ADDR:PORT" each: "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80". Port 0: the kernel chooses. IPv6 addresses
    // take IPv6 only.
    std::vector<std::string> listen = {"127.0.0.1:8080"};
    std::size_t threads = 2;  // at least 1
    // Every listener then speaks TLS (1.2 and 1.3), and answers plain HTTP by a 400. nullopt: plain HTTP.
    std::optional<TlsFiles> tls = {};

    std::size_t header_bytes = 16UL * 1024;       // request line, fields and all: 431 beyond
    std::size_t request_line_bytes = 8UL * 1024;  // 414 beyond
    std::size_t header_fields = 100;              // 431 beyond
    std::size_t body_bytes = 1024UL * 1024;       // 413 beyond; routes may have their own

    // From the first byte of a head to its end: 408. A TLS handshake may take as long, or is cut.
    Duration header_timeout = std::chrono::seconds(10);
    // A body may take this long plus its received bytes / min_rate: 408. An answer may take write_timeout plus its
    // bytes / min_rate until the client has taken it: the connection is cut.
    Duration body_timeout = std::chrono::seconds(30);
    Duration write_timeout = std::chrono::seconds(30);
    std::size_t min_rate = 1024;  // bytes per second, at least 1
    Duration idle_timeout = std::chrono::seconds(75);
    Duration linger_timeout = std::chrono::seconds(2);  // for a client to read an answer that came early

    // Beyond it new connections get a 503; far beyond it, and under TLS, they are closed unanswered.
    std::size_t max_connections = 10'000;
    std::size_t max_requests_per_connection = 0;  // 0: no limit
    std::size_t max_handlers = 4'096;             // running at once; 503 beyond

    bool access_log = true;
    // Called on the connections' threads, so it must be thread-safe, and must not throw.
    std::function<void(const RequestSummary&)> observer = {};
};

struct Listener {
    std::size_t index = 0;
    std::string address;  // as bound, "127.0.0.1:43117"
    std::uint16_t port = 0;
    bool loopback = false;
};

struct ServerStats {
    std::size_t connections = 0;          // open now
    std::size_t handlers = 0;             // running now
    std::uint64_t refused = 0;            // connections refused since the start because there were too many
    std::uint64_t failed_handshakes = 0;  // TLS handshakes that came to nothing since the start
    std::vector<std::uint64_t> accepted;  // by thread, since the start
};

// start, drain, stop and the destructor belong to one thread, which is none of the server's own.
class Server {
  public:
    // `clock` and `random` must outlive the server; `clock` is called from all its threads, `random` only here.
    // Timeouts and durations do not follow `clock`: sockets live in real time.
    Server(ServerOptions options, Router router, const Clock& clock, Random& random);
    // Stops without grace. Coroutines still suspended on executors() are destroyed here, not by stop(): what may
    // wake them from outside (threads of a store) must be gone before.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds all addresses, or none; then starts the threads. Once only. The error names the address and the cause:
    // invalid_argument (not an address, mistakes in the router), conflict (in use), forbidden (not permitted),
    // unavailable (anything else). First of all it reads the certificate and the key: invalid_argument or
    // forbidden, with the file and what is wrong with it.
    Status start();

    // Reads the certificate and the key again: connections from now on get the new ones, those there are keep
    // theirs. On an error, also for one that is not valid now, everything stays as it was. Any thread.
    Status reload_tls();
    // What new connections get; nullopt without TLS. Any thread.
    [[nodiscard]] std::optional<Certificate> certificate() const;

    [[nodiscard]] const std::vector<Listener>& listeners() const;  // after start

    // Graceful: accepts no more, closes idle connections, lets requests in flight finish (their answers say
    // `Connection: close`), cuts what is left after `grace`. Other work on the executors goes on.
    void drain(Duration grace);
    // drain, then ends the threads and joins them. Work still waiting on the executors does not run again.
    void stop(Duration grace);

    // One per thread, usable from construction on (work runs once started). Spawn other work of the same process
    // here, and keep each coroutine on one of them.
    [[nodiscard]] std::vector<boost::asio::any_io_executor> executors() const;

    [[nodiscard]] ServerStats stats() const;  // thread-safe

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
