// A configuration file: any text gives a configuration within its bounds, or an error that names file and line. And
// what a plan of it writes into an engine's own configuration is of the lines that we know, one setting each.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fuzz/config_check.h"
#include "fuzz/fuzz.h"
#include "main/units.h"
#include "providers/local/redis_config.h"

namespace slipway::fuzz {
namespace {

constexpr std::array<std::string_view, 16> kDirectives{"port",
                                                       "bind",
                                                       "maxclients",
                                                       "protected-mode",
                                                       "daemonize",
                                                       "supervised",
                                                       "logfile",
                                                       "loglevel",
                                                       "always-show-logo",
                                                       "save",
                                                       "appendonly",
                                                       "sanitize-dump-payload",
                                                       "crash-memcheck-enabled",
                                                       "user",
                                                       "maxmemory",
                                                       "maxmemory-policy"};

void check_engine(const Plan& plan, const LocalConfig& local) {
    Target target;
    target.external_name = "oct-1";
    Spec spec;
    spec.engine = plan.engine;
    spec.plan = plan.name;
    spec.parameters = plan.parameters;
    spec.allocations = {{"port", local.port_first}, {"uid", local.uid_first}};
    if (plan.password) spec.secrets["password"] = Secret(std::string(kCanary));
    spec.secrets["management_password"] = Secret(std::string(kCanary));
    const auto made = slipway::local::redis_config(target, spec, local.bind);
    check(made.has_value(), "an accepted plan can be made", made ? "" : made.error().message);
    check(!made->text.contains(kCanary), "an engine's configuration holds no password", made->text);
    check(made->text.ends_with('\n'), "it ends with a line", made->text);
    for (const std::string_view line : split(made->text, "\n", 1000)) {
        if (line.empty()) continue;
        check(harmless(line), "a line of it is text", line);
        const std::string_view word = line.substr(0, line.find(' '));
        check(std::ranges::find(kDirectives, word) != kDirectives.end() || word == "appendfsync",
              "a line of it is one of ours", line);
    }
}

void check_names(const std::vector<Plan>& plans) {
    for (const Plan& plan : plans) {
        check(!plan.name.empty() && !plan.title.empty() && harmless(plan.name), "a plan has a name", plan.name);
        const auto same = [&](const Plan& other) {
            return other.kind == plan.kind && other.engine == plan.engine && other.name == plan.name;
        };
        check(std::ranges::count_if(plans, same) == 1, "a plan's name is used once", plan.name);
        check(plan.pool <= 1000, "a pool is bounded", plan.name);
    }
}

}  // namespace

void check_config(const Config& config) {
    const LocalConfig& local = config.local;
    check(local.port_first >= 1024 && local.port_first <= local.port_last && local.port_last <= 65'535,
          "ports are ports");
    check(local.uid_first >= 1000 && local.uid_first <= local.uid_last, "uids are not those of the system");
    check(!local.bind.empty() && std::ranges::all_of(local.bind, is_address), "engines listen on addresses");
    check(harmless(local.domain) && !local.domain.empty(), "a domain is one", local.domain);
    check(local.concurrency >= 1 && local.concurrency <= 256, "concurrency is bounded");
    check(config.server.max_body >= 1024 && config.server.max_body <= (64U << 20U), "bodies are bounded");
    check(config.server.max_connections >= 1 && config.server.max_requests >= 1, "something can be asked");
    check(config.server.threads <= 64, "threads are bounded");
    check(config.broker.quota >= 1, "something can be made");
    check(
        !config.broker.name_prefix.empty() && config.broker.name_prefix.find_first_of(".:/@") == std::string::npos,
        "names survive what clients do to them", config.broker.name_prefix);
    for (const std::string& each : config.server.listen)
        check(parse_host_port(each).has_value(), "a listener is one", each);
    check_names(config.plans);
}

void config(std::string_view input) {
    const auto parsed = parse_config(input, "f.toml");
    if (parsed) {
        check_config(*parsed);
        for (const Plan& plan : parsed->plans) {
            if (plan.engine == "redis") check_engine(plan, parsed->local);
        }
        return;
    }
    check(parsed.error().code == ErrorCode::invalid_argument && !parsed.error().problems.empty(),
          "the error is precise");
    const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
    for (const FieldProblem& problem : parsed.error().problems) {
        check(problem.field.starts_with("f.toml:") && !problem.problem.empty(), "a problem has a place",
              problem.field);
        const std::size_t line = std::stoul(problem.field.substr(7));
        check(line >= 1 && line <= lines, "the place is in the file", problem.field);
    }
}

}  // namespace slipway::fuzz
