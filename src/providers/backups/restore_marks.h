// What a server remembers of restores: that one began, and that it is whole. Kept where no tenant can reach it, so
// that a restore which was interrupted is never taken for one that is whole, and nobody can have a database emptied
// that is in use.
#pragma once

#include <memory>
#include <string>

#include "domain/ports.h"
#include "providers/deadline.h"
#include "providers/sql/server_tls.h"
#include "providers/sql/sql_types.h"

namespace slipway::backups {

enum class RestoreMark : std::uint8_t { none, begun, done };

// Which database on a server.
struct Restored {
    std::string external_name;
    std::uint64_t generation = 1;
    std::string database;
    std::string user;
};

// Used for one call.
class RestoreMarks {
  public:
    virtual ~RestoreMarks() = default;
    virtual Task<sql::Answer<RestoreMark>> look(Restored of, Deadline deadline) = 0;
    virtual Task<sql::Answer<void>> put(Restored of, RestoreMark mark, Deadline deadline) = 0;
    // Takes the database away, if it is its user's, and whoever is connected to it. The user stays.
    virtual Task<sql::Answer<void>> empty(Restored of, Deadline deadline) = 0;
};
// `pin`: the certificate that the server has to show; none: it speaks without TLS.
Task<sql::Answer<std::unique_ptr<RestoreMarks>>> open_marks(ServerAccess access, std::optional<sql::Pin> pin,
                                                            Deadline deadline);

}  // namespace slipway::backups
