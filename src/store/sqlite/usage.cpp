// Sums of usage. Times are added as seconds and microseconds apart: together they would overflow at some 300,000
// years of resources.
#include <limits>

#include "store/rows.h"
#include "store/sqlite/queries.h"

namespace slipway::sqlite {
namespace {

Duration saturated(std::int64_t seconds, std::int64_t micros) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 1'000'000 - 1;
    seconds += micros / 1'000'000;
    if (seconds > most) return Duration::max();
    return std::chrono::seconds(seconds) + std::chrono::microseconds(micros % 1'000'000);
}

// Not bound in: `NULL OR organization = …` would read every row.
std::string sql_of(const UsageFilter& filter) {
    return fmt::format(
        "SELECT organization, billing_code, kind, engine, plan, count(DISTINCT resource), "
        "sum(lasted / 1000000), sum(lasted % 1000000) FROM "
        "(SELECT organization, billing_code, kind, engine, plan, resource, "
        "min(coalesce(ended_at, ?2), ?2) - max(started_at, ?1) AS lasted FROM usage "
        "WHERE started_at < ?2 AND (ended_at IS NULL OR ended_at > ?1){}{}) WHERE lasted > 0 "
        "GROUP BY organization, billing_code, kind, engine, plan "
        "ORDER BY organization, billing_code, kind, engine, plan LIMIT ?3",
        filter.organization ? " AND organization = ?4" : "", filter.billing_code ? " AND billing_code = ?5" : "");
}

}  // namespace

Result<std::vector<UsageRow>> read_usage(Database& database, const UsageFilter& filter) {
    Cursor row = database.statement(sql_of(filter)).run(filter.from, filter.to, store::kMaxUsageRows);
    if (filter.organization) row.bind(4, std::string_view(filter.organization->str()));
    if (filter.billing_code) row.bind(5, std::string_view(*filter.billing_code));
    std::vector<UsageRow> rows;
    while (row.next()) {
        const auto kind = parse_kind(row.text(2));
        if (!kind) return fail(ErrorCode::storage, "a stored interval of usage has an unknown kind");
        rows.push_back({{OrganizationId(row.string(0)), row.string(1), *kind, row.string(3), row.string(4)},
                        row.natural(5),
                        saturated(row.integer(6), row.integer(7))});
    }
    return rows;
}

}  // namespace slipway::sqlite
