#include "images/elf.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include <elf.h>

namespace slipway::images {
namespace {

// A record at an offset, wherever it lies; nullopt where it is not in the file.
template <class Record>
std::optional<Record> record_at(std::string_view bytes, std::uint64_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(Record)) return std::nullopt;
    Record record{};
    std::memcpy(&record, bytes.data() + offset, sizeof record);
    return record;
}

std::optional<std::string_view> part_of(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.substr(offset, size);
}

// The text that begins there, up to its zero.
std::string_view text_at(std::string_view texts, std::uint64_t offset) {
    if (offset >= texts.size()) return {};
    const std::string_view rest = texts.substr(offset);
    return rest.substr(0, rest.find('\0'));
}

std::unexpected<Error> malformed(const char* what) { return fail(ErrorCode::malformed, what); }

class Sections {
  public:
    static Result<Sections> of(std::string_view elf) {
        const auto header = record_at<Elf64_Ehdr>(elf, 0);
        if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return malformed("no ELF file");
        if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
            header->e_machine != EM_X86_64) {
            return malformed("an ELF file of another architecture");
        }
        Sections made(elf);
        for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
            const auto section = record_at<Elf64_Shdr>(elf, header->e_shoff + i * sizeof(Elf64_Shdr));
            if (!section) return malformed("an ELF file that was cut off");
            made.all_.push_back(*section);
        }
        if (header->e_shstrndx >= made.all_.size()) return malformed("an ELF file without names of sections");
        made.names_ = made.content(made.all_[header->e_shstrndx]);
        return made;
    }
    [[nodiscard]] const Elf64_Shdr* find(std::string_view name) const {
        for (const Elf64_Shdr& each : all_) {
            if (text_at(names_, each.sh_name) == name) return &each;
        }
        return nullptr;
    }
    // Empty where the file does not hold it.
    [[nodiscard]] std::string_view content(const Elf64_Shdr& section) const {
        if (section.sh_type == SHT_NOBITS) return {};
        return part_of(elf_, section.sh_offset, section.sh_size).value_or(std::string_view());
    }

  private:
    explicit Sections(std::string_view elf) : elf_(elf) {}

    std::string_view elf_;
    std::string_view names_;
    std::vector<Elf64_Shdr> all_;
};

}  // namespace

Result<std::vector<std::string>> needed_libraries(std::string_view elf) {
    const auto sections = Sections::of(elf);
    if (!sections) return fail(sections.error());
    std::vector<std::string> found;
    const Elf64_Shdr* dynamic = sections->find(".dynamic");
    const Elf64_Shdr* strings = sections->find(".dynstr");
    if (dynamic == nullptr || strings == nullptr) return found;  // linked with none
    const std::string_view entries = sections->content(*dynamic);
    const std::string_view names = sections->content(*strings);
    for (std::uint64_t at = 0;; at += sizeof(Elf64_Dyn)) {
        const auto entry = record_at<Elf64_Dyn>(entries, at);
        if (!entry || entry->d_tag == DT_NULL) return found;
        if (entry->d_tag == DT_NEEDED) found.emplace_back(text_at(names, entry->d_un.d_val));
    }
}

Result<std::vector<std::string>> needed_modules(std::string_view elf) {
    const auto sections = Sections::of(elf);
    if (!sections) return fail(sections.error());
    const Elf64_Shdr* section = sections->find(".modinfo");
    if (section == nullptr) return malformed("no kernel module");
    // Texts "name=value", one after another.
    std::string_view info = sections->content(*section);
    constexpr std::string_view kKey = "depends=";
    std::vector<std::string> found;
    while (!info.empty()) {
        const std::string_view text = text_at(info, 0);
        info.remove_prefix(std::min(text.size() + 1, info.size()));
        if (!text.starts_with(kKey)) continue;
        std::string_view list = text.substr(kKey.size());
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            if (comma > 0) found.emplace_back(list.substr(0, comma));
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
    return found;
}

}  // namespace slipway::images
