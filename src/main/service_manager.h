// Tells the service manager how the server is doing: systemd's notification protocol, of Type=notify units.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

class ServiceManager {
  public:
    // What NOTIFY_SOCKET says: a path, or "@name" for an abstract socket. "": nobody wants to know.
    explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}

    void ready(std::string_view status) const;
    void reloading() const;  // ready() follows
    void stopping() const;

  private:
    void tell(const std::string& message) const;
    std::string socket_;
};

}  // namespace slipway
