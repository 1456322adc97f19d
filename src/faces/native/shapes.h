// The JSON of the native face. No secret is in any of it: the few answers that show one add it themselves.
#pragma once

#include "base/json.h"
#include "broker/administration.h"
#include "faces/native/ports.h"

namespace slipway::faces {

json::object resource_json(const Resource& resource, const Sharing& sharing);
// `of`: the kind of its resource, where it is known.
json::object operation_json(const Operation& operation, std::optional<Kind> of);
json::object event_json(const Event& event);
json::object accepted_json(const Resource& resource, const Sharing& sharing,
                           const std::optional<Operation>& operation);
json::object plan_json(const PlanView& view);
json::object preview_json(std::string_view verb, const Preview& preview);
json::object key_json(const ApiKey& key);
json::object webhook_json(const Webhook& webhook);
json::object organization_json(const OrganizationView& view);
json::array quotas_json(const std::vector<QuotaUse>& quotas);
json::object usage_json(TimePoint from, TimePoint to, const std::vector<UsageLine>& lines);
json::object orphan_json(const Orphan& orphan);
json::object finding_json(const Finding& finding);
json::object check_json(const ReadinessCheck& check);

// {"error", "code", "problems"}: `describe` is the text of the error with its problems.
json::object error_json(const Error& error);

}  // namespace slipway::faces
