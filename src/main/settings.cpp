#include "main/settings.h"

#include <charconv>
#include <cstdlib>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/unexpected.h"
#include "main/plan_config.h"
#include "main/units.h"

namespace slipway {
namespace {

constexpr std::uint16_t kFirstPort = 3000;   // where clients of the Redis and the database broker look
constexpr std::uint16_t kSecondPort = 5000;  // where clients of the machine broker look

// The command line as it came; empty or false: not said.
struct Words {
    std::string state_dir;
    std::string config;
    std::string database_url;
    std::string provider;
    std::string log_format;
    std::string log_level;
    std::string tls_cert;
    std::string tls_key;
    std::vector<std::string> listen;
    std::vector<std::string> allow_anonymous;
    bool no_access_log = false;
    bool check_config = false;
};

void declare(CLI::App& app, Words& words) {
    app.add_option("--state-dir", words.state_dir, "Where everything durable is kept")->type_name("DIR");
    app.add_option("--listen", words.listen, "Address to listen on (may be repeated; port 0: the system chooses)")
        ->type_name("ADDR:PORT")
        ->allow_extra_args(false);
    app.add_option("--config", words.config, "Configuration in TOML (docs/configuration.md)")->type_name("FILE");
    app.add_option("--database-url", words.database_url, "A PostgreSQL store (not in this version)")
        ->type_name("URL");
    app.add_option("--provider", words.provider,
                   "Make everything with this provider, whatever the plans say: local, dummy (makes nothing)")
        ->type_name("NAME");
    app.add_option("--allow-anonymous", words.allow_anonymous,
                   "Faces open without a key on every address: redis, memcached, ec2, metrics (always open on "
                   "loopback)")
        ->type_name("FACE,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("--tls-cert", words.tls_cert, "Certificate chain (PEM): every listener then speaks https only")
        ->type_name("FILE");
    app.add_option("--tls-key", words.tls_key, "Its private key (PEM, not readable by others)")->type_name("FILE");
    app.add_option("--log-format", words.log_format, "Form of the log on standard error")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_option("--log-level", words.log_level, "What to log")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    app.add_flag("--no-access-log", words.no_access_log, "No line for each request");
    app.add_flag("--check-config", words.check_config, "Check the command line and the configuration, then exit");
}

Result<Words> parse(std::vector<std::string> arguments) {
    CLI::App app{
        "Runs the broker until SIGTERM or SIGINT.\n"
        "Exit status: 0 stopped as asked, 1 it could not run, 2 wrong usage or configuration.",
        "slipway serve"};
    Words words;
    declare(app, words);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream complaint;
        if (app.exit(error, out, complaint) == 0) return fail(ErrorCode::cancelled, out.str());
        const std::vector<std::string> left = app.remaining(true);
        return fail(Error{ErrorCode::invalid_argument,
                          "wrong usage",
                          {},
                          {{"slipway serve", left.empty() ? error.what() : cli::unexpected(left)}}});
    }
    return words;
}

class Merger {
  public:
    Merger(const Words& words, const Environment& environment) : words_(words), environment_(environment) {}

    Result<Settings> merge() {
        Settings settings;
        settings.check_only = words_.check_config;
        settings.config = default_config();
        if (!words_.config.empty()) {
            auto loaded = load_config(words_.config);
            if (loaded) {
                settings.config = std::move(*loaded);
            } else if (loaded.error().problems.empty()) {
                problem("--config", loaded.error().message);
            } else {
                problems_ = std::move(loaded.error().problems);
            }
        }
        refuse_what_is_not_here();
        listeners(settings.config);
        tls(settings.config.server);
        overrides(settings.config);
        settings.state_dir = words_.state_dir.empty() ? default_state_dir(environment_, ::geteuid() == 0)
                                                      : std::filesystem::path(words_.state_dir);
        if (settings.state_dir.empty())
            problem("--state-dir", "is needed where neither XDG_STATE_HOME nor HOME is set");
        if (problems_.empty()) return settings;
        return fail(Error{ErrorCode::invalid_argument, "the server cannot be started like this", {}, problems_});
    }

  private:
    void problem(std::string field, std::string what) { problems_.push_back({std::move(field), std::move(what)}); }

    std::string variable(const char* name) const { return environment_(name).value_or(""); }

    // The URL may hold a password: it is never repeated.
    void refuse_what_is_not_here() {
        const std::string sentence =
            "names a PostgreSQL store, which is not in this version: leave it unset, and the state is kept in the "
            "embedded store below --state-dir";
        if (!words_.database_url.empty()) problem("--database-url", sentence);
        if (!variable("BROKERDB").empty()) problem("BROKERDB", sentence);
        if (!words_.provider.empty() && words_.provider != "local" && words_.provider != "dummy") {
            problem("--provider", words_.provider == "aws"
                                      ? "aws is not in this version; the providers that there are: local, dummy"
                                      : fmt::format("{} is unknown; the providers that there are: local, dummy",
                                                    words_.provider));
        }
    }

