// What is said to owners of resources: in events, progress and reasons. Nothing here names a tool or a type of
// ours.
#pragma once

#include <string>
#include <string_view>

#include "domain/operation.h"
#include "domain/resource.h"

namespace slipway {

// "the creation", "the removal", …
std::string_view noun_of(OperationKind kind);
// What is made of a kind: "engine", "database server", "database", …
std::string_view noun_of(Kind kind);
// What a resource is to its owner: its engine says the most, but of a machine: "machine (vm)".
std::string product_of(const Resource& resource);
// What a step does, to go after "to": "create it", "check that it answers", …
std::string_view verb_of(StepKind kind);
// "250 ms", "1.5 s", "3 min"
std::string in_words(Duration duration);

}  // namespace slipway
