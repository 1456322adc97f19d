// Secrets taken out of texts that somebody else has written, before they are kept or shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace slipway {

class Mask {
  public:
    // Shorter ones than `kShortest` bytes stand in every other text: to take those out would tell more of them than
    // it hides.
    static constexpr std::size_t kShortest = 4;
    static constexpr std::string_view kInstead = "********";

    Mask() = default;
    explicit Mask(const std::vector<Secret>& secrets);

    // Without the secrets, as they are and as JSON, Python and a shell's quotes write them.
    [[nodiscard]] std::string apply(std::string_view text) const;

  private:
    std::vector<Secret> forms_;  // the longest first
};

}  // namespace slipway
