// What a request must be, whatever face it came through.
#include "broker/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/broker.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxBillingCode = 128;
constexpr std::size_t kMaxLabels = 32;
constexpr std::size_t kMaxLabelKey = 63;
constexpr std::size_t kMaxLabelValue = 255;
constexpr std::size_t kMaxIdempotencyKey = 128;

bool printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

bool label_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == '/' || c == ':';
}

std::string plan_names(const Catalog& catalog, Kind kind, std::string_view engine) {
    std::string names;
    for (const Plan* plan : catalog.of(kind, engine)) names += (names.empty() ? "" : ", ") + plan->name;
    return names;
}

}  // namespace

bool valid_label_key(std::string_view key) {
    return !key.empty() && key.size() <= kMaxLabelKey && std::ranges::all_of(key, label_key_char);
}

bool valid_label_value(std::string_view value) { return value.size() <= kMaxLabelValue && printable(value); }

bool valid_billing_code(std::string_view code) {
    return !code.empty() && code.size() <= kMaxBillingCode && printable(code);
}

std::vector<FieldProblem> check(const ProvisionRequest& request, const Catalog& catalog) {
    std::vector<FieldProblem> problems;
    const std::string plans = plan_names(catalog, request.kind, request.engine);
    if (request.plan.empty()) {
        problems.push_back({"plan", fmt::format("is required; one of: {}", plans)});
    } else if (catalog.find(request.kind, request.engine, request.plan) == nullptr) {
        problems.push_back({"plan", fmt::format("is unknown; one of: {}", plans)});
    }
    if (request.billing_code.empty()) {
        problems.push_back({"billingcode", "is required"});
    } else if (!valid_billing_code(request.billing_code)) {
        problems.push_back(
            {"billingcode", fmt::format("must be 1 to {} bytes without control characters", kMaxBillingCode)});
    }
    if (request.labels.size() > kMaxLabels) {
        problems.push_back({"labels", fmt::format("must be at most {}", kMaxLabels)});
    }
    for (const auto& [key, value] : request.labels) {
        if (!valid_label_key(key)) {
            problems.push_back(
                {"labels", fmt::format("a name must be 1 to {} of A-Z a-z 0-9 . _ - / :", kMaxLabelKey)});
        } else if (!valid_label_value(value)) {
            problems.push_back({"labels." + key, fmt::format("must be at most {} bytes without control characters",
                                                             kMaxLabelValue)});
        }
    }
    const std::string& key = request.idempotency_key;
    if (key.size() > kMaxIdempotencyKey ||
        !std::ranges::all_of(key, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) {
        problems.push_back(
            {"Idempotency-Key", fmt::format("must be 1 to {} printable ASCII characters", kMaxIdempotencyKey)});
    }
    return problems;
}

}  // namespace slipway
