// Rules for single fields, shared by the use cases.
#pragma once

#include <string_view>

namespace slipway {

bool valid_label_key(std::string_view key);      // 1 to 63 of A-Z a-z 0-9 . _ - / :
bool valid_label_value(std::string_view value);  // at most 255 bytes, no control characters
bool valid_billing_code(std::string_view code);  // 1 to 128 bytes, no control characters

}  // namespace slipway
