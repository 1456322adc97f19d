// The EC2 API: virtual machines for a username and a password, waited for or not. Its manual is docs/api-ec2.md.
#pragma once

#include <string>

#include "faces/face.h"
#include "http/router.h"

namespace slipway::faces {

// What its machines are. Where the catalog has no such plan, it makes none and says so.
struct Ec2Options {
    std::string engine = "vm";
    std::string plan = "tiny";
};

// The context outlives the router.
void add_ec2(http::Router& router, const FaceContext& context, Ec2Options options);

}  // namespace slipway::faces
