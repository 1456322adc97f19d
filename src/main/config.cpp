#include "main/config.h"

#include <array>
#include <fstream>
#include <tuple>

#include <fmt/format.h>

#include "main/configured_images.h"
#include "main/database_plans.h"
#include "main/machine_plans.h"
#include "main/machines_config.h"
#include "main/plan_config.h"
#include "main/toml_reader.h"
#include "main/units.h"

namespace slipway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Problems = std::vector<ConfigProblem>;

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kFormats{"text", "json"};
constexpr std::array<std::string_view, 3> kTlsModes{"off", "allow", "require"};
constexpr std::int64_t kMaxPort = 65'535;
constexpr std::int64_t kMaxUid = 4'000'000'000;
constexpr std::size_t kMaxPrefix = 16;
constexpr std::size_t kMaxDomain = 200;
constexpr std::size_t kMaxFile = 1U << 20U;  // bytes: far more than anybody writes

std::string check_listen(const std::string& text) {
    return parse_host_port(text)
               ? ""
               : "must be ADDR:PORT with a numeric address, e.g. \"127.0.0.1:3000\" or \"[::1]:3000\"";
}

std::string check_address(const std::string& text) {
    return is_address(text) ? "" : "must be a numeric IPv4 or IPv6 address, e.g. \"127.0.0.1\"";
}

std::string check_face(const std::string& text) {
    if (std::ranges::find(kOpenFaces, text) != kOpenFaces.end()) return "";
    const bool to_come = std::ranges::find(kFacesToCome, text) != kFacesToCome.end();
    return fmt::format("{}must be one of \"{}\"", to_come ? "names a face that is not in this version: it " : "",
                       fmt::join(kOpenFaces, "\", \""));
}

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Clients cut an instance's name at the first dot, and it becomes the first label of a host name.
std::string check_prefix(const std::string& text) {
    const bool good = !text.empty() && text.size() <= kMaxPrefix && text.front() != '-' &&
                      std::ranges::all_of(text, [](char c) { return lower_or_digit(c) || c == '-'; });
    return good ? "" : fmt::format("must be 1 to {} of a-z 0-9 -, and not begin with -", kMaxPrefix);
}

std::string check_domain(const std::string& text) {
    const bool good = !text.empty() && text.size() <= kMaxDomain && lower_or_digit(text.front()) &&
                      lower_or_digit(text.back()) && !text.contains("..") &&
                      std::ranges::all_of(text, [](char c) { return lower_or_digit(c) || c == '-' || c == '.'; });
    return good ? "" : "must be a domain name in lower case, e.g. \"localhost\" or \"redis.example.org\"";
}

std::string check_path(const std::string& text) {
    return text.empty() || text.starts_with('/') ? "" : "must be an absolute path";
}

void read_server(TableReader& root, ServerConfig& out, Problems& problems) {
    const toml::table* table = root.table("server");
    if (table == nullptr) return;
    TableReader reader(*table, "server", problems);
    reader.texts("listen", out.listen, check_listen);
    if (reader.has("listen") && out.listen.empty()) reader.problem("listen", "must name at least one ADDR:PORT");
    reader.integer("threads", out.threads, 1, 64);
    reader.duration("wait_limit", out.wait_limit, milliseconds(0), hours(1));
    reader.duration("stop_grace", out.stop_grace, milliseconds(0), minutes(10));
    if (const auto bytes = reader.size("max_body", 1024, 64LL << 20))
        out.max_body = static_cast<std::size_t>(*bytes);
    reader.integer("max_connections", out.max_connections, 1, 1'000'000);
    reader.integer("max_requests", out.max_requests, 1, 1'000'000);
    reader.boolean("access_log", out.access_log);
    std::vector<std::string> faces;
    reader.texts("allow_anonymous", faces, check_face);
    reader.text("tls_cert", out.tls_cert, check_path);
    reader.text("tls_key", out.tls_key, check_path);
    out.allow_anonymous = {faces.begin(), faces.end()};
    reader.finish();
}

void read_log(TableReader& root, LogConfig& out, Problems& problems) {
    const toml::table* table = root.table("log");
    if (table == nullptr) return;
    TableReader reader(*table, "log", problems);
    if (const auto level = reader.one_of("level", kLevels)) {
        out.level = static_cast<log::Level>(std::ranges::find(kLevels, *level) - kLevels.begin());
    }
    if (const auto format = reader.one_of("format", kFormats)) {
        out.format = *format == "json" ? log::Format::json : log::Format::text;
    }
    reader.finish();
}

