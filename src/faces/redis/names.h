// The forms in which clients name an instance. Pure.
#pragma once

#include <string_view>

namespace slipway::faces {

// The real client cuts the name out of the URL: it drops "redis://" and everything from the first dot on, so that
// "default:PASSWORD@oct-f592509d" arrives as a name. All of these name oct-f592509d:
//   oct-f592509d                                    default:PASSWORD@oct-f592509d
//   oct-f592509d.localhost:20000                    redis://default:PASSWORD@oct-f592509d.localhost:20000
//   arn:aws:elasticache:us-west-2:1:cluster:oct-f592509d
// The answer is a view into the text, and holds nothing of the credentials. Empty: no name is in it.
std::string_view instance_name(std::string_view text);

}  // namespace slipway::faces
