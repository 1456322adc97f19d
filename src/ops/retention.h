// Keeps of each database's backups as many, and for as long, as their plan says; the others are removed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "store/store.h"

namespace slipway {

struct RetentionOptions {
    Duration removal_limit = std::chrono::minutes(15);
    std::int64_t keep = 7;  // where a plan says nothing
};

// Used on one executor.
class BackupRetention {
  public:
    struct Parts {
        Store& store;
        const Clock& clock;
        Random& random;
    };
    BackupRetention(Parts parts, RetentionOptions options) : parts_(parts), options_(options) {}

    // One look at every backup that is ready. Of one database and plan the newest `keep` stay, and of these none
    // that is older than `max_age_seconds`. One without a database, e.g. one that was adopted, has only an age.
    // Answers how many removals were asked for.
    Task<Result<std::uint32_t>> pass();

  private:
    Task<Result<bool>> remove(Resource backup, std::string why);

    Parts parts_;
    RetentionOptions options_;
};

}  // namespace slipway
