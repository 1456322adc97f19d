// What the dry runs share. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace slipway {

// What the request itself would be refused with is an answer here; a failure of ours is none about the request.
Result<Preview> judged(Preview preview, const Status& outlook);

// What a step does to a resource of this kind, in words for its owner.
std::string words_for(StepKind kind, OperationKind operation, Kind of, const std::string& engine);

// None where its plan has left the catalog.
std::optional<Price> price_of(const Plan* plan);

}  // namespace slipway
