// A query put together from what was given.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.h"

namespace slipway::cli {

class QueryText {
  public:
    explicit QueryText(std::string path) : text_(std::move(path)) {}
    // Nothing where the value is empty.
    void add(std::string_view name, std::string_view value) {
        if (!value.empty()) put(name, value);
    }
    void put(std::string_view name, std::string_view value) {
        text_ += first_ ? '?' : '&';
        first_ = false;
        text_ += net::percent_encode(name) + "=" + net::percent_encode(value);
    }
    [[nodiscard]] const std::string& str() const { return text_; }

  private:
    std::string text_;
    bool first_ = true;
};

}  // namespace slipway::cli
