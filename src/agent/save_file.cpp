#include "agent/save_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "agent/files.h"

namespace slipway::agent {
namespace {

constexpr std::string_view kWhole = "LibvirtQemudSave";
constexpr std::size_t kNumbers = 19;
constexpr std::size_t kHead = 16 + kNumbers * sizeof(std::uint32_t);
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kRunning = 1;
constexpr std::size_t kMostData = 1024UL * 1024;  // of description and note: each is some kilobytes

using Numbers = std::array<std::uint32_t, kNumbers>;
enum Place : std::size_t { version, data_bytes, was_running, compression, note_at };

std::unexpected<Failure> no_state(std::string_view why) {
    return refuse(FailureCode::invalid, "this is no saved state: " + std::string(why));
}

Answer<std::string> read_at(int file, std::size_t at, std::size_t bytes) {
    std::string content(bytes, '\0');
    for (std::size_t have = 0; have < bytes;) {
        const ssize_t got = ::pread(file, content.data() + have, bytes - have, static_cast<off_t>(at + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(os_failure("read a saved state"));
        if (got == 0) return no_state("it is too short");
        have += static_cast<std::size_t>(got);
    }
    return content;
}

// A text and the zero byte after it, which may be followed by more of them.
std::string_view text_in(std::string_view data) { return data.substr(0, data.find('\0')); }

}  // namespace

Answer<SaveFile> read_save_file(int file) {
    const Answer<std::string> head = read_at(file, 0, kHead);
    if (!head) return std::unexpected(head.error());
    if (!head->starts_with(kWhole)) return no_state("it does not begin like one that was written to its end");
    Numbers numbers{};
    std::memcpy(numbers.data(), head->data() + kWhole.size(), sizeof numbers);
    if (numbers[version] != kVersion) return no_state("it is of another version");
    if (numbers[compression] != 0) return no_state("it is compressed");
    const std::size_t bytes = numbers[data_bytes];
    const std::size_t note = numbers[note_at];
    if (bytes == 0 || bytes > kMostData || note >= bytes) return no_state("its numbers do not fit together");
    const Answer<std::string> data = read_at(file, kHead, bytes);
    if (!data) return std::unexpected(data.error());
    const std::string_view all = *data;
    if (all.back() != '\0' || (note != 0 && all[note - 1] != '\0')) return no_state("its texts have no end");
    SaveFile found{std::string(text_in(all)), {}, kHead + bytes};
    if (note != 0) found.note = text_in(all.substr(note));
    if (found.description.empty()) return no_state("it describes no machine");
    return found;
}

std::string save_file_head(std::string_view description, std::string_view note) {
    std::string data(description);
    data += '\0';
    Numbers numbers{};
    if (!note.empty()) {
        numbers[note_at] = static_cast<std::uint32_t>(data.size());
        data += note;
        data += '\0';
    }
    numbers[version] = kVersion;
    numbers[data_bytes] = static_cast<std::uint32_t>(data.size());
    numbers[was_running] = kRunning;
    std::string head(kWhole);
    head.resize(kHead);
    std::memcpy(head.data() + kWhole.size(), numbers.data(), sizeof numbers);
    return head + data;
}

}  // namespace slipway::agent
