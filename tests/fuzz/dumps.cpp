// A tenant's dump, on its way into another tenant's database: what passes the filter of definers. The input is the
// new user's name, a newline, and the dump.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "providers/backups/definers.h"
#include "providers/sql/quoting.h"

namespace slipway::fuzz {
namespace {

// Pieces of `first`, `first` + `step`, `first` + 2 `step`, … bytes.
std::string filtered(std::string_view user, std::string_view dump, std::size_t first, std::size_t step) {
    backups::DefinerFilter filter(user);
    std::string out;
    for (std::size_t size = first; !dump.empty(); size += step) {
        const std::size_t taken = std::min(size, dump.size());
        out += filter.pass(dump.substr(0, taken));
        dump.remove_prefix(taken);
    }
    out += filter.end();
    check(filter.end().empty(), "nothing is left after the end");
    return out;
}

// `old`@`%`, looked at from outside alone.
bool is_account(std::string_view text) {
    return text.size() >= 5 && text.front() == '`' && text.back() == '`' && text.contains("`@`");
}

// A line is as it was, or has the new account in the place of another one; and that only behind a beginning that no
// line of data has.
void check_line(std::string_view before, std::string_view after, std::string_view account) {
    if (before == after) return;
    check(before.starts_with("CREATE ") || before.starts_with("/*!") || before.starts_with("/*M!"),
          "data never change", before);
    constexpr std::string_view kDefiner = "DEFINER=";
    const std::size_t at = before.find(kDefiner);
    check(at != std::string_view::npos, "only a definer changes", before);
    const std::string_view kept = before.substr(0, at + kDefiner.size());
    check(after.starts_with(kept) && after.substr(kept.size()).starts_with(account),
          "the new account stands where the definer was", after);
    const std::string_view rest = after.substr(kept.size() + account.size());
    check(before.ends_with(rest) && before.size() >= kept.size() + rest.size(), "what follows stays", after);
    const std::string_view former = before.substr(kept.size(), before.size() - kept.size() - rest.size());
    check(is_account(former), "what goes is an account", former);
}

}  // namespace

void dumps(std::string_view input) {
    constexpr std::size_t kAll = std::string_view::npos / 2;
    const std::vector<std::string_view> parts = split(input, "\n", 2);
    const std::string_view user = parts.front();
    const std::string_view dump = parts.size() > 1 ? parts.back() : std::string_view{};
    const std::string whole = filtered(user, dump, kAll, 0);
    for (const std::size_t first : {1U, 13U, 4095U}) {
        check(filtered(user, dump, first, 0) == whole, "the pieces do not matter", dump);
    }
    check(filtered(user, dump, 2, 3) == whole, "the pieces do not matter", dump);
    check(filtered(user, whole, kAll, 0) == whole, "a second pass alters nothing", whole);

    const std::string account = sql::mysql_name(user) + "@`%`";
    const std::vector<std::string_view> before = split(dump, "\n", kAll);
    const std::vector<std::string_view> after = split(whole, "\n", kAll);
    check(before.size() == after.size(), "there are as many lines as there were", dump);
    for (std::size_t i = 0; i < before.size(); ++i) check_line(before[i], after[i], account);
}

}  // namespace slipway::fuzz
