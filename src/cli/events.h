// What happened: listed, followed, and told as a story.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/resources.h"

namespace slipway::cli {

struct EventOptions {
    std::string name;  // of a resource; "": of all
    std::string operation;
    std::vector<std::string> types;
    Scope scope;
    bool follow = false;
    bool since_start = false;
    std::optional<std::uint64_t> after;
    std::optional<std::size_t> limit;
};

// Listed: from the first one, or the one after `after`. Followed: what comes, or from there; until it is
// interrupted or `limit` have come. A lost connection is taken up again where it ended.
Outcome<Exit> show_events(Api& api, const EventOptions& options, Format format);

// How a resource stands and why: the last thing that was done to it, or everything.
Outcome<Exit> explain(Api& api, const std::string& name, bool everything, bool json);

}  // namespace slipway::cli
