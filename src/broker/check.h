// Rules for single fields, shared by the use cases.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/catalog.h"

namespace slipway {

bool valid_label_key(std::string_view key);      // 1 to 63 of A-Z a-z 0-9 . _ - / :
bool valid_label_value(std::string_view value);  // at most 255 bytes, no control characters
bool valid_billing_code(std::string_view code);  // 1 to 128 bytes, no control characters
// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?, for names of resources and ids of organizations.
bool valid_name(std::string_view name);
// PREFIX- and 8 hex digits: the form of external names. Whoever chose one could stand in front of another resource.
bool has_form_of_external_name(std::string_view name, std::string_view prefix);
bool valid_idempotency_key(std::string_view key);  // 1 to 128 printable ASCII characters

inline constexpr std::size_t kMaxLabels = 32;

// One problem for each field that breaks its rule.
void check_billing_code(std::string_view code, std::vector<FieldProblem>& problems);
void check_labels(const std::map<std::string, std::string>& labels, std::vector<FieldProblem>& problems);
// Empty: there is none.
void check_idempotency_key(std::string_view key, std::vector<FieldProblem>& problems);
void check_name(std::string_view name, std::string_view prefix, std::vector<FieldProblem>& problems);
// Whether the catalog has this plan; `field` is what the problem is about.
void check_plan(const Catalog& catalog, Kind kind, std::string_view engine, std::string_view plan,
                std::vector<FieldProblem>& problems);

// ErrorCode::invalid_argument with the first of the problems as its message; nothing where there is none.
Status status_of(std::vector<FieldProblem> problems);

// What kind is meant where nobody says it: that of the engine, or of its plan of this name where the engine is of
// several; or the field that is wrong.
std::expected<Kind, FieldProblem> kind_of(const Catalog& catalog, std::optional<Kind> kind, std::string_view engine,
                                          std::string_view plan);

}  // namespace slipway
