#include "store/sqlite/state_counts.h"

#include <algorithm>

namespace slipway::sqlite {

void StateCounts::add(Key key, std::int64_t delta) {
    if (key.state == "gone") return;
    changes_[std::move(key)] += delta;
}

void StateCounts::flush(Database& database) {
    for (const auto& [key, delta] : changes_) {
        if (delta == 0) continue;
        // What is inserted is checked even where the row is there and only updated: so it must not be negative.
        database
            .statement(
                "INSERT INTO resource_counts (kind, engine, state, pooled, resources) VALUES (?1, ?2, ?3, ?4, ?5) "
                "ON CONFLICT (kind, engine, state, pooled) DO UPDATE SET resources = resources + ?6")
            .run(key.kind, key.engine, key.state, key.pooled, std::max<std::int64_t>(delta, 0), delta)
            .done();
    }
    changes_.clear();
}

}  // namespace slipway::sqlite
