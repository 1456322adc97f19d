// Pages by id, which is by age. The shape of the statement follows the filter, so that an index gives the rows in
// order; where several states are asked for, each has its own ordered run of the index and they are merged.
#include <array>
#include <span>

#include "store/codec.h"
#include "store/rows.h"
#include "store/sqlite/queries.h"

namespace slipway::sqlite {
namespace {

constexpr std::array<std::string_view, 7> kResourceStates = {"requested", "provisioning",   "ready", "updating",
                                                             "failed",    "deprovisioning", "gone"};

// A statement's conditions with their values, numbered ?1, ?2, … as they come.
class Conditions {
  public:
    std::string value(std::string text) {
        values_.push_back(std::move(text));
        return fmt::format("?{}", values_.size());
    }
    void add(std::string_view column, std::string text) {
        where_ += fmt::format("{}{} = {}", where_.empty() ? "" : " AND ", column, value(std::move(text)));
    }
    void add(const std::string& condition) {
        if (!where_.empty()) where_ += " AND ";
        where_ += condition;
    }
    [[nodiscard]] const std::string& where() const { return where_; }
    Cursor run(Database& database, const std::string& sql) const {
        Cursor cursor = database.statement(sql).run();
        for (std::size_t i = 0; i < values_.size(); ++i) {
            cursor.bind(static_cast<int>(i) + 1, std::string_view(values_[i]));
        }
        return cursor;
    }

