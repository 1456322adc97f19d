// How many resources there are of a kind, engine and state: what changed in a transaction, stored once at its end.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "store/sqlite/database.h"

namespace slipway::sqlite {

class StateCounts {
  public:
    struct Key {
        std::string kind;
        std::string engine;
        std::string state;  // that of a resource that is gone is not counted
        bool pooled = false;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    void add(Key key, std::int64_t delta);
    // Before the transaction is committed. Throws SqlFailure.
    void flush(Database& database);

  private:
    std::map<Key, std::int64_t> changes_;  // since the last flush
};

}  // namespace slipway::sqlite
