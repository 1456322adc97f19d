#include "domain/catalog.h"

#include <algorithm>

namespace slipway {

const Plan* Catalog::find(Kind kind, std::string_view engine, std::string_view name) const {
    const auto found = std::ranges::find_if(
        plans_, [&](const Plan& plan) { return plan.kind == kind && plan.engine == engine && plan.name == name; });
    return found == plans_.end() ? nullptr : &*found;
}

std::vector<const Plan*> Catalog::of(Kind kind, std::string_view engine) const {
    std::vector<const Plan*> found;
    for (const Plan& plan : plans_) {
        if (plan.kind == kind && plan.engine == engine) found.push_back(&plan);
    }
    std::ranges::sort(found, {}, [](const Plan* plan) { return plan->name; });
    return found;
}

}  // namespace slipway
