// The built program as a child process, and what it left on the machine, seen from outside.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/testing.h"
#include "base/fd.h"
#include "base/json.h"

namespace slipway::testing {

// Ends with its object at the latest, whatever the test did.
class Program {
  public:
    // `environment` is all that it gets. Standard error goes to `log`.
    Program(std::vector<std::string> words, const std::map<std::string, std::string>& environment,
            const std::string& log);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    // The next line of standard output without its end; nullopt at the end of it or after the limit.
    std::optional<std::string> line(std::chrono::milliseconds limit = std::chrono::seconds(20));
    // Everything else on standard output, to its end.
    std::string rest();
    void signal(int number) const;
    // How it ended: its exit status, or 128 + the signal; nullopt where it lives on after the limit.
    std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(20));
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    bool receive(std::chrono::milliseconds limit);

    pid_t pid_ = 0;
    UniqueFd output_;
    std::string received_;
    std::optional<int> status_;
};

// A connection to a loopback port, for requests that are left alone.
class Connection {
  public:
    explicit Connection(std::uint16_t port);
    [[nodiscard]] bool send(std::string_view bytes) const;
    // Everything until `whole` says so, the peer closes or 20 s have passed.
    [[nodiscard]] std::string receive(const std::function<bool(const std::string&)>& whole) const;

  private:
    UniqueFd fd_;
};

struct Answer {
    int status = 0;  // 0: no answer came
    std::string body;
    [[nodiscard]] json::object object() const;
    [[nodiscard]] std::string text(std::string_view key) const { return json::get_string(object(), key); }
};

// A server on a state directory of its own that can be killed and started again. Whatever it started is gone with
// it.
class Site {
  public:
    Site();
    ~Site();
    // Ends the server and whatever it started, as this thread sees the file system: what works beneath a mount of
    // its own is found by nobody else.
    void clean_up();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    // Starts it, on a loopback port of the system's choice unless `words` name listeners, and waits until it
    // listens. `environment` is all that it gets.
    void start(std::vector<std::string> words = {}, const std::map<std::string, std::string>& environment = {});
    // Runs `slipway serve` with these words (and the state directory), to its end.
    int run_to_end(std::vector<std::string> words, const std::map<std::string, std::string>& environment = {});
    void kill();
    [[nodiscard]] int terminate();

    Answer request(const std::string& method, const std::string& target, const std::string& body = {},
                   const std::string& fields = {}) const;
    [[nodiscard]] Answer as_administrator(const std::string& method, const std::string& target,
                                          const std::string& body = {}) const;
    [[nodiscard]] std::string admin_key() const;
    void configure(const std::string& toml);

    [[nodiscard]] std::string state() const { return temp_.path() + "/state"; }
    [[nodiscard]] std::string log() const { return file_text(log_path()); }
    // Of the present or last run: the log of one that ends is whole once it has ended.
    [[nodiscard]] std::vector<std::string> log_lines_with(const std::string& text) const;
    [[nodiscard]] Program& program() { return *program_; }
    // Whom requests go to: the first listener, unless another was chosen.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    void use_listener(std::size_t index) { port_ = ports_.at(index); }
    // From before the program was started until it said that it listens.
    [[nodiscard]] std::chrono::microseconds start_time() const { return start_time_; }

    // The engine of one instance: looked up by its working directory.
    [[nodiscard]] std::vector<agent::Process> engines(const std::string& name = {}) const;
    [[nodiscard]] std::vector<agent::Process> processes() const;

  private:
    [[nodiscard]] std::string log_path() const { return temp_.path() + "/log"; }
    [[nodiscard]] std::vector<std::string> command(std::vector<std::string> words) const;

    TempRoot temp_;
    std::optional<Program> program_;
    std::string config_;
    std::vector<std::uint16_t> ports_;
    std::uint16_t port_ = 0;
    std::chrono::microseconds start_time_{};
};

// redis://USER:PASSWORD@HOST:PORT taken apart.
struct RedisUrl {
    explicit RedisUrl(const std::string& text);
    std::string user;
    std::string password;
    std::string host;
    std::string name;  // HOST up to its first dot
    std::uint16_t port = 0;
};
// The first line that the engine answers to a command sent after AUTH; for a bulk string its content; "" where it
// does not answer.
std::string redis(const RedisUrl& url, const std::vector<std::string>& words);

}  // namespace slipway::testing