  private:
    std::string where_;
    std::vector<std::string> values_;
};

void add_columns(Conditions& conditions, const ResourceFilter& filter) {
    if (filter.organization) conditions.add("r.organization", filter.organization->str());
    if (filter.name) conditions.add("r.name", *filter.name);
    if (filter.billing_code) {
        conditions.add("r.billing_code", *filter.billing_code);
        if (!filter.billing_code->empty()) conditions.add("r.billing_code <> ''");
    }
    if (filter.kind) conditions.add("r.kind", std::string(to_string(*filter.kind)));
    if (filter.engine) conditions.add("r.engine", *filter.engine);
    if (filter.plan) conditions.add("r.plan", *filter.plan);
    if (filter.provider) conditions.add("r.provider", *filter.provider);
    if (filter.pooled) conditions.add(*filter.pooled ? "r.pooled = 1" : "r.pooled = 0");
    if (filter.placed_on) conditions.add("r.placed_on", filter.placed_on->str());
    if (filter.address) conditions.add("r.address", *filter.address);
    if (filter.state) conditions.add("r.state", *filter.state);
    if (!filter.include_gone) conditions.add("r.state <> 'gone'");
}

// By label: the rows of the first label in order, the others looked up for each.
std::string sql_by_label(Conditions& conditions, const ResourceFilter& filter, std::string_view after) {
    std::string sql = "SELECT r.id, r.version, r.body FROM labels l CROSS JOIN resources r ON r.id = l.resource";
    Conditions& c = conditions;
    c.add("l.key", filter.labels[0].first);
    c.add("l.value", filter.labels[0].second);
    c.add(fmt::format("l.resource > {}", c.value(std::string(after))));
    for (std::size_t i = 1; i < filter.labels.size(); ++i) {
        const std::string key = c.value(filter.labels[i].first);
        const std::string value = c.value(filter.labels[i].second);
        c.add(fmt::format("EXISTS (SELECT 1 FROM labels m WHERE m.key = {} AND m.value = {} AND m.resource = r.id)",
                          key, value));
    }
    add_columns(c, filter);
    return fmt::format("{} WHERE {} ORDER BY l.resource", sql, c.where());
}

// By name: the few rows that have it, looked up one by one. A name that is also the external one is found by that.
std::string sql_by_name(Conditions& c, const ResourceFilter& filter, std::string_view after) {
    const std::string name = c.value(*filter.name);
    add_columns(c, filter);
    c.add(fmt::format("r.id > {}", c.value(std::string(after))));
    return fmt::format(
        "SELECT r.id, r.version, r.body FROM "
        "(SELECT id FROM resources INDEXED BY resources_name WHERE name = {0} AND name <> external_name "
        "UNION ALL SELECT id FROM resources INDEXED BY resources_external_name "
        "WHERE external_name = {0} AND name = {0}) n CROSS JOIN resources r ON r.id = n.id WHERE {1} ORDER BY r.id",
        name, c.where());
}

std::string sql_by_billing_code(Conditions& c, const ResourceFilter& filter, std::string_view after) {
    add_columns(c, filter);
    c.add(fmt::format("r.id > {}", c.value(std::string(after))));
    return fmt::format(
        "SELECT r.id, r.version, r.body FROM resources r INDEXED BY resources_billing_code WHERE {} ORDER BY r.id",
        c.where());
}

// Of what is not gone: the one or two that have it.
std::string sql_by_address(Conditions& c, const ResourceFilter& filter, std::string_view after) {
    add_columns(c, filter);
    c.add(fmt::format("r.id > {}", c.value(std::string(after))));
    return fmt::format(
        "SELECT r.id, r.version, r.body FROM resources r INDEXED BY resources_address WHERE {} ORDER BY r.id",
        c.where());
}

std::string sql_by_column(Conditions& conditions, const ResourceFilter& filter, std::string_view after,
                          const std::string& rows) {
    const std::string from = conditions.value(std::string(after));
    add_columns(conditions, filter);
    conditions.add(fmt::format("r.id > {}", from));
    if (!filter.state && filter.include_gone && !filter.organization && !filter.placed_on) {
        return fmt::format("SELECT r.id, r.version, r.body FROM resources r WHERE {} ORDER BY r.id",
                           conditions.where());
    }
    // Who ends old backups and rotations looks through all of a kind, and nothing else, again and again.
    const bool tended = filter.kind == Kind::backup || filter.kind == Kind::database;
    const bool by_kind = tended && !filter.placed_on && !filter.organization;
    if (by_kind) conditions.add("r.kind IN ('backup', 'database')");
    const std::string_view index = by_kind               ? "resources_tended"
                                   : filter.placed_on    ? "resources_placed"
                                   : filter.organization ? "resources_organization"
                                                         : "resources_state";
    std::string runs;
    for (const std::string_view state : kResourceStates) {
        if (filter.state ? *filter.state != state : !filter.include_gone && state == "gone") continue;
        if (!runs.empty()) runs += " UNION ALL ";
        runs += fmt::format(
            "SELECT * FROM (SELECT r.id FROM resources r INDEXED BY {} WHERE r.state = '{}' AND {} "
            "ORDER BY r.id LIMIT {})",
            index, state, conditions.where(), rows);
    }
    if (runs.empty()) runs = fmt::format("SELECT r.id FROM resources r WHERE 0 AND {}", conditions.where());
    return fmt::format(
        "SELECT r.id, r.version, r.body FROM (SELECT id FROM ({}) ORDER BY id LIMIT {}) i "
        "CROSS JOIN resources r ON r.id = i.id ORDER BY i.id",
        runs, rows);
}

// By what gives the fewest rows in the order of their ids.
std::string shape_of(Conditions& conditions, const ResourceFilter& filter, std::string_view after,
                     const std::string& rows) {
    if (!filter.labels.empty()) return sql_by_label(conditions, filter, after);
    if (filter.address && !filter.include_gone) return sql_by_address(conditions, filter, after);
    if (filter.name) return sql_by_name(conditions, filter, after);
    if (filter.billing_code && !filter.billing_code->empty()) {
        return sql_by_billing_code(conditions, filter, after);
    }
    return sql_by_column(conditions, filter, after, rows);
}

std::string operations_sql(Conditions& c, const OperationFilter& filter, std::string_view after) {
    c.add(fmt::format("id > {}", c.value(std::string(after))));
    if (filter.resource) c.add("resource", filter.resource->str());
    if (filter.organization) c.add("organization", filter.organization->str());
    if (filter.kind) c.add("kind", std::string(to_string(*filter.kind)));
    if (filter.state) c.add("state", *filter.state);
    const bool ended =
        filter.state && (*filter.state == "succeeded" || *filter.state == "failed" || *filter.state == "cancelled");
    const bool open = filter.only_open || (filter.state && !ended);
    if (open) c.add("open = 1");
    if (ended) c.add("open = 0");
    std::string_view index;
    if (filter.resource) {
        index = "INDEXED BY operations_resource";
    } else if (open) {
        index = "INDEXED BY operations_open";
    } else if (filter.organization) {
        index = "INDEXED BY operations_organization";
    } else if (ended) {
        index = "INDEXED BY operations_ended";
    }
    return fmt::format("SELECT id, version, body, blocked_by FROM operations {} WHERE {} ORDER BY id", index,
                       c.where());
}

// One row more than the page has tells whether there is another.
template <class T, class Decode>
Result<Page<T>> read_page(Cursor row, std::uint32_t limit, Decode decode) {
    Page<T> page;
    while (row.next()) {
        if (page.items.size() == limit) {
            page.next = page.items.back().id.str();
            break;
        }
        auto item = decode(row);
        if (!item) return fail(item.error());
        page.items.push_back(std::move(*item));
    }
    return page;
}

}  // namespace

Result<Page<Resource>> read_resources(Database& database, const ResourceFilter& filter, const PageRequest& page) {
    const std::uint32_t limit = store::page_limit(page.limit);
    Conditions conditions;
    const std::string rows = conditions.value(std::to_string(limit + 1));
    const std::string sql = shape_of(conditions, filter, page.after, rows);
    return read_page<Resource>(
        conditions.run(database, fmt::format("{} LIMIT {}", sql, rows)), limit,
        [](const Cursor& row) { return store::decode_resource(row.text(0), row.text(2), row.natural(1)); });
}

Result<Page<Operation>> read_operations(Database& database, const OperationFilter& filter,
                                        const PageRequest& page) {
    const std::uint32_t limit = store::page_limit(page.limit);
    Conditions conditions;
    const std::string rows = conditions.value(std::to_string(limit + 1));
    const std::string sql = operations_sql(conditions, filter, page.after);
    return read_page<Operation>(
        conditions.run(database, fmt::format("{} LIMIT {}", sql, rows)), limit, [](const Cursor& row) {
            return store::decode_operation(row.text(0), row.text(2), row.natural(1), row.text(3));
        });
}

}  // namespace slipway::sqlite
