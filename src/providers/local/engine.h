// What the local provider has to know of one kind of engine: how it is started, who answers on its port, what can
// be changed while it runs. Directories, processes, locks, ports, restarts and removals are the same for all of
// them and stay in the provider.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "agent/protocol.h"
#include "domain/live_engines.h"
#include "providers/deadline.h"
#include "providers/provider.h"
#include "providers/sql/server_tls.h"

namespace slipway::local {

// Files of every engine that speaks TLS.
inline constexpr std::string_view kCertificateFile = "server.pem";
inline constexpr std::string_view kCertificateKeyFile = "server.key";

// What can be changed while the engine runs.
struct OnlineSetting {
    std::string name;
    std::string value;
    friend bool operator==(const OnlineSetting&, const OnlineSetting&) = default;
};

// How one instance is started. Pure data; holds hashes of passwords, never passwords. Of an engine that speaks TLS
// one of the files is its key.
struct Setup {
    std::uint16_t port = 0;
    std::vector<std::string> args;
    std::vector<agent::FileContent> files;
    std::string stdin_file;             // one of `files`, or "" for none
    agent::Seed seed;                   // what a new instance's data begins with
    std::string tag;                    // a digest of all but the online settings: when it differs, restart
    std::vector<OnlineSetting> online;  // already true of an engine that was started with this
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // bytes of one file; 0: no limit
    std::uint64_t memory = 0;     // bytes of data; 0: no limit of the system's
    bool password = false;        // whether the tenant needs one
};

// An engine that may be up: where, which process it has to be, and what it was told.
struct Contact {
    std::string address;
    std::uint16_t port = 0;
    agent::Process process;
    std::uint64_t generation = 1;
    std::string salt = {};  // differs between any two instances; no secret
};

enum class Login : std::uint8_t {
    pong,
    loading,   // its data is being read
    strained,  // certainly ours, but it cannot serve everything now (script, disk, connections)
    denied,    // who answers is not the engine that it should be
    stale,     // certainly ours, but its tenant's login or its certificate is not what it should be: apply() sets
               // the one, and has it read the other from its files again
    refused,   // nobody listens
    silent,    // no answer in time
};

// Who answered, and in its own words what it is: empty where the engine has no use for that.
struct Greeting {
    Login login = Login::silent;
    std::string version = {};

    Greeting() = default;
    // Implicit: a login alone is one.
    Greeting(Login seen, std::string says = {}) : login(seen), version(std::move(says)) {}
};

struct EngineFacts {
    Kind kind = Kind::cache;
    std::string name;                    // "redis"
    std::string scheme;                  // of endpoints
    std::string program;                 // on the helper's list
    std::string package;                 // what to install where the program is missing
    std::vector<std::string> secrets;    // besides the tenant's password
    bool keeps_data = true;              // whether a restart brings back what was in it
    bool log_holds_client_data = false;  // what it prints may hold what clients sent: never repeated
    std::string administrator = {};      // the login that Slipway has in it, where others have to know that
    agent::Signal gently = agent::Signal::terminate;  // so that it writes what it has and ends
    Duration end_time = std::chrono::seconds(5);      // for that
    // An answer that takes longer is none, and a living engine that gives none for longer hangs.
    Duration patience = std::chrono::seconds(1);
    // It listens before it does anything else, and goes on where it got only some of its addresses: one that lives
    // and is not heard on the first of them will never be.
    bool may_miss_address = false;
};

// Without state: one object serves every instance, on the provider's executor.
class Engine {
  public:
    virtual ~Engine() = default;

    [[nodiscard]] virtual const EngineFacts& facts() const = 0;
    // A wrong parameter is a permanent error that names it.
    [[nodiscard]] virtual std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const = 0;
    // Proves that who answers is this very engine. With `tenant` also that its tenant can log in.
    virtual Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant,
                                  Deadline deadline) const = 0;
    // Brings the online settings, and a stale login, to what they are to be. False where the engine did not take
    // them.
    virtual Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const = 0;
    // For LiveEngines; engines that have no such thing say so.
    virtual Task<Result<std::vector<Statistic>>> statistics(Contact contact, Deadline deadline) const;
    virtual Task<Status> flush(Contact contact, Deadline deadline) const;
};

std::unique_ptr<Engine> make_redis_engine();
std::unique_ptr<Engine> make_memcached_engine();
using sql::SharedTls;
// Null: without TLS.
std::unique_ptr<Engine> make_postgres_engine(SharedTls tls = nullptr);
std::unique_ptr<Engine> make_mariadb_engine(SharedTls tls = nullptr);

}  // namespace slipway::local
