// A MariaDB dump names who defined its views, routines, triggers and events, and only an administrator may make
// them in another's name: what passes through here is the new tenant's own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::backups {

// Looks at the beginnings of lines where a definer may stand, and at nothing else: data are never changed. Any
// pieces in, the same lines out.
class DefinerFilter {
  public:
    explicit DefinerFilter(std::string_view user);
    // Valid until the next call; empty where a line's beginning is not whole yet.
    std::string_view pass(std::string_view piece);
    // What is left at the end.
    std::string_view end();

  private:
    void put_head();

    std::string account_;  // `user`@`%`
    std::string head_;     // of the present line, as far as it is known
    std::string out_;
    bool past_head_ = false;
};

}  // namespace slipway::backups