    // HOST and PORT change the default listeners only: whoever names listeners means exactly those.
    void default_listeners(std::vector<std::string>& out) {
        HostPort first{"127.0.0.1", kFirstPort};
        HostPort second{"127.0.0.1", kSecondPort};
        if (const std::string host = variable("HOST"); !host.empty()) {
            first.host = host == "localhost" ? "127.0.0.1" : host;
            if (!is_address(first.host)) {
                problem("HOST", "must be a numeric address, e.g. 127.0.0.1; or name listeners by --listen");
                return;
            }
            second.host = first.host;
        }
        if (const std::string port = variable("PORT"); !port.empty()) {
            const auto parsed = std::from_chars(port.data(), port.data() + port.size(), first.port);
            if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) {
                problem("PORT", "must be a number from 0 to 65535");
                return;
            }
        }
        out.push_back(format_host_port(first));
        if (first.port != second.port) out.push_back(format_host_port(second));
    }

    void listeners(Config& config) {
        if (!words_.listen.empty()) config.server.listen = words_.listen;
        if (config.server.listen.empty()) default_listeners(config.server.listen);
        for (const std::string& each : config.server.listen) {
            const auto at = parse_host_port(each);
            if (!at) {
                problem("--listen",
                        fmt::format("{} is not ADDR:PORT with a numeric address, e.g. 127.0.0.1:3000 or "
                                    "[::1]:3000",
                                    each));
            } else if (at->port >= config.local.port_first && at->port <= config.local.port_last) {
                problem("--listen",
                        fmt::format("{} lies in the range that instances get their ports from: {} to {}", each,
                                    config.local.port_first, config.local.port_last));
            }
        }
    }

    void tls(ServerConfig& server) {
        if (!words_.tls_cert.empty()) server.tls_cert = words_.tls_cert;
        if (!words_.tls_key.empty()) server.tls_key = words_.tls_key;
        if (server.tls_cert.empty() == server.tls_key.empty()) return;
        const std::string_view given = server.tls_cert.empty() ? "tls_key" : "tls_cert";
        problem(server.tls_cert.empty() ? "--tls-cert (server.tls_cert)" : "--tls-key (server.tls_key)",
                fmt::format("is missing, and {} is given: TLS needs a certificate and its key", given));
    }

    void overrides(Config& config) {
        for (const std::string& face : words_.allow_anonymous) {
            if (std::ranges::find(kOpenFaces, face) == kOpenFaces.end()) {
                const bool to_come = std::ranges::find(kFacesToCome, face) != kFacesToCome.end();
                problem("--allow-anonymous",
                        fmt::format("{} is not {}; those are: {}", face,
                                    to_come ? "in this version, so that it cannot be among the faces that are open"
                                            : "a face that may be open",
                                    fmt::join(kOpenFaces, ", ")));
            }
            config.server.allow_anonymous.insert(face);
        }
        if (!words_.provider.empty()) {
            // What is real is made by whom it takes: a database by the server that it lives on, and so on.
            for (Plan& plan : config.plans) {
                plan.provider = words_.provider == "dummy" ? words_.provider : real_provider_of(plan);
            }
        }
        if (words_.log_format == "json") config.log.format = log::Format::json;
        if (words_.log_format == "text") config.log.format = log::Format::text;
        if (words_.log_level == "debug") config.log.level = log::Level::debug;
        if (words_.log_level == "info") config.log.level = log::Level::info;
        if (words_.log_level == "warning") config.log.level = log::Level::warning;
        if (words_.log_level == "error") config.log.level = log::Level::error;
        if (words_.no_access_log) config.server.access_log = false;
    }

    const Words& words_;
    const Environment& environment_;
    std::vector<FieldProblem> problems_;
};

}  // namespace

Environment process_environment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
}

std::filesystem::path default_state_dir(const Environment& environment, bool root) {
    if (root) return "/var/lib/slipway";
    const auto given = environment("XDG_STATE_HOME").value_or("");
    if (given.starts_with('/')) return std::filesystem::path(given) / "slipway";
    const auto home = environment("HOME").value_or("");
    if (home.starts_with('/')) return std::filesystem::path(home) / ".local" / "state" / "slipway";
    return {};
}

Result<Settings> read_settings(std::vector<std::string> words, const Environment& environment) {
    const auto parsed = parse(std::move(words));
    if (!parsed) return fail(parsed.error());
    return Merger(*parsed, environment).merge();
}

}  // namespace slipway
