// Usage: hours and cost by billing code.
#include <set>

#include <fmt/format.h>

#include "cli/administration.h"
#include "cli/query_text.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kDay = 10;  // characters of "2026-11-22"

// A day is its first moment.
std::string moment(const std::string& text) { return text.size() == kDay ? text + "T00:00:00Z" : text; }

// Numbers with two decimals, or four where they would be lost.
std::string amount(const json::value* number) {
    if (number == nullptr || !number->is_number()) return "-";
    const auto value = number->to_number<double>();
    return value != 0 && value < 0.01 ? fmt::format("{:.4f}", value) : fmt::format("{:.2f}", value);
}

std::string money(const json::object& cost) {
    if (cost.empty()) return "-";
    return fmt::format("{} {}", amount(cost.if_contains("amount")), cell(cost, "currency"));
}

std::string costs_of(const json::object& total) {
    std::string text;
    for (const json::value& one : array_in(total, "costs")) {
        if (one.is_object()) text += (text.empty() ? "" : " + ") + money(one.get_object());
    }
    return text.empty() ? "-" : text;
}

Column hours() {
    return {.head = "HOURS",
            .text = [](const json::object& row) { return amount(row.if_contains("hours")); },
            .to_the_right = true};
}

bool of_several(const json::array& totals) {
    std::set<std::string> organizations;
    for (const json::value& one : totals) {
        if (one.is_object()) organizations.insert(cell(one.get_object(), "organization"));
    }
    return organizations.size() > 1;
}

void print_usage(Environment& environment, const json::object& usage) {
    environment.out << fmt::format("from {} to {}\n\n", cell(usage, "from"), cell(usage, "to"));
    Column count = column("RESOURCES", "resources", 2);
    count.to_the_right = true;
    Table table(environment.out, environment.out_terminal,
                {column("ORGANIZATION", "organization", 4),
                 column("BILLING", "billing_code"),
                 column("KIND", "kind", 5),
                 column("ENGINE", "engine", 1),
                 column("PLAN", "plan"),
                 std::move(count),
                 hours(),
                 {.head = "COST",
                  .text = [](const json::object& row) { return money(object_in(row, "cost")); },
                  .to_the_right = true}},
                Format::table);
    table.rows(array_in(usage, "usage"));
    table.end();
    const json::array& totals = array_in(usage, "totals");
    if (totals.empty()) return;
    environment.out << '\n';
    std::vector<Column> columns{
        column("TOTAL OF", "billing_code"), hours(), {.head = "COST", .text = costs_of, .to_the_right = true}};
    if (of_several(totals)) columns.insert(columns.begin(), column("ORGANIZATION", "organization"));
    Table sums(environment.out, environment.out_terminal, std::move(columns), Format::table);
    sums.rows(totals);
}

}  // namespace

Outcome<Exit> show_usage(Api& api, const UsageOptions& options, bool json) {
    QueryText query("/api/v1/usage");
    for (const auto& [name, given] : {std::pair{"from", options.from}, std::pair{"to", options.to}}) {
        if (!given.empty() && !parse_time(moment(given))) {
            return fail(Exit::usage,
                        fmt::format("--{} takes a day or a time: 2026-11-22, 2026-11-22T08:30:00Z", name));
        }
        query.add(name, given.empty() ? given : moment(given));
    }
    query.add("billing_code", options.billing_code);
    query.add("organization", options.organization);
    const auto usage = api.get(query.str());
    if (!usage) return std::unexpected(usage.error());
    if (json) {
        api.environment().out << json::dump(*usage) << '\n';
    } else {
        print_usage(api.environment(), *usage);
    }
    return Exit::ok;
}

}  // namespace slipway::cli
