// The JSON of the native face. No secret is in any of it.
#pragma once

#include "base/json.h"
#include "broker/broker.h"
#include "faces/native/ports.h"

namespace slipway::faces {

json::object resource_json(const Resource& resource);
json::object operation_json(const Operation& operation);
json::object event_json(const Event& event);
json::object orphan_json(const Orphan& orphan);
json::object finding_json(const Finding& finding);
json::object check_json(const ReadinessCheck& check);

// {`name`: items, "next": cursor or null}
json::object page_json(std::string_view name, json::array items, const std::string& next);

}  // namespace slipway::faces
