// The certificate and the key by which a server proves who it is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::http {

struct TlsFiles {
    std::filesystem::path certificate;  // PEM: the server's own first, then those that lead to the root
    std::filesystem::path key;          // PEM, without a passphrase
};

struct Certificate {
    std::vector<std::string> names;  // host names and addresses that it is good for
    TimePoint not_before{};
    TimePoint not_after{};
};

// Whether a server can be started with these. Errors as of Server::start.
Status check_tls(const TlsFiles& files);

// The first one of a file. ErrorCode::invalid_argument names the file and what is wrong.
Result<Certificate> read_certificate(const std::filesystem::path& file);

}  // namespace slipway::http
