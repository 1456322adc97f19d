// What is asked before an organization is deleted, what is written then, and what keeps it so.
#include "store/rows.h"
#include "store/sqlite/write_session.h"

namespace slipway::sqlite {
namespace {

std::optional<Rejected> refused(Obstacle obstacle, const OrganizationId& id) {
    return Rejected{obstacle, id.str()};
}

}  // namespace

std::optional<Rejected> WriteSession::check(const write::DeleteOrganization& deletion) {
    const OrganizationId& id = deletion.organization;
    const auto finds = [&](std::string_view sql) { return database_.statement(sql).run(id.str()).next(); };
    if (!finds("SELECT 1 FROM organizations WHERE id = ?1 AND deleted_at IS NULL")) {
        return refused(Obstacle::organization_gone, id);
    }
    // The states are named so that the index passes over all that are gone.
    if (finds("SELECT 1 FROM resources WHERE organization = ?1 AND state IN ('requested', 'provisioning', 'ready', "
              "'updating', 'deprovisioning', 'failed') LIMIT 1") ||
        finds("SELECT 1 FROM clusters WHERE organization = ?1 LIMIT 1")) {
        return refused(Obstacle::organization_used, id);
    }
    const bool within = finds(
        "SELECT 1 FROM api_keys WHERE organization = ?1 AND role = 'administrator' AND revoked_at IS NULL "
        "AND expires_at IS NULL LIMIT 1");
    const bool elsewhere = finds(
        "SELECT 1 FROM api_keys WHERE organization <> ?1 AND role = 'administrator' AND revoked_at IS NULL "
        "AND expires_at IS NULL LIMIT 1");
    return within && !elsewhere ? refused(Obstacle::last_administrator, id) : std::nullopt;
}

std::optional<Rejected> WriteSession::check_receiver(const Write& write) const {
    if (deleted_organizations_.empty()) return std::nullopt;
    const OrganizationId* to = store::gives_to(write);
    if (to == nullptr || !deleted_organizations_.contains(*to)) return std::nullopt;
    return refused(Obstacle::organization_gone, *to);
}

void RowWriter::end(const OrganizationId& organization, TimePoint at) {
    const std::string& id = organization.str();
    database_.statement("UPDATE organizations SET deleted_at = ?2 WHERE id = ?1").run(id, at).done();
    database_.statement("UPDATE api_keys SET revoked_at = ?2 WHERE organization = ?1 AND revoked_at IS NULL")
        .run(id, at)
        .done();
    database_.statement("DELETE FROM quotas WHERE organization = ?1").run(id).done();
    database_.statement("DELETE FROM webhooks WHERE json_extract(body, '$.organization') = ?1").run(id).done();
}

}  // namespace slipway::sqlite
