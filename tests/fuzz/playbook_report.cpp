// What ansible-playbook prints, in which a machine has its words. The input is its output; lines that begin with
// "!" are of its other one.
#include "fuzz/fuzz.h"
#include "providers/playbooks/report.h"

namespace slipway::fuzz {

void playbook_report(std::string_view input) {
    constexpr std::size_t kShort = 1000;
    playbooks::Report report;
    for (const std::string_view line : split(input, "\n", 4096)) {
        if (line.starts_with('!')) {
            report.read_complaint(line.substr(1));
        } else {
            report.read_output(line);
        }
    }
    check(report.error().size() <= kShort, "why it did not begin is short", input);
    check(report.where().empty() || report.where().starts_with("task "), "where it is begins with its number",
          input);
    if (!report.trouble()) return;
    check(!report.trouble()->why.empty(), "a trouble has a reason", input);
    check(report.trouble()->why.size() <= kShort, "which is short", input);
    check(harmless(report.trouble()->why), "and nothing that a terminal obeys", report.trouble()->why);
}

}  // namespace slipway::fuzz
