// Texts that stand for secrets, and the search for them in what a program shows.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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
    struct Parts {
        std::map<std::string, std::string, std::less<>> names;    // of the secret that each is of
        std::vector<bool> begins = std::vector<bool>(1U << 20U);  // digests of first bytes: most texts have none
    };
    static std::size_t begin_of(std::string_view part);
    static void add(Parts& parts, std::string_view text, const std::string& name);
    static void look(const Parts& parts, std::string_view text, std::set<std::string>& found);

    Parts folded_;
    Parts exact_;
};

}  // namespace slipway::testing
