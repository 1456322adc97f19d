// Keys for tests that are not about making them.
#pragma once

#include "broker/access.h"
#include "broker/broker.h"

namespace slipway::broker_test {

// Puts a key into the store, with its organization where that is new.
inline Task<Result<Secret>> put_key(Store& store, const Clock& clock, Random& random, OrganizationId organization,
                                    Role role) {
    const TimePoint now = clock.now();
    Secret key = make_key(random);
    ApiKey record;
    record.id = make_id<ApiKeyId>("key", now, random);
    record.hash = hash_key(key);
    record.organization = organization;
    record.role = role;
    record.created_at = now;
    Commit commit;
    const auto known = co_await store.organization(organization);
    if (!known) co_return fail(known.error());
    if (!*known) commit.writes.emplace_back(write::PutOrganization{{organization, organization.str(), now}});
    commit.writes.emplace_back(write::PutApiKey{std::move(record)});
    const auto answer = co_await store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return key;
}

}  // namespace slipway::broker_test
