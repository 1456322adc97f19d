// A machine as an instance of the helper, whoever runs it.
#pragma once

#include <optional>

#include "providers/machines/login.h"
#include "providers/machines/shape.h"

namespace slipway::machines {

// What its directory says of it.
struct Made {
    std::string engine;
    std::string provider;
    uid_t uid = 0;
    std::string image;  // the directory of the build
};
json::object meta_of(const Target& target, const Shape& shape, const Made& made);

// That of one that runs, after such a greeting.
Observation running(const Target& target, const Shape& shape, const Greeting& greeting);

// It holds no image any more. Transient, where that could not be recorded.
std::optional<ProviderError> release_image(const ImageKeeper& keeper, const std::string& machine);

}  // namespace slipway::machines
