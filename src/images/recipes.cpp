#include "images/recipes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

namespace slipway::images {
namespace {

struct Known {
    Recipe recipe;
    Result<Image> (*build)(const Draft& draft, const Workshop& workshop) = nullptr;
};
constexpr std::array kKnown{
    Known{{"tiny", "busybox and dropbear: starts in seconds, for tests and demonstrations"}, build_tiny},
    Known{{"debian", "this machine's Debian with systemd, cloud-init and OpenSSH"}, build_debian}};

// Packages come from this machine's archive, for its own architecture.
Status check_machine() {
    utsname names{};
    ::uname(&names);
    if (names.machine == kArchitecture) return {};
    return fail(ErrorCode::unavailable, fmt::format("images are built on {} only, and this machine is {}; `slipway "
                                                    "images import` takes one that was made elsewhere",
                                                    kArchitecture, names.machine));
}

}  // namespace

std::vector<Recipe> recipes() {
    std::vector<Recipe> all;
    for (const Known& each : kKnown) all.push_back(each.recipe);
    return all;
}

Result<Image> build_image(std::string_view recipe, const ImageStore& store, const Workshop& workshop) {
    const auto known = std::ranges::find_if(kKnown, [&](const Known& each) { return each.recipe.name == recipe; });
    if (known == kKnown.end()) {
        std::vector<std::string_view> names;
        for (const Known& each : kKnown) names.push_back(each.recipe.name);
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("there is no recipe for an image of that name, only for {}", fmt::join(names, ", ")));
    }
    if (Status good = check_machine(); !good) return fail(good.error());
    auto draft = store.begin(workshop.random);
    if (!draft) return fail(draft.error());
    auto image = known->build(*draft, workshop);
    if (!image) return fail(image.error());
    if (workshop.programs.stopped()) return fail(ErrorCode::cancelled, "interrupted");
    image->name = recipe;
    image->made_at = format_time(workshop.clock.now());
    return store.install(std::move(*draft), *image);
}

}  // namespace slipway::images
