#include "sim/faults.h"

#include <algorithm>

namespace slipway::sim {

std::string_view to_string(Mutant mutant) {
    switch (mutant) {
        case Mutant::none: return "none";
        case Mutant::no_fence: return "no-fence";
        case Mutant::create_before_intent: return "create-before-intent";
        case Mutant::skip_observe: return "skip-observe";
        case Mutant::synchronous_off: return "synchronous-off";
        case Mutant::undo_skipped: return "undo-skipped";
        case Mutant::claim_not_conditional: return "claim-not-conditional";
        case Mutant::lease_never_expires: return "lease-never-expires";
        case Mutant::retry_without_token: return "retry-without-token";
        case Mutant::delete_does_not_wait: return "delete-does-not-wait";
        case Mutant::forget_release: return "forget-release";
        case Mutant::places_unchecked: return "places-unchecked";
    }
    return "?";
}

const std::vector<Mutant>& all_mutants() {
    static const std::vector<Mutant> all{Mutant::no_fence,
                                         Mutant::create_before_intent,
                                         Mutant::skip_observe,
                                         Mutant::synchronous_off,
                                         Mutant::undo_skipped,
                                         Mutant::claim_not_conditional,
                                         Mutant::lease_never_expires,
                                         Mutant::retry_without_token,
                                         Mutant::delete_does_not_wait,
                                         Mutant::forget_release,
                                         Mutant::places_unchecked};
    return all;
}

std::optional<Mutant> parse_mutant(std::string_view text) {
    const auto found =
        std::ranges::find_if(all_mutants(), [&](Mutant mutant) { return to_string(mutant) == text; });
    return found == all_mutants().end() ? std::nullopt : std::optional(*found);
}

std::string_view to_string(CrashPoint point) {
    switch (point) {
        case CrashPoint::before_commit: return "before commit";
        case CrashPoint::after_commit: return "after commit";
        case CrashPoint::before_call: return "before call";
        case CrashPoint::after_call: return "after call";
    }
    return "?";
}

}  // namespace slipway::sim
