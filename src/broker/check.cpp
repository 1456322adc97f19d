// What a request must be, whatever face it came through.
#include "broker/check.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/broker.h"
#include "domain/machine.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxBillingCode = 128;
constexpr std::size_t kMaxLabelKey = 63;
constexpr std::size_t kMaxLabelValue = 255;
constexpr std::size_t kMaxIdempotencyKey = 128;
constexpr std::size_t kMaxName = 63;
constexpr std::size_t kNameDigits = 8;  // of an external name

bool printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool label_key_char(char c) {
    return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-' || c == '/' || c == ':';
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

bool valid_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxName && lower_or_digit(name.front()) &&
           lower_or_digit(name.back()) &&
           std::ranges::all_of(name, [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool has_form_of_external_name(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return false;
    name.remove_prefix(prefix.size());
    if (name.size() != kNameDigits + 1 || name.front() != '-') return false;
    return name.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

bool valid_idempotency_key(std::string_view key) {
    return !key.empty() && key.size() <= kMaxIdempotencyKey &&
           std::ranges::all_of(key, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

void check_billing_code(std::string_view code, std::vector<FieldProblem>& problems) {
    if (code.empty()) {
        problems.push_back({"billing_code", "is required"});
    } else if (!valid_billing_code(code)) {
        problems.push_back(
            {"billing_code", fmt::format("must be 1 to {} bytes without control characters", kMaxBillingCode)});
    }
}

void check_labels(const std::map<std::string, std::string>& labels, std::vector<FieldProblem>& problems) {
    if (labels.size() > kMaxLabels) problems.push_back({"labels", fmt::format("must be at most {}", kMaxLabels)});
    for (const auto& [key, value] : labels) {
        if (!valid_label_key(key)) {
            problems.push_back(
                {"labels", fmt::format("a name must be 1 to {} of A-Z a-z 0-9 . _ - / :", kMaxLabelKey)});
        } else if (!valid_label_value(value)) {
            problems.push_back({"labels." + key, fmt::format("must be at most {} bytes without control characters",
                                                             kMaxLabelValue)});
        }
    }
}

void check_name(std::string_view name, std::string_view prefix, std::vector<FieldProblem>& problems) {
    if (!valid_name(name)) {
        problems.push_back(
            {"name", fmt::format("must be 1 to {} of a-z 0-9 -, and neither begin nor end with -", kMaxName)});
    } else if (has_form_of_external_name(name, prefix)) {
        problems.push_back(
            {"name", fmt::format("must not be {}- and {} hex digits: such names are given by the server", prefix,
                                 kNameDigits)});
    }
}

void check_idempotency_key(std::string_view key, std::vector<FieldProblem>& problems) {
    if (key.empty() || valid_idempotency_key(key)) return;
    problems.push_back(
        {"Idempotency-Key", fmt::format("must be 1 to {} printable ASCII characters", kMaxIdempotencyKey)});
}

void check_plan(const Catalog& catalog, Kind kind, std::string_view engine, std::string_view plan,
                std::vector<FieldProblem>& problems) {
    if (!plan.empty() && catalog.find(kind, engine, plan) != nullptr) return;
    problems.push_back({"plan", fmt::format("{}; one of: {}", plan.empty() ? "is required" : "is unknown",
                                            plan_names(catalog, kind, engine))});
}

Status status_of(std::vector<FieldProblem> problems) {
    if (problems.empty()) return {};
    Error error{ErrorCode::invalid_argument, "", "", std::move(problems)};
    error.message = error.problems[0].field + " " + error.problems[0].problem;
    return fail(std::move(error));
}

std::expected<Kind, FieldProblem> kind_of(const Catalog& catalog, std::optional<Kind> kind, std::string_view engine,
                                          std::string_view plan) {
    std::set<std::string_view> engines;
    std::set<Kind> kinds;
    for (const Plan& each : catalog.plans()) {
        if (kind && each.kind != *kind) continue;
        engines.insert(each.engine);
        if (each.engine == engine) kinds.insert(each.kind);
    }
    if (kinds.size() == 1) return *kinds.begin();
    if (kinds.empty()) {
        const std::string_view wrong = engine.empty() ? "is required" : "is unknown";
        return std::unexpected(
            FieldProblem{"engine", fmt::format("{}; one of: {}", wrong, fmt::join(engines, ", "))});
    }
    std::vector<Kind> with_plan;
    for (const Kind each : kinds) {
        if (catalog.find(each, engine, plan) != nullptr) with_plan.push_back(each);
    }
    if (with_plan.size() == 1) return with_plan.front();
    std::vector<std::string_view> names;
    for (const Kind each : kinds) names.push_back(to_string(each));
    return std::unexpected(FieldProblem{
        "kind", fmt::format("is required, because {} is of several; one of: {}", engine, fmt::join(names, ", "))});
}

namespace {

// A machine has the login that its owner asks for; everything else has one of ours, or none.
void check_login(const ProvisionRequest& request, std::vector<FieldProblem>& problems) {
    const auto judge = [&](std::string_view field, bool given, const std::optional<std::string>& fault) {
        if (request.kind != Kind::machine) {
            if (given) problems.push_back({std::string(field), "belongs to machines"});
        } else if (!given) {
            problems.push_back({std::string(field), "is required"});
        } else if (fault) {
            problems.push_back({std::string(field), *fault});
        }
    };
    judge(kUsername, !request.username.empty(), fault_of_username(request.username));
    judge(kMachinePassword, !request.password.empty(), fault_of_machine_password(request.password));
}

}  // namespace

std::vector<FieldProblem> check(const ProvisionRequest& request, const Catalog& catalog) {
    std::vector<FieldProblem> problems;
    check_plan(catalog, request.kind, request.engine, request.plan, problems);
    check_login(request, problems);
    check_billing_code(request.billing_code, problems);
    check_labels(request.labels, problems);
    check_idempotency_key(request.idempotency_key, problems);
    return problems;
}

}  // namespace slipway
