// Keys and sealed secrets, as files, environments and rows hold them. What is taken for a master key is one in its
// one spelling; no error repeats what was read; what was not sealed here does not open.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "base/start_test_support.h"
#include "fuzz/agent_root.h"
#include "fuzz/fuzz.h"
#include "main/state_dir.h"
#include "store/master_key.h"
#include "store/memory/memory_store.h"
#include "store/sealer.h"

namespace slipway::fuzz {
namespace {

// A wrong key of the same length.
Secret another(std::string_view key) { return Secret(std::string(std::max<std::size_t>(key.size(), 1), '?')); }

// `of_another`: what is said of another wrong key. What stands in the words anyhow was guessed and not repeated.
void check_error(const Error& error, std::string_view input, const Error& of_another) {
    check(error.code == ErrorCode::invalid_argument, "a wrong key is the operator's mistake", error.message);
    const std::string text = error.message + error.detail;
    check(!text.contains(kCanary), "no error repeats a key", text);
    const bool guessed = (of_another.message + of_another.detail).contains(input);
    check(input.size() < 12 || guessed || !text.contains(input), "no error repeats a key", text);
}

std::string_view trimmed(std::string_view text) {
    static constexpr std::string_view space = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    return text.substr(0, text.find_last_not_of(space) + 1);
}

void try_master_key(std::string_view input) {
    const auto key = store::parse_master_key(Secret(std::string(input)));
    if (!key) return check_error(key.error(), input, store::parse_master_key(another(input)).error());
    const std::string& bytes = key->reveal();
    check(bytes.size() == store::kKeyBytes, "a master key has its size");
    const auto* raw = reinterpret_cast<const unsigned char*>(bytes.data());
    std::array<char, 2 * store::kKeyBytes + 1> text{};
    const std::string_view given = trimmed(input);
    if (given.size() == 2 * store::kKeyBytes) {
        sodium_bin2hex(text.data(), text.size(), raw, bytes.size());
        std::string lower(given);
        for (char& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        check(lower == text.data(), "hexadecimal has one reading", input);
    } else {
        sodium_bin2base64(text.data(), text.size(), raw, bytes.size(), sodium_base64_VARIANT_ORIGINAL);
        check(given == text.data(), "base64 has one reading", input);
    }
}

Result<Secret> admin_key_of(std::string_view content) {
    const std::string path = scratch_directory() + "/admin.key";
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0 && ::write(fd, content.data(), content.size()) == std::ssize(content), "the file is written");
    ::close(fd);
    SeededRandom random(1);
    auto key = load_or_create_admin_key(path, random);
    ::unlink(path.c_str());
    return key;
}

void try_admin_key(std::string_view input) {
    const auto key = admin_key_of(input);
    if (!key) return check_error(key.error(), input, admin_key_of(another(input).reveal()).error());
    check(key->reveal().size() >= 43 && key->reveal().size() <= 128 && harmless(key->reveal()),
          "a key is one word");
    check(input.starts_with(key->reveal()), "the key is what stands in the file");
}

template <class T>
T run(Task<T> task) {
    boost::asio::io_context io(1);
    std::optional<T> result;
    start(io, into(result, std::move(task)));
    io.run();
    return std::move(result.value());
}

struct Ring {
    ManualClock clock{from_micros(1'700'000'000'000'000)};
    SeededRandom random{7};
    store::MemoryStore memory{clock};
    std::unique_ptr<store::KeyRing> keys;
    Sealed sealed;

    Ring() {
        auto made = run(store::KeyRing::load_or_create(Secret(std::string(32, 'm')), memory, random, clock));
        check(made.has_value(), "there is a key ring");
        keys = std::move(*made);
        sealed = keys->seal(Secret("the secret"), "res_1/password");
    }
};

void try_sealed(std::string_view input) {
    static Ring ring;
    const auto parts = split(input, "\n", 2);
    const std::string context(parts.size() > 1 ? parts[1] : "res_1/password");
    const auto forged = ring.keys->open({ring.keys->current(), std::string(parts[0])}, context);
    check(!forged || (parts[0] == ring.sealed.ciphertext && context == "res_1/password"),
          "what was not sealed here does not open", input);
    check(!ring.keys->open(ring.sealed, std::string(input)) || input == "res_1/password",
          "what is sealed for one place opens in no other", input);
    check(!ring.keys->open({std::string(input), ring.sealed.ciphertext}, "res_1/password") ||
              input == ring.keys->current(),
          "an unknown key opens nothing", input);
    const Secret secret{std::string(input)};
    const auto opened = ring.keys->open(ring.keys->seal(secret, context), context);
    check(opened && opened->equals(input), "what is sealed opens again", input);
}

// The store's settings are rows, too: a damaged data key is an error.
void try_data_key(std::string_view input) {
    const ManualClock clock(from_micros(1'700'000'000'000'000));
    SeededRandom random(7);
    store::MemoryStore memory(clock);
    Commit commit;
    commit.writes.emplace_back(write::PutSetting{"data_key/current", "key-1"});
    commit.writes.emplace_back(write::PutSetting{"data_key/key-1", std::string(input)});
    check(run(memory.commit(std::move(commit))).has_value(), "the settings are written");
    const auto ring = run(store::KeyRing::load_or_create(Secret(std::string(32, 'm')), memory, random, clock));
    check(!ring && !ring.error().message.empty(), "a damaged data key is an error", input);
}

}  // namespace

void keys(std::string_view input) {
    try_master_key(input);
    try_admin_key(input);
    try_sealed(input);
    try_data_key(input);
}

}  // namespace slipway::fuzz
