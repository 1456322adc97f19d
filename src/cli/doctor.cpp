#include "cli/doctor.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output.h"

namespace slipway::cli {
namespace {

Severity severity_of(const std::string& word) {
    if (word == "problem") return Severity::problem;
    return word == "warning" ? Severity::warning : Severity::ok;
}

// The items of an array of objects in a JSON answer; nothing where it is not that.
std::vector<json::object> objects_of(const std::string& body, std::string_view name) {
    std::vector<json::object> found;
    auto parsed = json::parse(body);
    if (!parsed || !parsed->is_object()) return found;
    const json::value* items = parsed->get_object().if_contains(name);
    if (items == nullptr || !items->is_array()) return found;
    for (const json::value& item : items->get_array()) {
        if (item.is_object()) found.push_back(item.get_object());
    }
    return found;
}

// False: no server answers.
bool ask_readiness(Api& api, std::vector<Finding>& findings) {
    const std::string url = api.settings().origin.url();
    const auto answer = api.call("GET", "/readyz", {}, {}, false);
    if (!answer) {
        findings.push_back({"server", Severity::warning, answer.error().message,
                            "start one with `slipway serve`, or name the one that runs with --server URL"});
        return false;
    }
    const bool ready = answer->status == 200;
    findings.push_back({"server", ready ? Severity::ok : Severity::problem,
                        fmt::format("{} is {}", url, ready ? "ready" : "not ready"),
                        ready ? "" : "what is not ready follows; the server's log has more"});
    for (const json::object& check : objects_of(answer->body, "checks")) {
        const bool fine = json::get_bool(check, "ready");
        findings.push_back({"server: " + cell(check, "name"), fine ? Severity::ok : Severity::problem,
                            fine ? "ready" : cell(check, "detail"), ""});
    }
    return true;
}

void ask_server(Api& api, std::vector<Finding>& findings) {
    if (!ask_readiness(api, findings)) return;
    const auto answer = api.call("GET", "/api/v1/doctor");
    if (!answer) return;
    if (answer->status == 401 || answer->status == 403) {
        findings.push_back({"server", Severity::warning, "what the server itself finds is for administrators",
                            "name an administrator's key with --key-file FILE or SLIPWAY_KEY_FILE"});
        return;
    }
    for (const json::object& finding : objects_of(answer->body, "findings")) {
        const std::string fix = cell(finding, "fix");
        findings.push_back({"server: " + cell(finding, "check"), severity_of(json::get_string(finding, "severity")),
                            cell(finding, "message"), fix == "-" ? "" : fix});
    }
}

void print(std::ostream& out, const std::vector<Finding>& findings) {
    std::size_t width = 0;
    for (const Finding& finding : findings) width = std::max(width, columns(finding.check));
    for (const Finding& finding : findings) {
        out << fmt::format("{:<7}  {}{}  {}\n", to_string(finding.severity), finding.check,
                           std::string(width - columns(finding.check), ' '), finding.message);
        if (!finding.fix.empty()) out << fmt::format("{}fix: {}\n", std::string(width + 11, ' '), finding.fix);
    }
}

}  // namespace

Outcome<Exit> doctor(Api& api, const std::string& state_dir, bool json) {
    Environment& environment = api.environment();
    std::vector<Finding> findings{check_redis(environment.variable("PATH")), check_names(), check_ipv6(),
                                  check_open_files(), check_privileges(environment.root)};
    std::ranges::move(check_state_dir(state_dir), std::back_inserter(findings));
    ask_server(api, findings);
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
        print(environment.out, findings);
        environment.out << fmt::format("problems: {}, warnings: {}\n", count(Severity::problem),
                                       count(Severity::warning));
    }
    return count(Severity::problem) > 0 ? Exit::failed : Exit::ok;
}

}  // namespace slipway::cli