void read_broker(TableReader& root, BrokerConfig& out, Problems& problems) {
    const toml::table* table = root.table("broker");
    if (table == nullptr) return;
    TableReader reader(*table, "broker", problems);
    reader.text("name_prefix", out.name_prefix, check_prefix);
    reader.duration("provision_limit", out.provision_limit, seconds(10), hours(24));
    reader.duration("idempotency_ttl", out.idempotency_ttl, minutes(1), hours(24 * 30));
    reader.duration("rest", out.rest, milliseconds(0), hours(24));
    reader.integer("quota", out.quota, 1, 10'000'000);
    reader.duration("log_age", out.log_age, hours(1), hours(24 * 3660));
    reader.finish();
}

void read_range(TableReader& reader, std::string_view first_key, std::string_view last_key, std::int64_t& first,
                std::int64_t& last, std::int64_t min, std::int64_t max) {
    reader.integer(first_key, first, min, max);
    reader.integer(last_key, last, min, max);
    if (first > last) {
        reader.problem(reader.has(last_key) ? last_key : first_key,
                       fmt::format("{} ({}) must not be above {} ({})", first_key, first, last_key, last));
    }
}

void read_local(TableReader& root, LocalConfig& out, Problems& problems) {
    const toml::table* table = root.table("local");
    if (table == nullptr) return;
    TableReader reader(*table, "local", problems);
    reader.text("domain", out.domain, check_domain);
    reader.texts("bind", out.bind, check_address);
    if (out.bind.empty()) reader.problem("bind", "must name at least one address");
    read_range(reader, "port_first", "port_last", out.port_first, out.port_last, 1024, kMaxPort);
    read_range(reader, "uid_first", "uid_last", out.uid_first, out.uid_last, 1000, kMaxUid);
    reader.integer("concurrency", out.concurrency, 1, 256);
    reader.text("helper_socket", out.helper_socket, check_path);
    reader.integer("helper_uid", out.helper_uid, 0, kMaxUid);
    reader.finish();
}

void read_databases(TableReader& root, DatabasesConfig& out, Problems& problems) {
    const toml::table* table = root.table("databases");
    if (table == nullptr) return;
    TableReader reader(*table, "databases", problems);
    if (const auto mode = reader.one_of("tls", kTlsModes)) {
        out.tls = sql::parse_tls_mode(*mode).value_or(sql::TlsMode::off);
    }
    reader.text("tls_certificate", out.tls_certificate, check_path);
    reader.text("tls_key", out.tls_key, check_path);
    for (const auto& [key, path] :
         {std::pair("tls_certificate", &out.tls_certificate), std::pair("tls_key", &out.tls_key)}) {
        if (out.tls == sql::TlsMode::off || !path->empty()) continue;
        reader.problem("tls", fmt::format("needs databases.{}, unless it is \"off\"", key));
    }
    reader.finish();
}

void read_dummy(TableReader& root, DummyConfig& out, Problems& problems) {
    const toml::table* table = root.table("dummy");
    if (table == nullptr) return;
    TableReader reader(*table, "dummy", problems);
    reader.integer("concurrency", out.concurrency, 0, 4096);
    reader.finish();
}

void read_background(TableReader& root, BackgroundConfig& out, Problems& problems) {
    if (const toml::table* table = root.table("reconcile")) {
        TableReader reader(*table, "reconcile", problems);
        reader.duration("interval", out.reconcile_interval, seconds(1), hours(24));
        reader.finish();
    }
    if (const toml::table* table = root.table("sweep")) {
        TableReader reader(*table, "sweep", problems);
        reader.boolean("dry_run", out.sweep_dry_run);
        reader.duration("grace", out.sweep_grace, seconds(0), hours(24 * 366));
        reader.duration("interval", out.sweep_interval, seconds(1), hours(24 * 7));
        reader.finish();
    }
}

void read_webhooks(TableReader& root, WebhookConfig& out, Problems& problems) {
    const toml::table* table = root.table("webhooks");
    if (table == nullptr) return;
    TableReader reader(*table, "webhooks", problems);
    reader.boolean("allow_private", out.allow_private);
    reader.finish();
}

