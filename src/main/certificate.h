// What an administrator should know about the server's certificate.
#pragma once

#include <filesystem>

#include "base/clock.h"
#include "faces/native/native_face.h"
#include "http/tls.h"

namespace slipway {

// "certificate": ok with what it is good for and until when; a warning from two weeks before its end; a problem
// when it is not valid at `now`, because then no client takes it.
faces::Finding judge_certificate(const http::Certificate& certificate, const std::filesystem::path& file,
                                 TimePoint now);

}  // namespace slipway
