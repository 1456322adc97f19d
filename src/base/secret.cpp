#include "base/secret.h"

#include <sodium.h>

namespace slipway {

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe();
        value_ = other.value_;
    }
    return *this;
}

// A moved-from short string keeps its characters in place: they are wiped too.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        value_ = std::move(other.value_);
        other.wipe();
    }
    return *this;
}

Secret::~Secret() { wipe(); }

bool Secret::equals(std::string_view other) const {
    return value_.size() == other.size() && sodium_memcmp(value_.data(), other.data(), other.size()) == 0;
}

void Secret::wipe() {
    value_.resize(value_.capacity());
    sodium_memzero(value_.data(), value_.size());
    value_.clear();
}

}  // namespace slipway
