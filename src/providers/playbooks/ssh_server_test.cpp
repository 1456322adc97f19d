#include <array>
#include <csignal>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn_parts.h"
#include "providers/playbooks/ssh_server_test_support.h"

namespace slipway::playbooks::test {
namespace {

constexpr int kLook = 10;  // milliseconds

std::array<UniqueFd, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// A command that a session runs.
class Command {
  public:
    bool start(const std::string& text) {
        auto in = make_pipe();
        auto out = make_pipe();
        auto err = make_pipe();
        SpawnParts with;
        ::posix_spawnattr_setflags(&with.attributes_, POSIX_SPAWN_SETSID);
        ::posix_spawn_file_actions_adddup2(&with.actions_, in[0].get(), STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&with.actions_, out[1].get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&with.actions_, err[1].get(), STDERR_FILENO);
        std::vector<std::string> words{"/bin/sh", "-c", text};
        std::vector<std::string> variables{"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"};
        if (::posix_spawn(&pid_, "/bin/sh", &with.actions_, &with.attributes_, pointers(words).data(),
                          pointers(variables).data()) != 0) {
            return false;
        }
        in_ = std::move(in[1]);
        out_ = std::move(out[0]);
        err_ = std::move(err[0]);
        return true;
    }
    ~Command() { end(); }
    void end() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    [[nodiscard]] bool runs() const { return pid_ > 0; }
    void feed(const void* data, std::size_t size) const {
        if (in_) static_cast<void>(::write(in_.get(), data, size));
    }
    void end_input() { in_.reset(); }
    // False: it has ended, with `status`.
    bool pump(ssh_channel channel, int& status) {
        pass_on(out_, channel, false);
        pass_on(err_, channel, true);
        int ended = 0;
        if (out_ || err_ || ::waitpid(pid_, &ended, WNOHANG) != pid_) return true;
        pid_ = 0;
        status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 255;
        return false;
    }

  private:
    static void pass_on(UniqueFd& from, ssh_channel channel, bool error) {
        pollfd waited{from.get(), POLLIN, 0};
        while (from && ::poll(&waited, 1, 0) == 1) {
            std::array<char, 8192> piece{};
            const ssize_t got = ::read(from.get(), piece.data(), piece.size());
            if (got <= 0) {
                from.reset();
                return;
            }
            const auto size = static_cast<std::uint32_t>(got);
            if (error) {
                ::ssh_channel_write_stderr(channel, piece.data(), size);
            } else {
                ::ssh_channel_write(channel, piece.data(), size);
            }
        }
    }

    pid_t pid_ = 0;
    UniqueFd in_;
    UniqueFd out_;
    UniqueFd err_;
};

}  // namespace

struct SshServer::Key {
    ssh_key key = nullptr;
    ~Key() { ::ssh_key_free(key); }
};

// One connection, on a thread of its own.
struct SshServer::Session {
    SshServer& server;
    ssh_session session = nullptr;
    ssh_channel channel = nullptr;
    Command command = {};
    bool let_in = false;
    ssh_channel_callbacks_struct of_channel = {};
    ssh_server_callbacks_struct of_server = {};

    static Session& self(void* data) { return *static_cast<Session*>(data); }

    static int on_password(ssh_session, const char* user, const char* password, void* data) {
        Session& me = self(data);
        ++me.server.tries_;
        me.let_in = !me.server.refusing_ && user == me.server.login_ && me.server.password_.equals(password);
        return me.let_in ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
    }
    static ssh_channel on_open(ssh_session session, void* data) {
        Session& me = self(data);
        if (!me.let_in || me.channel != nullptr) return nullptr;
        me.channel = ::ssh_channel_new(session);
        ::ssh_set_channel_callbacks(me.channel, &me.of_channel);
        return me.channel;
    }
    static int on_exec(ssh_session, ssh_channel, const char* text, void* data) {
        Session& me = self(data);
        {
            const std::scoped_lock lock(me.server.mutex_);
            me.server.commands_.emplace_back(text);
        }
        return me.command.start(text) ? SSH_OK : SSH_ERROR;
    }
    static int on_pty(ssh_session, ssh_channel, const char*, int, int, int, int, void*) { return SSH_OK; }
    static int on_data(ssh_session, ssh_channel, void* bytes, std::uint32_t size, int, void* data) {
        self(data).command.feed(bytes, size);
        return static_cast<int>(size);
    }
    static void on_eof(ssh_session, ssh_channel, void* data) { self(data).command.end_input(); }

    void run() {
        of_server.userdata = of_channel.userdata = this;
        of_server.auth_password_function = on_password;
        of_server.channel_open_request_session_function = on_open;
        of_channel.channel_exec_request_function = on_exec;
        of_channel.channel_pty_request_function = on_pty;
        of_channel.channel_data_function = on_data;
        of_channel.channel_eof_function = on_eof;
        ssh_callbacks_init(&of_server);
        ssh_callbacks_init(&of_channel);
        ::ssh_set_server_callbacks(session, &of_server);
        ::ssh_set_auth_methods(session, SSH_AUTH_METHOD_PASSWORD);
        if (::ssh_handle_key_exchange(session) == SSH_OK) talk();
        command.end();
        ::ssh_disconnect(session);
        ::ssh_free(session);
    }
    void talk() {
        ssh_event event = ::ssh_event_new();
        ::ssh_event_add_session(event, session);
        bool began = false;
        while (!server.stopping_ && ::ssh_event_dopoll(event, kLook) != SSH_ERROR) {
            if (channel != nullptr && ::ssh_channel_is_closed(channel) != 0) break;
            began = began || command.runs();
            int status = 0;
            if (!began || command.pump(channel, status)) continue;
            ::ssh_channel_request_send_exit_status(channel, status);
            ::ssh_channel_send_eof(channel);
            ::ssh_channel_close(channel);
            for (int rest = 0; rest < 10 && ::ssh_event_dopoll(event, kLook) != SSH_ERROR; ++rest) {
            }
            break;
        }
        ::ssh_event_remove_session(event, session);
        ::ssh_event_free(event);
    }
};

SshServer::SshServer(std::string login, Secret password)
    : login_(std::move(login)), password_(std::move(password)), key_(std::make_shared<Key>()) {
    ::ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key_->key);
    unsigned char* hash = nullptr;
    std::size_t length = 0;
    ::ssh_get_publickey_hash(key_->key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length);
    char* printed = ::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    fingerprint_ = printed;
    ::ssh_string_free_char(printed);
    ::ssh_clean_pubkey_hash(&hash);
    listening_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listening_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ::ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

SshServer::~SshServer() {
    stopping_ = true;
    thread_.join();
}

void SshServer::serve() {
    sigset_t pipes;
    ::sigemptyset(&pipes);
    ::sigaddset(&pipes, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
    std::vector<std::thread> sessions;
    while (!stopping_) {
        pollfd waited{listening_.get(), POLLIN, 0};
        if (::poll(&waited, 1, kLook) != 1) continue;
        const int connected = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (connected < 0) continue;
        ssh_bind bind = ::ssh_bind_new();
        ssh_key copy = ::ssh_key_dup(key_->key);
        const bool no = false;
        ::ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
        ::ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, copy);
        ssh_session session = ::ssh_new();
        const bool accepted = ::ssh_bind_accept_fd(bind, session, connected) == SSH_OK;
        ::ssh_bind_free(bind);
        if (!accepted) {
            ::ssh_free(session);
            continue;
        }
        sessions.emplace_back([this, session] {
            Session one{*this, session};
            one.run();
        });
    }
    for (std::thread& each : sessions) each.join();
}

}  // namespace slipway::playbooks::test
