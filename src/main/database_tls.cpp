#include "main/database_tls.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "http/tls.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxFile = 1024UL * 1024;

Result<std::string> text_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: cannot be opened: {}", file, std::strerror(errno)));
    }
    std::string text(kMaxFile, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

}  // namespace

Result<sql::ServerTls> load_database_tls(const DatabasesConfig& config) {
    if (config.tls == sql::TlsMode::off) return sql::ServerTls{};
    if (const Status good = http::check_tls({config.tls_certificate, config.tls_key}); !good) {
        return fail(good.error());
    }
    auto certificate = text_of(config.tls_certificate);
    if (!certificate) return fail(certificate.error());
    auto key = text_of(config.tls_key);
    if (!key) return fail(key.error());
    auto made = sql::make_server_tls(config.tls, std::move(*certificate), Secret(std::move(*key)));
    if (!made) {
        return fail(made.error().code, fmt::format("{}: {}", config.tls_certificate, made.error().message));
    }
    return made;
}

Status valid_now(const DatabasesConfig& config, TimePoint now) {
    const auto certificate = http::read_certificate(config.tls_certificate);
    if (!certificate) return fail(certificate.error());
    if (now >= certificate->not_before && now <= certificate->not_after) return {};
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is valid from {} to {}", config.tls_certificate,
                            format_time(certificate->not_before), format_time(certificate->not_after)));
}

}  // namespace slipway
