// The handlers of the native face. Internal to it.
#pragma once

#include <atomic>

#include "faces/face.h"
#include "faces/native/ports.h"
#include "faces/native/requests.h"

namespace slipway::faces {

class NativeFace {
  public:
    NativeFace(const FaceContext& context, NativePorts ports) : context_(context), ports_(std::move(ports)) {}

    // resources.cpp
    Task<http::Response> list_resources(http::Request& request) const;
    Task<http::Response> show_resource(http::Request& request) const;
    Task<http::Response> create_resource(http::Request& request) const;
    Task<http::Response> change_resource(http::Request& request) const;
    Task<http::Response> delete_resource(http::Request& request) const;
    Task<http::Response> credentials(http::Request& request) const;

    // backups.cpp
    Task<http::Response> create_backup(http::Request& request) const;
    Task<http::Response> list_backups(http::Request& request) const;

    // rotation.cpp
    Task<http::Response> rotate(http::Request& request) const;
    Task<http::Response> confirm_rotation(http::Request& request) const;

    // console.cpp
    Task<http::Response> read_console(http::Request& request) const;
    Task<http::Response> type_at_console(http::Request& request) const;

    // plans.cpp
    Task<http::Response> me(http::Request& request) const;
    Task<http::Response> list_plans(http::Request& request) const;
    Task<http::Response> preview(http::Request& request) const;

    // operations.cpp
    Task<http::Response> list_operations(http::Request& request) const;
    Task<http::Response> show_operation(http::Request& request) const;
    Task<http::Response> cancel_operation(http::Request& request) const;
    Task<http::Response> operation_log(http::Request& request) const;

    // events.cpp
    Task<http::Response> timeline(http::Request& request) const;
    Task<http::Response> events(http::Request& request) const;

    // keys.cpp
    Task<http::Response> create_key(http::Request& request) const;
    Task<http::Response> list_keys(http::Request& request) const;
    Task<http::Response> show_key(http::Request& request) const;
    Task<http::Response> revoke_key(http::Request& request) const;

    // webhooks.cpp
    Task<http::Response> create_webhook(http::Request& request) const;
    Task<http::Response> list_webhooks(http::Request& request) const;
    Task<http::Response> show_webhook(http::Request& request) const;
    Task<http::Response> change_webhook(http::Request& request) const;
    Task<http::Response> remove_webhook(http::Request& request) const;
    Task<http::Response> test_webhook(http::Request& request) const;

    // organizations.cpp
    Task<http::Response> create_organization(http::Request& request) const;
    Task<http::Response> list_organizations(http::Request& request) const;
    Task<http::Response> show_organization(http::Request& request) const;
    Task<http::Response> delete_organization(http::Request& request) const;
    Task<http::Response> show_quotas(http::Request& request) const;
    Task<http::Response> set_quotas(http::Request& request) const;
    Task<http::Response> usage(http::Request& request) const;

    // operators.cpp
    Task<http::Response> orphans(http::Request& request) const;
    Task<http::Response> adopt_orphan(http::Request& request) const;
    Task<http::Response> remove_orphan(http::Request& request) const;
    Task<http::Response> sweep(http::Request& request) const;
    Task<http::Response> doctor(http::Request& request) const;
    Task<http::Response> health(http::Request& request) const;
    Task<http::Response> readiness(http::Request& request) const;
    Task<http::Response> openapi(http::Request& request) const;
    Task<http::Response> openapi_redis(http::Request& request) const;
    Task<http::Response> openapi_memcached(http::Request& request) const;
    Task<http::Response> openapi_harbourmaster(http::Request& request) const;
    Task<http::Response> openapi_ec2(http::Request& request) const;

    // As render_error, with the error's code and its faulty fields.
    static http::Response render(int status, const Error& error);

  private:
    struct Stream;  // one of the open ones

    [[nodiscard]] Broker& broker() const { return context_.broker; }
    [[nodiscard]] Administration& administration() const { return context_.administration; }
    [[nodiscard]] Duration longest_wait() const { return context_.options.poll_limit; }
    static http::Response error(const http::Request& request, const Error& what);

    using Rotate = Task<Result<Accepted>> (Rotations::*)(CallContext, ResourceId) const;
    Task<http::Response> change_password(http::Request& request, Rotate verb) const;
    // What one of them shares, of those that the caller sees.
    Task<Result<Sharing>> sharing_of(const CallContext& call, const Resource& resource) const;
    // An operation as it is after a bounded wait for its end.
    Task<Result<Operation>> wait_for(Operation operation, Duration limit) const;
    // The resource and its operation as they are after a bounded wait.
    Task<http::Response> answer_accepted(const http::Request& request, Accepted accepted, Duration wait,
                                         bool made) const;
    Task<Result<EventPage>> next_events(const CallContext& call, const EventFilter& filter, std::uint64_t after,
                                        std::uint32_t limit, Duration wait) const;
    Task<Status> send_events(http::Writer& writer, CallContext call, EventFilter filter, std::uint64_t after) const;
    // What `restore_from` names is what it is to be filled from.
    Task<Status> name_backup(const CallContext& call, ProvisionBody& body) const;
    Task<Result<Preview>> preview_creation(const CallContext& call, const PreviewBody& body) const;
    Task<Result<Preview>> preview_adoption(const CallContext& call, const PreviewBody& body) const;
    Task<Result<Preview>> preview_of(const CallContext& call, const PreviewBody& body) const;

    const FaceContext& context_;
    NativePorts ports_;
    mutable std::atomic<std::size_t> streams_ = 0;
};

// What a part answers that this server does not have.
http::Response not_here(std::string_view what);

}  // namespace slipway::faces
