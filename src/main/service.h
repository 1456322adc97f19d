// A whole running server: store, keys, providers, engine, use cases, faces and HTTP, started and stopped in order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/settings.h"

namespace slipway {

// Made, stopped and destroyed on one thread, which is none of its own.
class Service {
  public:
    // Listens and works when this has returned. Errors: invalid_argument (an address that is none), forbidden,
    // conflict (an address in use), unavailable (another server works on the state directory, the master key is
    // wrong), storage.
    static Result<std::unique_ptr<Service>> start(const Settings& settings);
    // Stops as if asked to.
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Where it listens, as bound: "127.0.0.1:3000".
    [[nodiscard]] std::vector<std::string> addresses() const;

    // Reads the certificate and its key again. Where they cannot be used, the former are kept and the log says why.
    void reload();

    // Accepts no more, lets requests in flight finish within the grace, parks what the engine has under way, closes
    // the store. Engines that the local provider started live on.
    void stop();

  private:
    class Impl;
    explicit Service(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway
