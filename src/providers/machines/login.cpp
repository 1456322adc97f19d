#include "providers/machines/login.h"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>
#include <libssh/libssh.h>

namespace slipway::machines {
namespace {

namespace asio = boost::asio;

struct FreeSession {
    void operator()(ssh_session session) const {
        ::ssh_disconnect(session);
        ::ssh_free(session);
    }
};
using Session = std::unique_ptr<ssh_session_struct, FreeSession>;

struct FreeChannel {
    void operator()(ssh_channel channel) const { ::ssh_channel_free(channel); }
};
using Channel = std::unique_ptr<ssh_channel_struct, FreeChannel>;

// The fingerprint as `ssh-keygen -l` prints it.
std::string host_key_of(ssh_session session) {
    ssh_key key = nullptr;
    if (::ssh_get_server_publickey(session, &key) != SSH_OK) return {};
    unsigned char* hash = nullptr;
    std::size_t length = 0;
    std::string text;
    if (::ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == 0) {
        char* printed = ::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
        if (printed != nullptr) text = printed;
        ::ssh_string_free_char(printed);
        ::ssh_clean_pubkey_hash(&hash);
    }
    ::ssh_key_free(key);
    return text;
}

// Neither this user's configuration nor what hosts it knows is any business of ours.
bool set_up(ssh_session session, const LoginTry& wanted, long seconds) {
    const bool no = false;
    const int port = wanted.port;
    return ::ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_HOST, wanted.address.c_str()) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_PORT, &port) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_USER, wanted.user.c_str()) == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == 0 &&
           ::ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &seconds) == 0;
}

Greeting log_in(ssh_session session, const LoginTry& wanted, Greeting greeting) {
    if (::ssh_userauth_password(session, nullptr, wanted.password.reveal().c_str()) != SSH_AUTH_SUCCESS) {
        greeting.seen = Greeted::denied;
        greeting.why = "its SSH server does not let the login in yet";
        return greeting;
    }
    const Channel channel(::ssh_channel_new(session));
    if (!channel || ::ssh_channel_open_session(channel.get()) != SSH_OK) {
        greeting.seen = Greeted::denied;
        greeting.why = "its SSH server opens no session";
        return greeting;
    }
    greeting.seen = Greeted::let_in;
    return greeting;
}

Greeting talk(const LoginTry& wanted, Deadline deadline) {
    Greeting greeting;
    const Session session(::ssh_new());
    const auto left = std::chrono::ceil<std::chrono::seconds>(deadline.left());
    if (!session || !set_up(session.get(), wanted, std::max<long>(left.count(), 1))) {
        greeting.why = "SSH could not be set up";
        return greeting;
    }
    if (::ssh_connect(session.get()) != SSH_OK) {
        greeting.why = "its SSH server does not answer";
        return greeting;
    }
    greeting.host_key = host_key_of(session.get());
    greeting.seen = Greeted::answered;
    if (!wanted.host_key.empty() && wanted.host_key != greeting.host_key) {
        greeting.seen = Greeted::denied;
        greeting.why = "what answers by its address has another host key";
        return greeting;
    }
    return wanted.password.empty() ? greeting : log_in(session.get(), wanted, std::move(greeting));
}

// A look that costs nothing: while a machine boots, nobody listens.
Task<bool> listens(const LoginTry& wanted, Deadline deadline) {
    boost::system::error_code error;
    const asio::ip::address address = asio::ip::make_address(wanted.address, error);
    if (error) co_return false;
    const auto executor = co_await asio::this_coro::executor;
    const auto socket = std::make_shared<asio::ip::tcp::socket>(executor);
    asio::steady_timer timer(executor, deadline.at());
    timer.async_wait([socket](auto ended) {
        boost::system::error_code ignored;
        if (!ended) socket->close(ignored);
    });
    const auto connected =
        co_await socket->async_connect({address, wanted.port}, asio::as_tuple(asio::use_awaitable));
    timer.cancel();
    co_return !std::get<0>(connected);
}

}  // namespace

Task<Greeting> greet(Workers& workers, LoginTry wanted, Deadline deadline) {
    Greeting nobody;
    nobody.why = "nobody listens for SSH on it yet";
    if (!co_await listens(wanted, deadline.within(wanted.listens))) co_return nobody;
    const auto greeting =
        co_await workers.run<Greeting>([wanted, deadline] { return talk(wanted, deadline); }, deadline);
    if (greeting) co_return *greeting;
    nobody.why = "its SSH server does not answer in time";
    co_return nobody;
}

}  // namespace slipway::machines
