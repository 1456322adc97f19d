#include "store/sealer.h"

#include <array>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <sodium.h>

#include "base/base64.h"

namespace slipway::store {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::string_view kCurrent = "data_key/current";
constexpr std::string_view kMacUse = "slipway mac 1";
// Two replicas that start or rotate at once must not both add a key after the same one.
constexpr std::string_view kSuccessorScope = "data_key/after";

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// base64 of nonce and ciphertext
std::string encrypt(std::string_view plain, std::string_view context, const Secret& key, Random& random) {
    std::string out(kNonceBytes + plain.size() + kTagBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(out.data(), kNonceBytes)));
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(out) + kNonceBytes, nullptr, bytes(plain), plain.size(),
                                               bytes(context), context.size(), nullptr, bytes(out),
                                               bytes(key.reveal()));
    return to_base64(out);
}

std::optional<Secret> decrypt(std::string_view text, std::string_view context, const Secret& key) {
    const auto sealed = from_base64(text);
    if (!sealed || sealed->size() < kNonceBytes + kTagBytes) return std::nullopt;
    std::string plain(sealed->size() - kNonceBytes - kTagBytes, '\0');
    const bool opened =
        crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain), nullptr, nullptr, bytes(*sealed) + kNonceBytes,
                                                   sealed->size() - kNonceBytes, bytes(context), context.size(),
                                                   bytes(*sealed), bytes(key.reveal())) == 0;
    if (!opened) return std::nullopt;
    return Secret(std::move(plain));
}

// A key of its own for another use of the master key.
Secret derived(const Secret& master, std::string_view use) {
    std::string key(crypto_generichash_KEYBYTES, '\0');
    crypto_generichash(bytes(key), key.size(), bytes(use), use.size(), bytes(master.reveal()),
                       master.reveal().size());
    return Secret(std::move(key));
}

// The setting of a data key: "<previous id>:<wrapped>". Both are bound into the wrapping.
std::string setting_of(const std::string& id) { return "data_key/" + id; }
std::string wrap_context(const std::string& id, std::string_view previous) {
    return fmt::format("slipway data key {} after {}", id, previous);
}

}  // namespace

KeyRing::KeyRing(Secret master, Random& random, const Clock& clock)
    : master_(std::move(master)), mac_key_(derived(master_, kMacUse)), random_(random), clock_(clock) {}

std::string KeyRing::wrap(const Secret& key, const std::string& id, const std::string& previous) {
    return previous + ":" + encrypt(key.reveal(), wrap_context(id, previous), master_, random_);
}

Task<Result<std::unique_ptr<KeyRing>>> KeyRing::load_or_create(Secret master, Store& store, Random& random,
                                                               const Clock& clock) {
    if (sodium_init() < 0) co_return fail(ErrorCode::internal, "the cryptographic library cannot start");
    if (master.reveal().size() != kKeyBytes) {
        co_return fail(ErrorCode::invalid_argument, fmt::format("the master key has {} bytes; it must have {}",
                                                                master.reveal().size(), kKeyBytes));
    }
    std::unique_ptr<KeyRing> ring(new KeyRing(std::move(master), random, clock));
    Status status = co_await ring->reload(store);
    if (status && ring->current().empty()) {
        status = co_await ring->add_key(store, "");
        if (status) status = co_await ring->reload(store);
    }
    if (!status) co_return fail(status.error());
    co_return std::move(ring);
}

Task<Status> KeyRing::reload(Store& store) {
    auto current = co_await store.setting(std::string(kCurrent));
    if (!current) co_return fail(current.error());
    if (!*current) co_return Status();
    std::map<std::string, Secret> keys;
    std::string id = **current;
    while (!id.empty() && !keys.contains(id)) {
        auto stored = co_await store.setting(setting_of(id));
        if (!stored) co_return fail(stored.error());
        const std::size_t colon = *stored ? (*stored)->find(':') : std::string::npos;
        if (colon == std::string::npos) {
            co_return fail(ErrorCode::storage, fmt::format("the stored data key {} is missing or damaged", id));
        }
        const std::string previous = (*stored)->substr(0, colon);
        auto key = decrypt(std::string_view(**stored).substr(colon + 1), wrap_context(id, previous), master_);
        if (!key || key->reveal().size() != kKeyBytes) {
            co_return fail(ErrorCode::unavailable,
                           fmt::format("the master key does not open data key {} of this store: it is the wrong "
                                       "master key, or the stored data key is damaged",
                                       id));
        }
        keys.emplace(id, std::move(*key));
        id = previous;
    }
    const std::unique_lock lock(mutex_);
    keys_ = std::move(keys);
    current_ = **current;
    co_return Status();
}

Task<Status> KeyRing::add_key(Store& store, std::string previous) {
    const std::string id = make_ulid(clock_.now(), random_);
    std::string plain(kKeyBytes, '\0');
    random_.fill(std::as_writable_bytes(std::span(plain.data(), plain.size())));
    const Secret key(std::move(plain));
    Commit commit;
    const std::string scope(kSuccessorScope);
    const std::string after = previous.empty() ? "none" : previous;
    commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{scope, after});
    commit.writes.emplace_back(
        write::PutIdempotency{{scope, after, id, ResourceId(), OperationId(), from_micros(INT64_MAX)}});
    commit.writes.emplace_back(write::PutSetting{setting_of(id), wrap(key, id, previous)});
    commit.writes.emplace_back(write::PutSetting{std::string(kCurrent), id});
    auto answer = co_await store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return Status();  // or another replica was first, and its key serves as well
}

Task<Status> KeyRing::rotate(Store& store) {
    Status status = co_await reload(store);
    if (status) status = co_await add_key(store, current());
    if (status) status = co_await reload(store);
    co_return status;
}

std::string KeyRing::current() const {
    const std::shared_lock lock(mutex_);
    return current_;
}

Sealed KeyRing::seal(const Secret& secret, std::string_view context) {
    const std::shared_lock lock(mutex_);
    return {current_, encrypt(secret.reveal(), context, keys_.at(current_), random_)};
}

std::string KeyRing::mac(const Secret& secret, std::string_view context) const {
    const std::uint64_t length = context.size();  // so that no other context and secret are the same bytes
    std::array<unsigned char, crypto_generichash_BYTES> hash{};
    crypto_generichash_state state{};
    crypto_generichash_init(&state, bytes(mac_key_.reveal()), mac_key_.reveal().size(), hash.size());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length), sizeof length);
    crypto_generichash_update(&state, bytes(context), context.size());
    crypto_generichash_update(&state, bytes(secret.reveal()), secret.reveal().size());
    crypto_generichash_final(&state, hash.data(), hash.size());
    sodium_memzero(&state, sizeof state);
    std::string hex(hash.size() * 2 + 1, '\0');
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
    hex.pop_back();
    return hex;
}

Result<Secret> KeyRing::open(const Sealed& sealed, std::string_view context) const {
    const std::shared_lock lock(mutex_);
    const auto key = keys_.find(sealed.key_id);
    if (key == keys_.end()) {
        return fail(ErrorCode::not_found, "a secret was sealed with a data key that is not known here",
                    "data key " + sealed.key_id);
    }
    auto plain = decrypt(sealed.ciphertext, context, key->second);
    if (!plain) {
        return fail(ErrorCode::invalid_argument,
                    "a sealed secret does not open: it belongs elsewhere or was changed");
    }
    return std::move(*plain);
}

}  // namespace slipway::store
