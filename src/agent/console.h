// The consoles of machines: what they printed, which is kept in files, and typing at them.
//
//   <root>/<vm>/data/console.log        by QEMU; without end, so its beginning is given back to the host (trim)
//   <root>/<vm>/data/console.sock       where QEMU listens, for one at a time
//   <root>/<container>/data/console.log, and .1 what it printed before    by liblxc, 1 MiB each
//
// The directory `data` of a virtual machine belongs to the uid that its QEMU runs as: nothing in it is taken on
// trust, and no link in it is followed.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

#include "agent/files.h"
#include "agent/process.h"
#include "agent/protocol.h"

namespace slipway::agent {

// Whose files these are.
struct ConsoleOwner {
    uid_t uid = 0;
    bool container = false;
};

// "MARK-OFFSET", and nothing else.
std::optional<ConsolePlace> parse_place(std::string_view text);
std::string to_string(const ConsolePlace& place);

// What was printed from a place on, or the last `wish.tail` bytes of it, at most kMaxConsolePart at once. Nothing
// was printed yet: empty. `directory`: of the instance. Foreign: something other than a file of its owner's is
// there.
Answer<ConsolePart> read_console(int directory, const ConsoleOwner& owner, const ConsoleWish& wish);

// Gives all but the end of a virtual machine's console back to the host where it has become large. Offsets stay
// what they are. Whatever else is there is let be.
void trim_console(int directory);

// Types at a container's console, to which its monitor holds the other end. Unsupported: this host does not lend
// it.
Answer<Typed> type_in_container(const Process& monitor, std::string_view bytes);

// The connections to the consoles of virtual machines. Each is kept for a while after what was typed, since QEMU
// forgets what it has not read yet when it is closed; what comes out of it is thrown away: it is in the file as
// well.
class ConsoleLines {
  public:
    using Clock = std::chrono::steady_clock;

    // All of it or nothing. `directory`: of the instance; `uid`: whom its QEMU runs as.
    Answer<Typed> type(const std::string& name, int directory, uid_t uid, std::string_view bytes);

    void add_to(std::vector<pollfd>& waited) const;
    // There may be something to read from the connection of this number, which may be none of ours.
    void serve(int fd);
    // Closes what was idle for long. True: there is none left.
    bool close_idle(Clock::time_point now);
    [[nodiscard]] std::size_t open() const { return lines_.size(); }

  private:
    struct Line {
        std::string name;
        UniqueFd fd;
        Clock::time_point used;
    };
    Line* find(const std::string& name);
    Answer<Typed> attach(const std::string& name, int directory, uid_t uid);
    Answer<Typed> send(const std::string& name, std::string_view bytes);

    std::list<Line> lines_;  // the one that was used last stands last
};

}  // namespace slipway::agent
