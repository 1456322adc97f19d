// The handlers of the HarbourMaster face. Internal to it.
#pragma once

#include "faces/harbourmaster/harbourmaster_face.h"
#include "http/body.h"

namespace slipway::faces {

// Whose path it is.
inline OrganizationId organization_in(const http::Request& request) {
    return OrganizationId(std::string(request.param("organization")));
}
inline std::string cluster_in(const http::Request& request) { return std::string(request.param("cluster")); }

class HarbourMasterFace {
  public:
    HarbourMasterFace(const FaceContext& context, HarbourMasterPorts ports)
        : context_(context), ports_(std::move(ports)) {}

    // {"error", "details":[{"field","problem"}]}; what is wrong with a field is a 422 here.
    static http::Response render(int status, const Error& error);

    Task<http::Response> create_database(http::Request& request) const;
    Task<http::Response> show_database(http::Request& request) const;
    Task<http::Response> remove_database(http::Request& request) const;
    Task<http::Response> rotate_password(http::Request& request) const;

    // backups.cpp
    Task<http::Response> create_backup(http::Request& request) const;
    Task<http::Response> list_backups(http::Request& request) const;
    Task<http::Response> show_backup(http::Request& request) const;
    Task<http::Response> remove_backup(http::Request& request) const;
    Task<http::Response> restore_backup(http::Request& request) const;
    // Of an organization, whose clusters may be gone.
    Task<http::Response> list_all_backups(http::Request& request) const;
    Task<http::Response> show_any_backup(http::Request& request) const;
    Task<http::Response> remove_any_backup(http::Request& request) const;

    Task<http::Response> create_instance(http::Request& request) const;
    Task<http::Response> list_instances(http::Request& request) const;
    Task<http::Response> show_instance(http::Request& request) const;
    Task<http::Response> remove_instance(http::Request& request) const;
    Task<http::Response> available(http::Request& request) const;

    Task<http::Response> create_organization(http::Request& request) const;
    Task<http::Response> list_organizations(http::Request& request) const;
    Task<http::Response> show_organization(http::Request& request) const;
    Task<http::Response> delete_organization(http::Request& request) const;
    Task<http::Response> create_key(http::Request& request) const;
    Task<http::Response> list_keys(http::Request& request) const;
    Task<http::Response> revoke_key(http::Request& request) const;
    Task<http::Response> create_cluster(http::Request& request) const;
    Task<http::Response> list_clusters(http::Request& request) const;
    Task<http::Response> show_cluster(http::Request& request) const;
    Task<http::Response> remove_cluster(http::Request& request) const;

  private:
    [[nodiscard]] Broker& broker() const { return context_.broker; }
    [[nodiscard]] Administration& administration() const { return context_.administration; }
    [[nodiscard]] http::Response error(const http::Request& request, const Error& what) const;

    // The password for who owns it; none for everybody else.
    Task<Result<std::optional<Secret>>> password_for(const CallContext& call, const Resource& database) const;
    Task<http::Response> answer_database(const http::Request& request, const ClusterDatabase& found, int status,
                                         bool with_instance) const;
    [[nodiscard]] json::object instance_of(const ServerAnswer& found, const std::optional<Secret>& password) const;
    Task<http::Response> answer_instance(const http::Request& request, const ServerAnswer& found) const;
    // The backup that the path names: of this cluster's databases, or of any of the organization.
    Task<Result<Resource>> backup_in(const http::Request& request) const;
    Task<Result<Resource>> any_backup_in(const http::Request& request) const;
    Task<http::Response> answer_backup(const http::Request& request, const Result<Resource>& found) const;
    Task<http::Response> take_backup_away(const http::Request& request, const Result<Resource>& found) const;
    // The one that a new database is to be filled from; none: the body names none.
    Task<Result<std::optional<Resource>>> backup_for(const http::Request& request, http::BodyReader& body) const;
    Task<Result<json::object>> shown_backup(const CallContext& call, const Resource& backup) const;
    Task<Result<json::array>> shown_backups(const CallContext& call, const std::vector<Resource>& backups) const;
    // The plan of databases of this engine that live on shared servers; null: there is none.
    [[nodiscard]] const Plan* database_plan(std::string_view engine) const;
    [[nodiscard]] const Plan* instance_plan(std::string_view engine, std::string_view instance_class) const;
    [[nodiscard]] std::vector<std::string> instance_classes(std::string_view engine) const;
    // What a database's POST says of the instance that it is to live on: the five fields of `available`, which have
    // to be those of one that is registered.
    Task<Result<std::optional<Resource>>> named_instance(const http::Request& request,
                                                         http::BodyReader& body) const;
    std::string engine_in(http::BodyReader& body, const std::optional<Resource>& backup,
                          const std::optional<Resource>& instance) const;
    Task<Result<ServerRequest>> read_instance(const CallContext& call, http::BodyReader& body) const;
    // Whether there is such an instance of this engine; what is wrong with it goes to the body.
    Task<Result<std::optional<std::string>>> current_instance(const CallContext& call, const std::string& engine,
                                                              http::BodyReader& body) const;
    [[nodiscard]] std::string engine_names() const;

    const FaceContext& context_;
    HarbourMasterPorts ports_;
};

}  // namespace slipway::faces
