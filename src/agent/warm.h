// Templates of virtual machines: one that was started once and waits to be told who it is, frozen as a disk and a
// state of which any number of machines begin (docs/decisions/0021).
//
//   <root>/<template>/data/             while it runs, as any machine's
//   <root>/<template>/data/saved.state  what the daemon saved
//   <root>/<template>/frozen.qcow2      copies of both that nobody but the helper reads or writes; the state comes
//   last, <root>/<template>/frozen.state      so that a template with a state is whole <root>/<machine>/fresh its
//   disk is still that of its template, so that the state fits it <root>/<machine>/data/wake.state    the state
//   with the machine's own description, until it has its first login
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/files.h"

namespace slipway::agent {

// What the guest says on its console when it may be frozen.
inline constexpr std::string_view kWaitingLine = "slipway: waiting to be told who it is";
TemplateLook look_at_template(int directory);

// Freezes what the daemon saved of one that does not run any more; what is frozen already stays as it is. `owner`:
// the helper's own. Blocks for as long as the disk takes for both files. Errors: absent (nothing was saved),
// invalid, io.
Answer<void> freeze_template(int directory, uid_t uid, const FileOwner& owner);

// A template that is frozen, open. `made`: of it and of no other, even where one has its name by now.
struct Template {
    int directory = -1;
    std::string made;
};
// For a machine that is being made: its disk is the template's. Errors: absent (that is not frozen), io.
Answer<void> take_disk(const Template& from, int directory, uid_t uid, const FileOwner& owner);

// To be called before every start of a machine whose disk was taken from a template: only before the first one is
// there a state that fits its disk, and whatever comes of it, there is none before a later one. Without `from` it
// is gone.
Answer<Wake> wake_machine(const std::optional<Template>& from, int directory, uid_t uid,
                          std::string_view description);
// What it was restored from is of no use any more.
void drop_wake_state(int directory);

}  // namespace slipway::agent
