// What may be wrong with this machine and with the server on it. Starts no service and changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.h"
#include "cli/api.h"

namespace slipway::cli {

enum class Severity : std::uint8_t { ok, warning, problem };
std::string_view to_string(Severity severity);

struct Finding {
    std::string check;
    Severity severity = Severity::ok;
    std::string message;
    std::string fix;  // never empty but where all is well
};

// Checks that need no server, for where none answers: they know no configuration. One that answers tells of its own
// machine what is so.
//
// Engines: installed, and of a version that serves. One that is missing is a problem only where all others are,
// too.
Finding check_redis(const std::string& search_path);
struct OptionalEngine {
    std::string_view program;
    std::string_view package;
    std::string_view what;  // that needs it, to go before "wanted"
};
inline constexpr std::array<OptionalEngine, 3> kOptionalEngines{
    {{"memcached", "memcached", "caches of it are"},
     {"postgres", "postgresql-15", "databases of PostgreSQL are"},
     {"mariadbd", "mariadb-server-core", "databases of MySQL are"}}};
Finding check_optional_engine(const OptionalEngine& engine, const std::string& search_path);
// Whether the kernel may take engines' ports for outgoing connections: `range_file` holds "FIRST LAST".
Finding check_engine_ports(const std::string& range_file = kOutgoingPorts);
// Whether a server could listen there; asked only where none answers.
Finding check_listen_port(std::uint16_t port);
// Whether something keeps the machine's clock right.
Finding check_clock();
// Against the Date of a server's answer (RFC 9110), as both are read now.
Finding check_skew(const std::string& date, TimePoint now);
Finding check_names();
Finding check_ipv6();
Finding check_open_files();
Finding check_privileges(bool root);
// Permissions (of the keys in it, too), free space and the time an fsync takes.
std::vector<Finding> check_state_dir(const std::string& path);

Outcome<Exit> doctor(Api& api, const std::string& state_dir, bool json);

}  // namespace slipway::cli
