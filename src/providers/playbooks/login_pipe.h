// Hands a secret to whoever opens a pipe by its name: it is in no file, argument or environment.
#pragma once

#include <filesystem>
#include <thread>

#include "base/result.h"
#include "base/secret.h"

namespace slipway::playbooks {

class LoginPipe {
  public:
    // Makes the pipe. `text`: at most 64 KiB, the capacity of one, so that nothing ever waits for a slow reader.
    // Errors: storage.
    static Result<std::unique_ptr<LoginPipe>> make(std::filesystem::path file, Secret text);
    // Where nobody has read, nobody will.
    ~LoginPipe();
    LoginPipe(const LoginPipe&) = delete;
    LoginPipe& operator=(const LoginPipe&) = delete;

  private:
    LoginPipe(std::filesystem::path file, Secret text);
    void serve() const;

    std::filesystem::path file_;
    Secret text_;
    std::thread thread_;
};

}  // namespace slipway::playbooks
