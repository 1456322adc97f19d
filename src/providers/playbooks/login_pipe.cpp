#include "providers/playbooks/login_pipe.h"

#include <csignal>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.h"

namespace slipway::playbooks {

Result<std::unique_ptr<LoginPipe>> LoginPipe::make(std::filesystem::path file, Secret text) {
    if (::mkfifo(file.c_str(), 0600) != 0) {
        return fail(ErrorCode::storage, fmt::format("a pipe cannot be made: {}", std::strerror(errno)));
    }
    try {
        return std::unique_ptr<LoginPipe>(new LoginPipe(std::move(file), std::move(text)));
    } catch (const std::system_error& error) {
        return fail(ErrorCode::storage, fmt::format("a thread cannot be made: {}", error.what()));
    }
}

LoginPipe::LoginPipe(std::filesystem::path file, Secret text)
    : file_(std::move(file)), text_(std::move(text)), thread_([this] { serve(); }) {}

// The first reader gets it, and the end of the file after it.
void LoginPipe::serve() const {
    sigset_t pipes;
    ::sigemptyset(&pipes);
    ::sigaddset(&pipes, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
    const UniqueFd pipe(::open(file_.c_str(), O_WRONLY | O_CLOEXEC));
    if (pipe) static_cast<void>(::write(pipe.get(), text_.reveal().data(), text_.reveal().size()));
}

// A reader of ours lets go of who waits for one.
LoginPipe::~LoginPipe() {
    const UniqueFd reader(::open(file_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
}

}  // namespace slipway::playbooks
