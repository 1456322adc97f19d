// Texts that stand for secrets, and the search for them in what a program shows.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace slipway::testing {

class Canaries {
  public:
    // A text of its own for each name, the same in every run: 40 letters and digits.
    std::string plant(const std::string& name);
    // A secret that somebody else made.
    void know(const std::string& name, std::string_view secret);
    // The names of those of which twelve characters in a row are there: as they are, in upper or lower case, as
    // hexadecimal, or as base64 at whatever place.
    [[nodiscard]] std::set<std::string> found_in(std::string_view text) const;

  private:
    using Parts = std::map<std::string, std::string, std::less<>>;  // of whose name
    Parts folded_;
    Parts exact_;
};

}  // namespace slipway::testing
