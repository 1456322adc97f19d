#include "providers/playbooks/playbook.h"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

#include "domain/machine.h"

namespace slipway::playbooks {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kDirectories{"/usr/local/bin", "/usr/bin", "/bin"};
constexpr std::string_view kPasswordVariable = "slipway_login_password";
constexpr std::string_view kConnectLimit = "30";  // seconds

fs::path program(std::string_view name) {
    for (const std::string_view directory : kDirectories) {
        fs::path file = fs::path(directory) / name;
        if (::access(file.c_str(), X_OK) == 0) return file;
    }
    return {};
}

// What Ansible takes as it is, whatever braces stand in it.
json::object literal(std::string_view text) { return {{"__ansible_unsafe", text}}; }

// As ssh reads a path in an option's value, and then as Ansible splits words.
std::string option_path(const fs::path& path) {
    std::string text;
    for (const char each : path.string()) {
        if (each == '"' || each == '\\') text += '\\';
        if (each == '%') text += '%';
        text += each == '\'' ? std::string("'\"'\"'") : std::string(1, each);
    }
    return fmt::format("'\"{}\"'", text);
}

// No file of whoever runs the broker is read, nothing is left running between tasks, only the password is tried,
// and whoever has another key than the machine is told nothing.
std::string ssh_words(const RunFiles& files) {
    return fmt::format(
        "-F none -o ControlMaster=no -o ControlPath=none -o StrictHostKeyChecking=yes "
        "-o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o CheckHostIP=no "
        "-o PubkeyAuthentication=no -o PreferredAuthentications=password,keyboard-interactive "
        "-o NumberOfPasswordPrompts=1 -o ForwardAgent=no -o LogLevel=ERROR",
        option_path(files.known_hosts()));
}

}  // namespace

std::optional<Playbook> playbook_of(const Spec& spec) {
    const std::string file = json::get_string(spec.parameters, kPlaybook);
    if (file.empty()) return std::nullopt;
    const std::chrono::seconds fallback = kPlaybookLimit;
    return Playbook{file, std::chrono::seconds(json::get_int(spec.parameters, kPlaybookSeconds, fallback.count()))};
}

Programs find_programs() { return {program("ansible-playbook"), program("sshpass")}; }

std::optional<Missing> missing(const Programs& programs) {
    const bool ansible = !programs.ansible_playbook.empty();
    const bool sshpass = !programs.sshpass.empty();
    if (ansible && sshpass) return std::nullopt;
    return Missing{fmt::format("{} not installed on the broker's host",
                               ansible ? "sshpass is"
                                       : (sshpass ? "ansible-playbook is" : "ansible-playbook and sshpass are")),
                   fmt::format("apt-get install {}", ansible ? "sshpass" : "ansible-core sshpass")};
}

std::string inventory_of(const Machine& machine) {
    const std::string password = fmt::format("{{{{ {} }}}}", kPasswordVariable);
    const json::object host{{"ansible_host", machine.address},
                            {"ansible_port", machine.port},
                            {"ansible_connection", "ssh"},
                            {"ansible_user", literal(machine.login)},
                            {"ansible_password", password},
                            {"ansible_become_password", password},
                            {"ansible_ssh_common_args", fmt::format("-o HostKeyAlias={}", machine.name)}};
    return json::dump(json::object{{"all", json::object{{"hosts", json::object{{machine.name, host}}}}}});
}

Secret login_of(const Secret& password) {
    return Secret(json::dump(json::object{{kPasswordVariable, literal(password.reveal())}}));
}

std::string known_host(const Machine& machine, std::string_view key) {
    return fmt::format("{} {}\n", machine.name, key);
}

Invocation invocation_of(const Programs& programs, const Playbook& playbook, const RunFiles& files,
                         bool own_settings) {
    Invocation what;
    what.words = {programs.ansible_playbook.string(), "--inventory",
                  files.inventory().string(),         "--extra-vars",
                  "@" + files.login().string(),       playbook.file.string()};
    const auto set = [&](std::string_view name, std::string_view value) {
        what.environment.push_back(fmt::format("{}={}", name, value));
    };
    set(kRunVariable, files.directory.string());
    set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    set("LANG", "C.UTF-8");
    set("LC_ALL", "C.UTF-8");
    set("HOME", files.home().string());
    set("USER", "slipway");
    set("LOGNAME", "slipway");
    set("TMPDIR", files.temporary().string());
    set("ANSIBLE_CONFIG",
        own_settings ? (playbook.file.parent_path() / "ansible.cfg").string() : files.settings().string());
    set("ANSIBLE_HOME", files.home().string());
    set("ANSIBLE_LOCAL_TEMP", files.temporary().string());
    set("ANSIBLE_INVENTORY_ENABLED", "yaml");
    set("ANSIBLE_STDOUT_CALLBACK", "default");
    set("ANSIBLE_CALLBACK_RESULT_FORMAT", "json");
    set("ANSIBLE_DISPLAY_FAILED_STDERR", "False");
    set("ANSIBLE_VERBOSITY", "0");
    set("ANSIBLE_DEBUG", "False");
    set("ANSIBLE_NOCOWS", "True");
    set("ANSIBLE_NOCOLOR", "True");
    set("ANSIBLE_FORCE_COLOR", "False");
    set("ANSIBLE_RETRY_FILES_ENABLED", "False");
    set("ANSIBLE_HOST_KEY_CHECKING", "True");
    set("ANSIBLE_PIPELINING", "True");  // one connection for a task: there is none that stays
    set("ANSIBLE_PYTHON_INTERPRETER", "auto_silent");
    set("ANSIBLE_TIMEOUT", kConnectLimit);
    set("ANSIBLE_SSH_RETRIES", "2");
    set("ANSIBLE_SSH_ARGS", ssh_words(files));
    what.directory = playbook.file.parent_path();
    return what;
}

}  // namespace slipway::playbooks
