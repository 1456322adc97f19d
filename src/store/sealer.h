// Secrets at rest, in envelopes: each value is sealed with a data key; the data keys are wrapped with the master
// key and kept in the store's settings; the master key is never stored. XChaCha20-Poly1305 throughout.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "base/random.h"
#include "base/sealer.h"
#include "store/store.h"

namespace slipway::store {

inline constexpr std::size_t kKeyBytes = 32;

// Thread-safe. Settings used: "data_key/current" (an id) and "data_key/<id>" (wrapped, naming the key before it).
class KeyRing final : public Sealer {
  public:
    // Reads every data key, or makes the first one. `master` holds exactly 32 bytes. ErrorCode::unavailable where
    // the master key is not the one that the data keys were wrapped with; nothing is changed then.
    // The random source must outlive the ring and be thread-safe if the ring is used by several threads.
    static Task<Result<std::unique_ptr<KeyRing>>> load_or_create(Secret master, Store& store, Random& random,
                                                                 const Clock& clock);

    // Seals with a new data key from now on; what was sealed before still opens.
    Task<Status> rotate(Store& store);
    // Reads the keys again: another replica may have rotated. Called when `open` meets an unknown key.
    Task<Status> reload(Store& store);

    Sealed seal(const Secret& secret, std::string_view context) override;
    // not_found: an unknown data key. invalid_argument: another context, or it was changed.
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view context) const override;
    // BLAKE2b with a key that comes of the master key alone.
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override;
    [[nodiscard]] std::string current() const;

  private:
    KeyRing(Secret master, Random& random, const Clock& clock);
    Task<Status> add_key(Store& store, std::string previous);
    [[nodiscard]] std::string wrap(const Secret& key, const std::string& id, const std::string& previous);

    const Secret master_;
    const Secret mac_key_;
    Random& random_;
    const Clock& clock_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, Secret> keys_;
    std::string current_;
};

}  // namespace slipway::store
