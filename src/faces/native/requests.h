// The requests of the native face, read from bodies and queries: every field with its type and bounds, every wrong
// one told. Internal to it.
#pragma once

#include <optional>
#include <string>

#include "broker/administration.h"
#include "broker/backups.h"
#include "faces/query.h"
#include "http/body.h"
#include "http/message.h"

namespace slipway::faces {

struct ProvisionBody {
    ProvisionRequest request;
    std::string restore_from;  // the backup that it is to be filled from; empty: none
    Duration wait{};
};
struct BackupBody {
    BackupRequest request;
    Duration wait{};
};
struct UpdateBody {
    UpdateRequest request;
    Duration wait{};
};
struct AdoptBody {
    AdoptRequest request;
    Duration wait{};
};

// POST /plan: the request to be tried is read when it is tried, since what is wrong with it is an answer.
struct PreviewBody {
    std::string verb;      // "create", "restore", "update", "delete", "backup", "rotate", "confirm", …
    std::string resource;  // its name or id
    std::string operation;
    std::string provider;  // of the orphan of that name
    std::string name;
    std::string request = "{}";  // JSON
};

// A body that has been parsed; its fields are taken and what is left over is wrong.
Result<ProvisionBody> read_provision(http::BodyReader body, const Catalog& catalog, const CallContext& call,
                                     Duration longest_wait);
Result<BackupBody> read_backup(http::BodyReader body, Duration longest_wait);
Result<UpdateBody> read_update(http::BodyReader body, Duration longest_wait);
Result<AdoptBody> read_adopt(http::BodyReader body, Duration longest_wait);
Result<PreviewBody> read_preview(http::BodyReader body);
Result<std::vector<Quota>> read_quotas(http::BodyReader body);
Result<NewKey> read_new_key(http::BodyReader body);
Result<NewWebhook> read_new_webhook(http::BodyReader body);
Result<WebhookChange> read_webhook_change(http::BodyReader body);

// If-Match: "VERSION"; none where it is absent or "*".
Result<std::optional<std::uint64_t>> version_of(const http::Request& request);

// ?organization=ID
std::optional<OrganizationId> take_organization(QueryReader& query);
// ?wait=SECONDS, or of another name.
Duration take_wait(QueryReader& query, std::string_view name, Duration longest);
// "wait_seconds" of a body.
Duration take_wait_seconds(http::BodyReader& body, Duration longest);

// "2016-05-20T04:28:03.758Z", with any offset and up to nine digits of a second; nullopt: it is no time of RFC
// 3339, or not between 1970 and 2200.
std::optional<TimePoint> parse_time(std::string_view text);

}  // namespace slipway::faces
