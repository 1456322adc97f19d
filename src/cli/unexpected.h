// What to say of words of a command line that nothing takes.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace slipway::cli {

// "--key=SECRET" and "-kSECRET" without what is no name.
inline std::string option_name(const std::string& word) {
    return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

// Where an option is unknown it alone is named: a word beside it may be its value, and a secret.
inline std::string unexpected(std::vector<std::string> words) {
    const auto option = std::ranges::find_if(words, [](const std::string& word) { return word.starts_with('-'); });
    if (option != words.end()) return fmt::format("there is no option {}", option_name(*option));
    std::ranges::sort(words);
    return fmt::format("not expected here: {}", fmt::join(words, ", "));
}

}  // namespace slipway::cli
