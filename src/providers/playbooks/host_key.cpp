#include "providers/playbooks/host_key.h"

#include <memory>

#include <fmt/format.h>
#include <libssh/libssh.h>

namespace slipway::playbooks {
namespace {

constexpr long kSeconds = 10;

struct FreeSession {
    void operator()(ssh_session session) const {
        ::ssh_disconnect(session);
        ::ssh_free(session);
    }
};
struct FreeKey {
    void operator()(ssh_key key) const { ::ssh_key_free(key); }
};
struct FreeText {
    void operator()(char* text) const { ::ssh_string_free_char(text); }
};
struct FreeHash {
    void operator()(unsigned char* hash) const { ::ssh_clean_pubkey_hash(&hash); }
};
using Session = std::unique_ptr<ssh_session_struct, FreeSession>;
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;
using Text = std::unique_ptr<char, FreeText>;
using Hash = std::unique_ptr<unsigned char, FreeHash>;

// Neither this user's configuration nor what hosts it knows is any business of ours.
bool set_up(ssh_session session, const Machine& machine) {
    const bool no = false;
    const int port = machine.port;
    return ::ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_HOST, machine.address.c_str()) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_PORT, &port) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_USER, machine.login.c_str()) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &kSeconds) == 0;
}

Key key_of(ssh_session session) {
    ssh_key key = nullptr;
    return Key(::ssh_get_server_publickey(session, &key) == SSH_OK ? key : nullptr);
}

std::string fingerprint_of(const Key& key) {
    unsigned char* bytes = nullptr;
    std::size_t length = 0;
    if (::ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &bytes, &length) != 0) return {};
    const Hash hash(bytes);
    const Text printed(::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, bytes, length));
    return printed ? std::string(printed.get()) : std::string();
}

}  // namespace

std::expected<std::string, std::string> host_key_of(const Machine& machine, const std::string& fingerprint) {
    const Session session(::ssh_new());
    if (!session || !set_up(session.get(), machine)) return std::unexpected("SSH could not be set up");
    if (::ssh_connect(session.get()) != SSH_OK) return std::unexpected("its SSH server does not answer");
    const Key key = key_of(session.get());
    if (!key || fingerprint.empty() || fingerprint_of(key) != fingerprint) {
        return std::unexpected("what answers by its address has another host key");
    }
    char* exported = nullptr;
    if (::ssh_pki_export_pubkey_base64(key.get(), &exported) != SSH_OK) {
        return std::unexpected("its host key cannot be read");
    }
    const Text base64(exported);
    return fmt::format("{} {}", ::ssh_key_type_to_char(::ssh_key_type(key.get())), base64.get());
}

}  // namespace slipway::playbooks
