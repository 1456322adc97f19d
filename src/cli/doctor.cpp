#include "cli/doctor.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::array<std::uint16_t, 2> kListeners{3000, 5000};  // of a server without configuration

Severity severity_of(const std::string& word) {
    if (word == "problem") return Severity::problem;
    return word == "warning" ? Severity::warning : Severity::ok;
}

// The items of an array of objects in a JSON answer; nothing where it is not that.
std::vector<json::object> objects_of(const std::string& body, std::string_view name) {
    std::vector<json::object> found;
    const auto parsed = json::parse(body);
    if (!parsed || !parsed->is_object()) return found;
    for (const json::value& item : array_in(parsed->get_object(), name)) {
        if (item.is_object()) found.push_back(item.get_object());
    }
    return found;
}

// False: no server answers.
bool ask_readiness(Api& api, std::vector<Finding>& findings) {
    const net::Origin& origin = api.settings().origin;
    const auto answer = api.call({.method = "GET", .target = "/readyz", .with_key = false});
    if (!answer) {
        const Failure failure = api.failure_of(answer.error());
        findings.push_back({"server", Severity::warning, failure.message, failure.fix});
        if (origin.loopback()) {
            for (const std::uint16_t port : kListeners) findings.push_back(check_listen_port(port));
        }
        return false;
    }
    const bool ready = answer->status == 200;
    findings.push_back({"server", ready ? Severity::ok : Severity::problem,
                        fmt::format("{} is {}", origin.url(), ready ? "ready" : "not ready"),
                        ready ? "" : "what is not ready follows; the server's log has more"});
    for (const json::object& check : objects_of(answer->body, "checks")) {
        const bool fine = json::get_bool(check, "ready");
        // Of a server that is ready it is something that it can do without.
        const Severity otherwise = ready ? Severity::warning : Severity::problem;
        findings.push_back({"server: " + cell(check, "name"), fine ? Severity::ok : otherwise,
                            fine ? "ready" : cell(check, "detail"), fine ? "" : "the server's log says more"});
    }
    findings.push_back(check_skew(answer->header("date"), api.environment().now()));
    return true;
}

// Whose key it is, as the server sees it. False: it is not known there.
bool ask_for_key(Api& api, std::vector<Finding>& findings) {
    const auto me = api.get("/api/v1/me");
    if (me) {
        findings.push_back({"key", Severity::ok,
                            fmt::format("{} of organization {} (from {})", cell(*me, "role"),
                                        cell(*me, "organization"), api.settings().key_source),
                            ""});
    } else if (me.error().exit == Exit::unauthenticated) {
        findings.push_back({"key", Severity::warning, me.error().message, me.error().fix});
        return false;
    }
    return true;
}

// What the server found itself. A part that is not ready is there already, with less about it.
void take(const json::object& finding, std::vector<Finding>& findings) {
    const std::string check = "server: " + cell(finding, "check");
    const Severity severity = severity_of(json::get_string(finding, "severity"));
    const std::string message = cell(finding, "message");
    std::erase_if(findings, [&](const Finding& each) { return each.check == check && each.message == message; });
    const std::string fix = cell(finding, "fix");
    const std::string otherwise = severity == Severity::ok ? "" : "the server's log says more";
    findings.push_back({check, severity, message, fix == "-" ? otherwise : fix});
}

// False: none answers.
bool ask_server(Api& api, std::vector<Finding>& findings) {
    if (!ask_readiness(api, findings)) return false;
    if (!ask_for_key(api, findings)) return true;
    const auto answer = api.call({.method = "GET", .target = "/api/v1/doctor"});
    if (answer && (answer->status == 401 || answer->status == 403)) {
        findings.push_back({"server", Severity::warning, "what the server itself finds is for administrators",
                            "name an administrator's key with --key-file FILE or SLIPWAY_KEY_FILE"});
        return true;
    }
    if (!answer || answer->status != 200) {
        const Failure failure = answer ? api.failure_of(*answer) : api.failure_of(answer.error());
        findings.push_back({"server", Severity::warning, "it does not tell what it finds: " + failure.message,
                            failure.fix.empty() ? "the server's log says more" : failure.fix});
        return true;
    }
    for (const json::object& finding : objects_of(answer->body, "findings")) take(finding, findings);
    return true;
}

std::vector<Finding> check_engines(const std::string& path) {
    std::vector<Finding> findings{check_redis(path)};
    for (const OptionalEngine& engine : kOptionalEngines) findings.push_back(check_optional_engine(engine, path));
    if (std::ranges::find(findings, Severity::ok, &Finding::severity) == findings.end()) {
        findings.push_back({"engines", Severity::problem, "there is none that a server here could run",
                            "apt-get install redis-server, or another of these"});
    }
    return findings;
}

std::vector<Finding> check_this_machine(const Environment& environment, const std::string& state_dir) {
    std::vector<Finding> findings = check_engines(environment.variable("PATH"));
    std::ranges::move(std::array{check_names(), check_ipv6(), check_engine_ports(), check_open_files(),
                                 check_privileges(environment.root), check_clock()},
                      std::back_inserter(findings));
    std::ranges::move(check_state_dir(state_dir), std::back_inserter(findings));
    return findings;
}

void print(Environment& environment, const std::vector<Finding>& findings) {
    std::ostream& out = environment.out;
    std::size_t width = 0;
    for (const Finding& finding : findings) width = std::max(width, columns(finding.check));
    for (const Finding& finding : findings) {
        const std::string word = fmt::format("{:<7}", to_string(finding.severity));
        out << fmt::format("{}  {}{}  {}\n",
                           paint(environment.out_terminal, colour_of_state(to_string(finding.severity)), word),
                           finding.check, std::string(width - columns(finding.check), ' '), finding.message);
        if (!finding.fix.empty()) out << fmt::format("{}fix: {}\n", std::string(width + 11, ' '), finding.fix);
    }
}

}  // namespace

Outcome<Exit> doctor(Api& api, const std::string& state_dir, bool json) {
    Environment& environment = api.environment();
    std::vector<Finding> findings;
    // What holds for a server is for the server to say: it knows its configuration, its user and its disk.
    if (!ask_server(api, findings)) {
        std::ranges::move(check_this_machine(environment, state_dir), std::back_inserter(findings));
    }
    const auto count = [&](Severity severity) {
        return std::ranges::count(findings, severity, &Finding::severity);
    };
    if (json) {
        json::array all;
        for (const Finding& finding : findings) {
            all.push_back(json::object{{"check", finding.check},
                                       {"severity", to_string(finding.severity)},
                                       {"message", finding.message},
                                       {"fix", finding.fix}});
        }
        environment.out << json::dump(json::object{{"findings", std::move(all)}}) << '\n';
    } else {
        print(environment, findings);
        environment.out << fmt::format("problems: {}, warnings: {}\n", count(Severity::problem),
                                       count(Severity::warning));
    }
    return count(Severity::problem) > 0 ? Exit::failed : Exit::ok;
}

}  // namespace slipway::cli
