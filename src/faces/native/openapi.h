// The descriptions of the APIs, as they stand in api/ of the source: written into the program when it is built.
#pragma once

#include <string_view>

namespace slipway::faces {

extern const std::string_view kNativeOpenApi;
extern const std::string_view kRedisOpenApi;
extern const std::string_view kMemcachedOpenApi;
extern const std::string_view kHarbourMasterOpenApi;
extern const std::string_view kEc2OpenApi;

}  // namespace slipway::faces
