// The one directory in which a server keeps everything durable:
//
//   DIR/              0700
//   DIR/store/        the embedded store, locked by the one server that works on it
//   DIR/master.key    0600: opens every secret in the store
//   DIR/admin.key     0600: the administrator's API key; the store has only its hash
//   DIR/instances/    0711: the local provider's engines (src/agent)
//   DIR/backups/      0700: dumps of databases
//   DIR/logs/         0700: what the steps of operations told (store/log_files.h)
//   DIR/playbooks/    0700: runs of ansible-playbook under way; empty otherwise
//   DIR/images/       0755: disk images of machines (images/image_store.h)
//
// Engines run under uids of their own and never need a way through DIR: the helper enters their data directories by
// descriptor before it drops its rights.
#pragma once

#include <filesystem>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace slipway {

struct StateDir {
    std::filesystem::path path;  // absolute, without symbolic links
    [[nodiscard]] std::filesystem::path store() const { return path / "store"; }
    [[nodiscard]] std::filesystem::path master_key() const { return path / "master.key"; }
    [[nodiscard]] std::filesystem::path admin_key() const { return path / "admin.key"; }
    [[nodiscard]] std::filesystem::path instances() const { return path / "instances"; }
    [[nodiscard]] std::filesystem::path backups() const { return path / "backups"; }
    [[nodiscard]] std::filesystem::path logs() const { return path / "logs"; }
    [[nodiscard]] std::filesystem::path playbooks() const { return path / "playbooks"; }
    [[nodiscard]] std::filesystem::path images() const { return path / "images"; }
};

// Makes the directory where it is missing. Errors: forbidden (it belongs to somebody else, or others may write to
// it), storage.
Result<StateDir> prepare_state_dir(const std::filesystem::path& path);

// Reads the key, or makes the file with a new one where it is missing. Errors: forbidden (others than its owner may
// read it), invalid_argument (no key in it), storage.
Result<Secret> load_or_create_admin_key(const std::filesystem::path& file, Random& random);

}  // namespace slipway
