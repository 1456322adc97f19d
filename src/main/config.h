// The configuration of `slipway serve`: every setting with its default, and how it is read from a TOML file.
// docs/configuration.md is its manual.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocol.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "domain/catalog.h"
#include "providers/sql/server_tls.h"

namespace slipway {

// What may be opened to callers without a key on every address, by name.
inline constexpr std::array<std::string_view, 4> kOpenFaces{"redis", "memcached", "ec2", "metrics"};
// Faces that are to come, and whose protocols have no authentication either.
inline constexpr std::array<std::string_view, 1> kFacesToCome{"bigdata"};

struct ServerConfig {
    std::vector<std::string> listen = {};  // "ADDR:PORT"; empty: the default listeners
    std::size_t threads = 0;               // 0: one for each core, 2 to 16
    Duration wait_limit = std::chrono::seconds(60);
    Duration stop_grace = std::chrono::seconds(10);
    std::size_t max_body = 1024UL * 1024;  // bytes
    std::size_t max_connections = 10'000;
    std::size_t max_requests = 4'096;  // under way at once
    bool access_log = true;
    std::set<std::string, std::less<>> allow_anonymous = {};  // faces
    std::string tls_cert = {};                                // PEM files; empty, both of them: plain HTTP
    std::string tls_key = {};
};

struct LogConfig {
    log::Level level = log::Level::info;
    log::Format format = log::Format::text;
};

struct BrokerConfig {
    std::string name_prefix = "oct";
    Duration provision_limit = std::chrono::minutes(15);
    Duration idempotency_ttl = std::chrono::hours(24);
    Duration rest = std::chrono::minutes(1);
    std::uint64_t quota = 10'000;
    Duration log_age = std::chrono::hours(24 * 30);  // of an operation's log, from its last line on
};

struct LocalConfig {
    std::string domain = "localhost";
    std::vector<std::string> bind = {"127.0.0.1", "::1"};
    std::int64_t port_first = 20'000;
    std::int64_t port_last = 29'999;
    std::int64_t uid_first = 210'000;
    std::int64_t uid_last = 299'999;
    std::uint32_t concurrency = 16;
    std::string helper_socket = {};  // empty: a helper of our own is started
    std::uint32_t helper_uid = 0;    // whom we trust behind the socket
};

struct DatabasesConfig {
    sql::TlsMode tls = sql::TlsMode::off;  // of database servers that are made here
    std::string tls_certificate = {};      // PEM files; where it is not off
    std::string tls_key = {};
};

struct MachinesConfig {
    std::string subnet = "10.213.0.0/24";  // of machines of this host
    std::string bridge;                    // of the host's, to be joined to; empty: none
    std::string gateway;                   // with a bridge: the router of its network
    std::string addresses;                 // "FIRST-LAST" to be given out; empty: all but the host's
    std::vector<std::string> nameservers;  // whom machines ask for names
    std::uint32_t boots = 2;               // at once
    std::string acceleration = "auto";     // "auto", "kvm", "emulation"
    std::uint32_t container_uids = agent::kContainerUids;  // the first that containers' own stand for
    std::uint32_t playbooks = 2;                           // that run at once
};

// An image that the server brings into the store by itself: one of file and url.
struct ImageConfig {
    std::string name;
    std::filesystem::path file;  // absolute
    std::string url;
    std::string sha256;  // of the file as it is there; "": it is believed as it is
};

struct DummyConfig {
    std::uint32_t concurrency = 64;  // 0: what is asked for stays queued
};

struct BackgroundConfig {
    Duration reconcile_interval = std::chrono::seconds(30);
    bool sweep_dry_run = true;
    Duration sweep_grace = std::chrono::hours(1);
    Duration sweep_interval = std::chrono::minutes(10);
};

struct HarbourMasterConfig {
    std::string engine = "postgres";  // of databases and instances where nobody says one
    // What may be asked for.
    std::vector<std::string> postgres_versions = {"9.5", "9.6", "10", "11"};
    std::vector<std::string> mysql_versions = {"5.5", "5.6", "5.7", "8.0"};
    Duration rotation_grace = std::chrono::hours(24);  // for which the former password of a rotation stays good
};

struct Ec2Config {
    std::string engine = "vm";  // of the machines that the EC2 API makes
    std::string plan = "tiny";  // and their plan; where there is none of this name, it makes none
};

struct WebhookConfig {
    bool allow_private = false;  // to addresses of this machine and of private networks
};

struct Config {
    ServerConfig server;
    LogConfig log;
    BrokerConfig broker;
    LocalConfig local;
    DatabasesConfig databases = {};
    MachinesConfig machines = {};
    DummyConfig dummy;
    BackgroundConfig background;
    WebhookConfig webhooks = {};
    HarbourMasterConfig harbourmaster = {};
    Ec2Config ec2 = {};
    std::vector<ImageConfig> images = {};
    std::vector<Plan> plans;
};

// The plans of a server without any in its configuration: small, medium and large of each engine.
std::vector<Plan> default_plans();
Config default_config();

// Errors: invalid_argument; `problems` has all of them, each `field` being "FILE:LINE: key".
Result<Config> parse_config(std::string_view text, std::string_view file_name);
// Also when the file cannot be read or is larger than 1 MiB.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace slipway
