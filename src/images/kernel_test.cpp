// Kernel modules and libraries: what needs what.
#include <array>
#include <cstring>
#include <fstream>

#include <elf.h>
#include <gmock/gmock.h>

#include "base/temporary_directory_test_support.h"
#include "images/elf.h"
#include "images/files.h"
#include "images/modules.h"
#include "images/packages.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// An ELF file with one section of that name and content.
std::string elf_with(const std::string& name, const std::string& content) {
    const std::string names = std::string("\0.names\0", 8) + name + '\0';
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_shnum = 3;
    header.e_shstrndx = 1;
    header.e_shoff = sizeof header + names.size() + content.size();
    std::array<Elf64_Shdr, 3> sections{};
    sections[1].sh_type = SHT_STRTAB;
    sections[1].sh_name = 1;
    sections[1].sh_offset = sizeof header;
    sections[1].sh_size = names.size();
    sections[2].sh_type = SHT_PROGBITS;
    sections[2].sh_name = 8;
    sections[2].sh_offset = sizeof header + names.size();
    sections[2].sh_size = content.size();
    std::string file(reinterpret_cast<const char*>(&header), sizeof header);
    file += names + content;
    file.append(reinterpret_cast<const char*>(sections.data()), sizeof sections);
    return file;
}

std::string module_that_needs(const std::string& others) {
    return elf_with(".modinfo", std::string("license=GPL\0", 12) + "depends=" + others + '\0' + "name=x" + '\0');
}

TEST(Elf, ProgramsOfThisMachineNameTheirLibraries) {
    const auto content = read_small_file(fs::canonical("/bin/tar"), 64UL * 1024 * 1024);
    ASSERT_TRUE(content);
    const auto needed = needed_libraries(*content);
    ASSERT_TRUE(needed) << needed.error().message;
    EXPECT_THAT(*needed, testing::Contains("libc.so.6"));
}

TEST(Elf, WhatIsNoneOrCutOffIsRefused) {
    const std::string whole = module_that_needs("a,b");
    EXPECT_EQ(*needed_modules(whole), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(needed_modules(module_that_needs(""))->empty());
    EXPECT_TRUE(needed_libraries(whole)->empty()) << "it is linked with none";
    EXPECT_FALSE(needed_modules(elf_with(".text", "")));
    EXPECT_FALSE(needed_modules("#!/bin/sh\n"));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(needed_modules(whole.substr(0, size))) << size;
    // Any byte may be anything: it may be refused, and nothing beyond the file is read.
    for (std::size_t i = 0; i < whole.size(); ++i) {
        for (const char value : {'\xff', '\x00', '\x7f'}) {
            std::string changed = whole;
            changed[i] = value;
            static_cast<void>(needed_modules(changed));
            static_cast<void>(needed_libraries(changed));
        }
    }
}

class Modules : public testing::Test {
  protected:
    Modules() {
        put("kernel/a/virtio_net.ko", module_that_needs("net_failover,virtio"));
        put("kernel/b/net_failover.ko", module_that_needs("failover"));
        put("kernel/b/failover.ko", module_that_needs(""));
        put("kernel/c/virtio.ko", module_that_needs("virtio_ring,crc16"));
        put("kernel/c/virtio-ring.ko", module_that_needs(""));
        put("modules.builtin", "kernel/lib/crc16.ko\nkernel/fs/ext4/ext4.ko\n");
    }
    void put(const std::string& path, const std::string& content) {
        fs::create_directories((place.path() / path).parent_path());
        std::ofstream(place.path() / path, std::ios::binary) << content;
    }
    TemporaryDirectory place;
};

TEST_F(Modules, ComeInTheOrderInWhichTheyNeedEachOther) {
    const auto order = modules_in_order(place.path(), {"virtio-net", "ext4", "virtio"});
    ASSERT_TRUE(order) << order.error().message;
    std::vector<std::string> names;
    for (const fs::path& each : *order) names.push_back(each.filename());
    EXPECT_EQ(names, (std::vector<std::string>{"failover.ko", "net_failover.ko", "virtio-ring.ko", "virtio.ko",
                                               "virtio_net.ko"}));
}

TEST_F(Modules, WhatIsMissingOrCompressedIsNamed) {
    EXPECT_THAT(modules_in_order(place.path(), {"isofs"}).error().message, HasSubstr("no module isofs"));
    put("kernel/d/isofs.ko.xz", "");
    EXPECT_THAT(modules_in_order(place.path(), {"isofs"}).error().message, HasSubstr("isofs.ko.xz"));
    fs::remove(place.path() / "modules.builtin");
    EXPECT_THAT(modules_in_order(place.path(), {"virtio"}).error().message,
                HasSubstr("modules.builtin does not exist"));
}

TEST(Packages, NeedsAreNamesWithoutVersionsAndAlternatives) {
    EXPECT_EQ(names_of_needs("libc6 (>= 2.34), libcrypt1 (>= 1:4.1.0), a | b, python3:any, c (= 1) | d"),
              (std::vector<std::string>{"libc6", "libcrypt1", "a", "python3", "c"}));
    EXPECT_TRUE(names_of_needs("").empty());
}

}  // namespace
}  // namespace slipway::images
