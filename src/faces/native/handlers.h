// The handlers of the native face. Internal to it.
#pragma once

#include "faces/face.h"
#include "faces/native/ports.h"

namespace slipway::faces {

class NativeFace {
  public:
    NativeFace(const FaceContext& context, NativePorts ports) : context_(context), ports_(std::move(ports)) {}

    Task<http::Response> list_resources(http::Request& request) const;
    Task<http::Response> show_resource(http::Request& request) const;
    Task<http::Response> delete_resource(http::Request& request) const;
    Task<http::Response> timeline(http::Request& request) const;

    Task<http::Response> list_operations(http::Request& request) const;
    Task<http::Response> show_operation(http::Request& request) const;
    Task<http::Response> cancel_operation(http::Request& request) const;

    Task<http::Response> orphans(http::Request& request) const;
    Task<http::Response> sweep(http::Request& request) const;
    Task<http::Response> doctor(http::Request& request) const;
    Task<http::Response> health(http::Request& request) const;
    Task<http::Response> readiness(http::Request& request) const;

    // As render_error, with the error's code and its faulty fields.
    static http::Response render(int status, const Error& error);

  private:
    [[nodiscard]] Broker& broker() const { return context_.broker; }
    // By id, or by the name of one that is not gone. Errors: not_found, conflict (several have the name).
    Task<Result<Resource>> find(const CallContext& call, std::string_view id_or_name) const;
    static http::Response error(const http::Request& request, const Error& what);
    // Status::forbidden to everybody else.
    static Status administrators_only(const http::Request& request);

    const FaceContext& context_;
    NativePorts ports_;
};

}  // namespace slipway::faces