// A plan's name, as far as what is told of it needs.
std::string check_word(const std::string& text) {
    return text.empty() || text.size() > 32 ? "must be 1 to 32 characters" : "";
}

std::string check_version(const std::string& text) {
    const bool good = !text.empty() && text.size() <= 16 &&
                      std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return good ? "" : "must be a version, like \"15\" or \"8.0\"";
}

void read_harbourmaster(TableReader& root, HarbourMasterConfig& out, Problems& problems) {
    const toml::table* table = root.table("harbourmaster");
    if (table == nullptr) return;
    TableReader reader(*table, "harbourmaster", problems);
    if (const auto engine = reader.one_of("engine", kDatabaseEngines)) out.engine = *engine;
    for (const auto& [key, versions] : {std::pair("postgres_versions", &out.postgres_versions),
                                        std::pair("mysql_versions", &out.mysql_versions)}) {
        reader.texts(key, *versions, check_version);
        if (versions->empty()) reader.problem(key, "must name at least one");
    }
    reader.duration("rotation_grace", out.rotation_grace, minutes(1), hours(24 * 30));
    reader.finish();
}

// Whoever names a plan means one that is there.
void read_ec2(TableReader& root, Ec2Config& out, const std::vector<Plan>& plans, Problems& problems) {
    const toml::table* table = root.table("ec2");
    if (table == nullptr) return;
    TableReader reader(*table, "ec2", problems);
    if (const auto engine = reader.one_of("engine", kMachineEngines)) out.engine = *engine;
    reader.text("plan", out.plan, check_word);
    std::vector<std::string_view> known;
    for (const Plan& plan : plans) {
        if (plan.kind == Kind::machine && plan.engine == out.engine) known.push_back(plan.name);
    }
    if (std::ranges::find(known, out.plan) == known.end()) {
        reader.problem(reader.has("plan") ? "plan" : "engine",
                       fmt::format("there is no plan {} of kind machine and engine {}; there are: {}", out.plan,
                                   out.engine, known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))));
    }
    reader.finish();
}

Config read(const toml::table& table, Problems& problems) {
    Config config = default_config();
    TableReader root(table, "", problems);
    read_server(root, config.server, problems);
    read_log(root, config.log, problems);
    read_broker(root, config.broker, problems);
    read_local(root, config.local, problems);
    read_databases(root, config.databases, problems);
    read_machines(root, config.local, config.machines, problems);
    read_dummy(root, config.dummy, problems);
    read_background(root, config.background, problems);
    read_webhooks(root, config.webhooks, problems);
    read_harbourmaster(root, config.harbourmaster, problems);
    read_images(root, config.images, problems);
    read_plans(root, config.plans, config.local, problems);
    check_playbook_limits(config.plans, config.broker.provision_limit, problems);
    read_ec2(root, config.ec2, config.plans, problems);
    root.finish();
    return config;
}

std::unexpected<Error> refuse(Problems problems, std::string_view file_name) {
    std::ranges::sort(problems, {}, [](const ConfigProblem& each) { return std::tie(each.line, each.key); });
    Error error{ErrorCode::invalid_argument, fmt::format("{} cannot be used", file_name), {}, {}};
    for (ConfigProblem& each : problems) {
        error.problems.push_back({fmt::format("{}:{}: {}", file_name, each.line, each.key), std::move(each.what)});
    }
    return fail(std::move(error));
}

}  // namespace

Config default_config() {
    Config config;
    config.plans = default_plans();
    return config;
}

Result<Config> parse_config(std::string_view text, std::string_view file_name) {
    try {
        const toml::table table = toml::parse(text, file_name);
        Problems problems;
        Config config = read(table, problems);
        if (!problems.empty()) return refuse(std::move(problems), file_name);
        return config;
    } catch (const toml::parse_error& error) {
        return refuse({{error.source().begin.line, fmt::format("column {}", error.source().begin.column),
                        std::string(error.description())}},
                      file_name);
    }
}

Result<Config> load_config(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::invalid_argument, fmt::format("{} cannot be opened", file.string()));
    std::string text(kMaxFile + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxFile) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} is larger than {} bytes", file.string(), kMaxFile));
    }
    if (in.bad()) return fail(ErrorCode::invalid_argument, fmt::format("{} cannot be read", file.string()));
    return parse_config(text, file.string());
}

}  // namespace slipway
