// A playbook of a plan, and how ansible-playbook is told of it and of the one machine that it is for. Pure data.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/child.h"
#include "base/clock.h"
#include "base/secret.h"
#include "providers/provider.h"

namespace slipway::playbooks {

struct Playbook {
    std::filesystem::path file;  // absolute
    Duration limit{};
    [[nodiscard]] std::string name() const { return file.filename().string(); }
};
// The one that its plan names; none: there is none.
std::optional<Playbook> playbook_of(const Spec& spec);

// The programs that it takes, wherever they are installed; empty paths: they are not there.
struct Programs {
    std::filesystem::path ansible_playbook;
    std::filesystem::path sshpass;
};
Programs find_programs();
// Why it cannot be run here; none: it can. The text is public, but for the paths that only operators know.
struct Missing {
    std::string what;
    std::string fix;
};
std::optional<Missing> missing(const Programs& programs);

// The one host of the inventory.
struct Machine {
    std::string name;  // [a-z0-9-]
    std::string address;
    std::uint16_t port = 22;
    std::string login;
};

// The directory of one run, and what lies in it while it goes on.
struct RunFiles {
    std::filesystem::path directory;
    [[nodiscard]] std::filesystem::path inventory() const { return directory / "inventory.json"; }
    [[nodiscard]] std::filesystem::path known_hosts() const { return directory / "known_hosts"; }
    [[nodiscard]] std::filesystem::path settings() const { return directory / "ansible.cfg"; }
    [[nodiscard]] std::filesystem::path login() const { return directory / "login"; }  // a pipe
    [[nodiscard]] std::filesystem::path home() const { return directory / "home"; }
    [[nodiscard]] std::filesystem::path temporary() const { return directory / "tmp"; }
};

// Whatever stands in the login's name, it is one text there and no template. The password is not in it: it names
// the variable that carries it, so that no other host that a playbook may speak to is told it.
std::string inventory_of(const Machine& machine);
// What is handed over by the pipe.
Secret login_of(const Secret& password);
// The line of a known_hosts file; `key`: type and base64, as in a .pub file.
std::string known_host(const Machine& machine, std::string_view key);

// Whose environment has it belongs to the run in that directory.
inline constexpr std::string_view kRunVariable = "SLIPWAY_PLAYBOOK_RUN";

// The environment is whole: nothing of ours is in it. Where an ansible.cfg lies beside the playbook it holds, but
// for what is set here; no other one does.
Invocation invocation_of(const Programs& programs, const Playbook& playbook, const RunFiles& files,
                         bool own_settings);

}  // namespace slipway::playbooks
