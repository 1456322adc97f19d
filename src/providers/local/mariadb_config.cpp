#include "providers/local/mariadb_config.h"

#include "base/digest.h"
#include "providers/local/parameters.h"
#include "providers/sql/verifier.h"

namespace slipway::local {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

// Everything with data, nothing with the server's files, its end or its other connections' rights.
constexpr std::string_view kTenantRights =
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE "
    "USER, "
    "EVENT, TRIGGER, DELETE HISTORY";

// A name that valid_role allows and a hash of '*' and hexadecimal digits leave nothing to quote.
std::vector<std::string> login(std::string_view user, std::string_view host, const std::string& hash,
                               std::string_view rights) {
    const std::string who = fmt::format("'{}'@'{}'", user, host);
    return {fmt::format("CREATE USER IF NOT EXISTS {};", who),
            fmt::format("ALTER USER {} IDENTIFIED VIA mysql_native_password USING '{}';", who, hash),
            fmt::format("GRANT {} ON *.* TO {} WITH GRANT OPTION;", rights, who)};
}

// Read at every start, before anybody can connect: our administrator comes from this machine only.
std::string logins(const Spec& spec, const std::vector<std::string>& addresses) {
    std::vector<std::string> hosts{"127.0.0.1", "::1"};
    const std::vector<std::string> own = own_addresses(addresses);
    hosts.insert(hosts.end(), own.begin(), own.end());
    const std::string hash = sql::mysql_native_hash(spec.secrets.at("management_password"));
    std::string text;
    for (const std::string& host : hosts) {
        text += fmt::format("{}\n", fmt::join(login(agent::kManagementRole, host, hash, "ALL PRIVILEGES"), "\n"));
    }
    const auto tenant = mariadb_tenant(tenant_of(spec.parameters), spec.secrets.at("password"));
    return text + fmt::format("{}\n", fmt::join(tenant, "\n"));
}

std::string encryption(sql::TlsMode tls) {
    if (tls == sql::TlsMode::off) return {};
    return fmt::format(
        "ssl-cert={0}/{1}\nssl-key={0}/{2}\ntls-version=TLSv1.2,TLSv1.3\n"
        "require-secure-transport={3}\n",
        agent::kInstancePath, kCertificateFile, kCertificateKeyFile, tls == sql::TlsMode::require ? 1 : 0);
}

std::string configuration(std::uint16_t port, const std::vector<std::string>& addresses, std::int64_t connections,
                          std::int64_t buffers, sql::TlsMode tls) {
    std::string text = fmt::format("[mariadbd]\nport={}\nbind-address={}\n", port, fmt::join(addresses, ","));
    text += fmt::format("datadir={0}\ntmpdir={0}\nsocket={0}/socket\npid-file={0}/pid\n", agent::kDataPath);
    text += fmt::format("init-file={}/{}\n", agent::kInstancePath, kMariadbLoginsFile);
    // One connection more than that is kept for administrators by the server itself.
    text += fmt::format("max-connections={}\ninnodb-buffer-pool-size={}\n", connections, buffers);
    // Files of the machine are for nobody: of the one directory that has to be named nothing can be had that is not
    // in the server's package. No statement gets into a log.
    text +=
        "skip-name-resolve\n"
        "local-infile=0\n"
        "secure-file-priv=/usr/share/mysql/english\n"
        "symbolic-links=0\n"
        "performance-schema=0\n"
        "loose-feedback=0\n"
        "general-log=0\n"
        "slow-query-log=0\n"
        "log-warnings=1\n"
        "character-set-server=utf8mb4\n"
        "innodb-log-file-size=8M\n"
        "innodb-flush-log-at-trx-commit=1\n"
        "innodb-buffer-pool-dump-at-shutdown=0\n"
        "innodb-buffer-pool-load-at-startup=0\n"
        "key-buffer-size=1M\n"
        "aria-pagecache-buffer-size=8M\n"
        "table-open-cache=400\n";
    return text + encryption(tls);
}

}  // namespace

std::vector<std::string> mariadb_tenant(std::string_view user, const Secret& password) {
    return login(user, "%", sql::mysql_native_hash(password), kTenantRights);
}

std::expected<Setup, ProviderError> mariadb_setup(const Target& /*target*/, const Spec& spec,
                                                  const std::vector<std::string>& addresses,
                                                  const sql::ServerTls& tls) {
    Setup setup;
    const auto port = port_of(spec);
    if (!port) return std::unexpected(port.error());
    if (const auto fine = check_logins(spec); !fine) return std::unexpected(fine.error());
    const auto connections = between(spec.parameters, "max_connections", 100, 10, 5000);
    if (!connections) return std::unexpected(connections.error());
    const auto buffers =
        between(spec.parameters, "buffer_pool", 32 * kMegabyte, 8 * kMegabyte, kMegabyte * kMegabyte);
    if (!buffers) return std::unexpected(buffers.error());
    setup.port = *port;
    setup.password = true;
    setup.args = {fmt::format("--defaults-file={}/{}", agent::kInstancePath, kMariadbConfigFile)};
    std::string text = configuration(*port, addresses, *connections, *buffers, tls.mode);
    // A new password needs no restart: it is set while the engine runs, and from the file at the next start.
    setup.tag = sha256(text).substr(0, 32);
    setup.files = {{std::string(kMariadbConfigFile), std::move(text)},
                   {std::string(kMariadbLoginsFile), logins(spec, addresses)}};
    if (tls.on()) {
        setup.files.push_back({std::string(kCertificateFile), tls.certificate});
        setup.files.push_back({std::string(kCertificateKeyFile), tls.key.reveal()});
    }
    setup.seed.name = "mariadb";
    return setup;
}

}  // namespace slipway::local
