// Secrets at rest. A Sealed value is ciphertext that names the data key it was sealed with.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace slipway {

struct Sealed {
    std::string key_id;      // the data key's id; data keys are wrapped by the master key
    std::string ciphertext;  // nonce and ciphertext, base64
    [[nodiscard]] bool empty() const { return ciphertext.empty(); }
    friend bool operator==(const Sealed&, const Sealed&) = default;
};

// Thread-safe. `context` is bound into the seal: a value sealed for one place does not open in another.
class Sealer {
  public:
    virtual ~Sealer() = default;
    virtual Sealed seal(const Secret& secret, std::string_view context) = 0;
    [[nodiscard]] virtual Result<Secret> open(const Sealed& sealed, std::string_view context) const = 0;
    // For telling whether a secret is the one that came before, where that is not kept: hex, the same for the same
    // secret and context whatever the data keys are, and of no use to who guesses without the master key.
    [[nodiscard]] virtual std::string mac(const Secret& secret, std::string_view context) const = 0;
};

}  // namespace slipway
