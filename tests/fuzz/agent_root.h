// A helper over a root directory of its own, which is in memory where the machine has that and gone afterwards.
#pragma once

#include <string>

#include "agent/server.h"

namespace slipway::fuzz {

// Of this process: $TMPDIR, or in memory.
const std::string& scratch_directory();
// The directory that holds a root and nothing else.
const std::string& around_roots();

class AgentRoot {
  public:
    AgentRoot();
    AgentRoot(const AgentRoot&) = delete;
    AgentRoot& operator=(const AgentRoot&) = delete;
    ~AgentRoot();

    [[nodiscard]] const std::string& path() const { return path_; }
    agent::Handler& handler() { return handler_; }
    // Every name below the parent of the root, with its mode and content: what a refused request must leave as it
    // was.
    [[nodiscard]] std::string everything() const;

  private:
    std::string path_;
    agent::Handler handler_;
};

// A request's answer as the broker's side reads it. Checks what holds of every one.
json::object checked_answer(const std::string& answer);

}  // namespace slipway::fuzz
