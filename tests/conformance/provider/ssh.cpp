#include "ssh.h"

#include <array>
#include <memory>

#include <fmt/format.h>
#include <libssh/libssh.h>

namespace slipway::testing {
namespace {

struct FreeSession {
    void operator()(ssh_session session) const {
        ::ssh_disconnect(session);
        ::ssh_free(session);
    }
};
struct FreeChannel {
    void operator()(ssh_channel channel) const { ::ssh_channel_free(channel); }
};

}  // namespace

std::string in_machine(const std::string& address, const std::string& user, const std::string& password,
                       const std::string& command) {
    const std::unique_ptr<ssh_session_struct, FreeSession> session(::ssh_new());
    const bool no = false;
    const long seconds = 20;
    ::ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &no);
    ::ssh_options_set(session.get(), SSH_OPTIONS_HOST, address.c_str());
    ::ssh_options_set(session.get(), SSH_OPTIONS_USER, user.c_str());
    ::ssh_options_set(session.get(), SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
    ::ssh_options_set(session.get(), SSH_OPTIONS_TIMEOUT, &seconds);
    if (::ssh_connect(session.get()) != SSH_OK ||
        ::ssh_userauth_password(session.get(), nullptr, password.c_str()) != SSH_AUTH_SUCCESS) {
        return fmt::format("failed: {}", ::ssh_get_error(session.get()));
    }
    const std::unique_ptr<ssh_channel_struct, FreeChannel> channel(::ssh_channel_new(session.get()));
    if (::ssh_channel_open_session(channel.get()) != SSH_OK ||
        ::ssh_channel_request_exec(channel.get(), command.c_str()) != SSH_OK) {
        return fmt::format("failed: {}", ::ssh_get_error(session.get()));
    }
    std::string said;
    std::array<char, 4096> piece{};
    for (;;) {
        const int got = ::ssh_channel_read(channel.get(), piece.data(), piece.size(), 0);
        if (got <= 0) break;
        said.append(piece.data(), static_cast<std::size_t>(got));
    }
    const int status = ::ssh_channel_get_exit_status(channel.get());
    return status == 0 ? said : fmt::format("failed: status {}, {}", status, said);
}

}  // namespace slipway::testing
