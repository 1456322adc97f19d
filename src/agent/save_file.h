// The file in which libvirt keeps the state of a machine: a head, the machine's description, a note of libvirt's
// own (its "cookie"), and then what QEMU wrote. Where the description is another one, the state is restored as
// another machine.
//
// The head is 92 bytes: 16 of magic, which says whether the file was written to its end, and 19 numbers of this
// machine's byte order: the version (2), how many bytes description and note have, whether the machine was running,
// how the rest is compressed (0: not), where the note begins (0: there is none), and 14 that are kept for later.
#pragma once

#include <string>
#include <string_view>

#include "agent/protocol.h"

namespace slipway::agent {

struct SaveFile {
    std::string description;  // XML
    std::string note;         // XML, or ""
    std::size_t state = 0;    // where QEMU's part begins, in bytes
};

// Of a file that anybody may have written; its position is not used. Errors: invalid, with what is wrong with it.
Answer<SaveFile> read_save_file(int file);
// What comes before QEMU's part in a file with this description, of a machine that is to run at once. Neither text
// has a zero byte.
std::string save_file_head(std::string_view description, std::string_view note);

}  // namespace slipway::agent
