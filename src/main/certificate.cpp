#include "main/certificate.h"

#include <fmt/format.h>

namespace slipway {
namespace {

using faces::Finding;
using faces::Severity;

constexpr Duration kSoon = std::chrono::days(14);
constexpr const char* kRenew =
    "renew it, put it and its key in their places, and tell the server by SIGHUP (systemctl reload slipway)";

}  // namespace

Finding judge_certificate(const http::Certificate& certificate, const std::filesystem::path& file, TimePoint now) {
    const std::string names = fmt::format("{}", fmt::join(certificate.names, ", "));
    const std::string until = format_time(certificate.not_after);
    const std::string what = fmt::format("{} for {}", file.string(), names.empty() ? "no host at all" : names);
    if (now < certificate.not_before) {
        return {"certificate", Severity::problem,
                fmt::format("{} is valid only from {} on", what, format_time(certificate.not_before)),
                "set the machine's clock, or wait, or use another"};
    }
    if (now > certificate.not_after) {
        return {"certificate", Severity::problem, fmt::format("{} has expired at {}", what, until), kRenew};
    }
    if (certificate.names.empty()) {
        return {"certificate", Severity::problem, what + ": clients compare its subject alternative names only",
                "have one issued with the names that clients use as subject alternative names"};
    }
    if (certificate.not_after - now < kSoon) {
        return {"certificate", Severity::warning, fmt::format("{} expires at {}", what, until), kRenew};
    }
    return {"certificate", Severity::ok, fmt::format("{} is valid until {}", what, until), ""};
}

}  // namespace slipway
