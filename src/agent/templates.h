// Data directories of database servers that are made once for each version of a program and copied for every
// instance:
//
//   <root>/.templates/<name>-<size and time of the program>/data   belongs to the helper
//   <root>/.templates/.making/                                     being made: renamed once it is whole
//
// Making one takes about half a second, and starting an engine on a copy a fraction of that. A template holds no
// password and no login but kManagementRole, which cannot log in before an instance's seed gave it a verifier.
#pragma once

#include "agent/instances.h"
#include "agent/launch.h"

namespace slipway::agent {

class Templates {
  public:
    // `directory` belongs to the instances and lives as long as they do.
    Templates(int directory, Rights rights, Checkpoint checkpoint)
        : directory_(directory), rights_(rights), checkpoint_(std::move(checkpoint)) {}

    // Makes "data" in the directory of an instance that is being made: a copy, with the seed's logins, belonging to
    // `uid`, durable. `program` is the path of the seed's program.
    Answer<void> seed(const Seed& seed, const std::string& program, int directory, uid_t uid) const;

    static const std::string& program_of(const Seed& seed);
    // Whether the program is told its directories by paths, instead of starting in them.
    static bool asks_for_paths(std::string_view program);
    // And whether it walks them from the root of the file system, whatever is open to it.
    static bool walks_paths(std::string_view program);
    // What the program takes for a sign of an earlier process that still lives, although none does: it goes by the
    // pid in it, which another process may have now, or a zombie.
    static std::string stale_file(std::string_view program);

  private:
    struct Maker {
        uid_t uid = 0;
        gid_t gid = 0;
    };
    Answer<UniqueFd> find_or_make(const std::string& name, const std::string& program) const;
    Answer<void> make(const std::string& name, const std::string& program) const;
    Answer<void> add_logins(const Seed& seed, const std::string& program, int directory, const Maker& maker) const;
    [[nodiscard]] Answer<Maker> maker_of(const std::string& name) const;
    [[nodiscard]] Launch launch_of(const std::string& program, int directory, const Maker& maker) const;

    int directory_;
    Rights rights_;
    Checkpoint checkpoint_;
};

}  // namespace slipway::agent
