#include "providers/local/postgres_config.h"

#include "base/digest.h"
#include "providers/local/parameters.h"
#include "providers/sql/verifier.h"

namespace slipway::local {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

// Who may come in, from where: passwords only, nothing but TCP, and the administrator from this machine only.
std::string access(const std::vector<std::string>& addresses, sql::TlsMode tls) {
    const std::string_view host = tls == sql::TlsMode::require ? "hostssl" : "host";
    std::string text;
    const auto allow = [&](const std::string& network) {
        text += fmt::format("{} all {} {} scram-sha-256\n", host, agent::kManagementRole, network);
    };
    allow("127.0.0.0/8");
    allow("::1/128");
    for (const std::string& each : own_addresses(addresses)) allow(each + (each.contains(':') ? "/128" : "/32"));
    text += fmt::format("host all {} all reject\n", agent::kManagementRole);
    text += fmt::format("{} all all all scram-sha-256\n", host);
    return text;
}

std::string encryption(sql::TlsMode tls) {
    if (tls == sql::TlsMode::off) return "ssl = off\n";
    return fmt::format(
        "ssl = on\nssl_cert_file = '{0}/{1}'\nssl_key_file = '{0}/{2}'\n"
        "ssl_min_protocol_version = 'TLSv1.2'\n{3} = '{4}'\n",
        agent::kInstancePath, kCertificateFile, kCertificateKeyFile, kPostgresTlsSetting, to_string(tls));
}

std::string configuration(std::uint16_t port, const std::vector<std::string>& addresses, std::int64_t connections,
                          std::int64_t buffers, sql::TlsMode tls) {
    std::string text = fmt::format("port = {}\nlisten_addresses = '{}'\n", port, fmt::join(addresses, ","));
    text += fmt::format("max_connections = {}\nsuperuser_reserved_connections = {}\nshared_buffers = {}kB\n",
                        connections + kReservedConnections, kReservedConnections, buffers / 1024);
    text += fmt::format("hba_file = '{}/{}'\n", agent::kInstancePath, kPostgresAccessFile);
    // Shared memory is kept in the data directory, so that nothing is left elsewhere when the engine is killed.
    // What is logged holds no statement and no value of a row: errors of clients are for the clients.
    text +=
        "unix_socket_directories = ''\n"
        "dynamic_shared_memory_type = mmap\n"
        "password_encryption = scram-sha-256\n";
    text += encryption(tls);
    text +=
        "fsync = on\n"
        "synchronous_commit = on\n"
        "full_page_writes = on\n"
        "wal_level = minimal\n"
        "max_wal_senders = 0\n"
        "min_wal_size = 16MB\n"
        "max_wal_size = 256MB\n"
        "log_destination = stderr\n"
        "logging_collector = off\n"
        "log_min_messages = log\n"
        "log_min_error_statement = panic\n"
        "log_statement = none\n"
        "log_min_duration_statement = -1\n"
        "log_parameter_max_length_on_error = 0\n"
        "log_connections = off\n"
        "log_disconnections = off\n"
        "log_checkpoints = off\n"
        "log_autovacuum_min_duration = -1\n"
        "timezone = UTC\n"
        "log_timezone = UTC\n"
        "jit = off\n";
    return text;
}

}  // namespace

std::string postgres_verifier(const Secret& password, std::string_view salt, std::string_view role) {
    return sql::scram_verifier(password, sha256(fmt::format("{} {}", salt, role)).substr(0, 32));
}

std::expected<Setup, ProviderError> postgres_setup(const Target& target, const Spec& spec,
                                                   const std::vector<std::string>& addresses,
                                                   const sql::ServerTls& tls) {
    Setup setup;
    const auto port = port_of(spec);
    if (!port) return std::unexpected(port.error());
    if (const auto fine = check_logins(spec); !fine) return std::unexpected(fine.error());
    const auto connections = between(spec.parameters, "max_connections", 100, 10, 5000);
    if (!connections) return std::unexpected(connections.error());
    const auto buffers =
        between(spec.parameters, "shared_buffers", 32 * kMegabyte, kMegabyte, kMegabyte * kMegabyte);
    if (!buffers) return std::unexpected(buffers.error());
    setup.port = *port;
    setup.password = true;
    setup.args = {"-D", std::string(agent::kDataPath), "-c",
                  fmt::format("config_file={}/{}", agent::kInstancePath, kPostgresConfigFile)};
    setup.files = {
        {std::string(kPostgresConfigFile), configuration(*port, addresses, *connections, *buffers, tls.mode)},
        {std::string(kPostgresAccessFile), access(addresses, tls.mode)}};
    setup.tag = sha256(setup.files[0].content + setup.files[1].content).substr(0, 32);
    // Not in the tag: another certificate needs no restart.
    if (tls.on()) {
        setup.files.push_back({std::string(kCertificateFile), tls.certificate});
        setup.files.push_back({std::string(kCertificateKeyFile), tls.key.reveal()});
    }
    const std::string salt = salt_of(target);
    const std::string user = tenant_of(spec.parameters);
    setup.seed = {"postgres",
                  postgres_verifier(spec.secrets.at("management_password"), salt, agent::kManagementRole), user,
                  postgres_verifier(spec.secrets.at("password"), salt, user)};
    return setup;
}

}  // namespace slipway::local
