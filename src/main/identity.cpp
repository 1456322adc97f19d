#include "main/identity.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "broker/broker.h"

namespace slipway {
namespace {

constexpr const char* kInstallation = "installation";
constexpr const char* kHost = "host";
// They own things from the first request on, so they can have quotas, webhooks and usage like any other.
constexpr std::array<std::pair<const char*, const char*>, 3> kBuiltIn{
    {{kDefaultOrganization, "the administrator's first organization"},
     {kAnonymousOrganization, "callers without a key"},
     {kSystemOrganization, "what is made ahead and not claimed yet"}}};
constexpr const char* kAdministrator = "administrator_key";  // the hash of the key registered last

Task<Status> write_all(Store& store, std::vector<Write> writes) {
    Commit commit;
    commit.writes = std::move(writes);
    const auto answer = co_await store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    if (!std::holds_alternative<Committed>(*answer)) co_return fail(ErrorCode::internal, "the store refused");
    co_return Status{};
}

}  // namespace

Task<Result<Identity>> load_or_create_identity(Store& store, const Clock& clock, Random& random) {
    auto installation = co_await store.setting(kInstallation);
    if (!installation) co_return fail(installation.error());
    auto host = co_await store.setting(kHost);
    if (!host) co_return fail(host.error());
    std::vector<Write> writes;
    if (!*installation) {
        *installation = make_id<InstallationId>("ins", clock.now(), random).str();
        writes.emplace_back(write::PutSetting{kInstallation, **installation});
    }
    if (!*host) {
        *host = make_id<HostId>("host", clock.now(), random).str();
        writes.emplace_back(write::PutSetting{kHost, **host});
    }
    for (const auto& [id, title] : kBuiltIn) {
        const auto known = co_await store.organization(OrganizationId(id));
        if (!known) co_return fail(known.error());
        if (!*known) writes.emplace_back(write::PutOrganization{{OrganizationId(id), title, clock.now()}});
    }
    if (!writes.empty()) {
        if (const Status done = co_await write_all(store, std::move(writes)); !done) co_return fail(done.error());
    }
    co_return Identity{InstallationId(**installation), HostId(**host)};
}

Task<Status> register_administrator(Store& store, Secret key, const Clock& clock, Random& random) {
    const std::string hash = hash_key(key);
    const auto registered = co_await store.setting(kAdministrator);
    if (!registered) co_return fail(registered.error());
    if (*registered && **registered == hash) co_return Status{};
    const TimePoint now = clock.now();
    const OrganizationId owner(kDefaultOrganization);
    std::vector<Write> writes;
    if (*registered) {
        auto former = co_await store.api_key_by_hash(**registered);
        if (!former) co_return fail(former.error());
        if (*former && !(*former)->revoked_at) {
            (*former)->revoked_at = now;
            writes.emplace_back(write::PutApiKey{**former});
            log::warning("main", "the former administrator's key is revoked", {{"key", (*former)->id.str()}});
        }
    }
    auto same = co_await store.api_key_by_hash(hash);
    if (!same) co_return fail(same.error());
    ApiKey record = *same ? **same : ApiKey{make_id<ApiKeyId>("key", now, random),
                                            hash,
                                            owner,
                                            Role::administrator,
                                            "the administrator's key",
                                            now,
                                            {}};
    record.role = Role::administrator;
    record.revoked_at.reset();
    writes.emplace_back(write::PutApiKey{std::move(record)});
    writes.emplace_back(write::PutSetting{kAdministrator, hash});
    co_return co_await write_all(store, std::move(writes));
}

}  // namespace slipway
