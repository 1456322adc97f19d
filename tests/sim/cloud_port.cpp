#include "sim/cloud_port.h"

#include <fmt/format.h>

namespace slipway::sim {
namespace {

std::unexpected<ProviderError> error(ErrorClass error_class, std::string message) {
    ProviderError made;
    made.error_class = error_class;
    made.message = std::move(message);
    if (error_class == ErrorClass::address_in_use) made.allocation = "port";
    return std::unexpected(std::move(made));
}

}  // namespace

// What becomes of one call.
struct CloudPort::Fate {
    std::optional<ErrorClass> instead;  // answered without any effect
    bool lost = false;                  // the effect comes, the answer does not
    bool twice = false;
    Duration effect_after{};
    Duration answer_after{};
    Duration boot{};
};

CloudPort::Fate CloudPort::fate_of(const std::string& label, Verb verb, const Target& target, Duration budget) {
    World& world = parts_.world;
    const Faults& faults = parts_.faults;
    Fate fate;
    fate.effect_after = world.between(std::chrono::milliseconds(1), std::chrono::milliseconds(80));
    fate.answer_after =
        fate.effect_after + world.between(std::chrono::milliseconds(1), std::chrono::milliseconds(80));
    if (parts_.script) {
        const Scripted scripted = parts_.script(label, target, verb);
        fate.instead = scripted.error;
        fate.twice = scripted.twice;
        fate.lost = scripted.lost_answer;
        if (fate.lost) fate.answer_after = budget;
        return fate;
    }
    if (!faults.active) return fate;
    if (verb == Verb::create && world.chance(faults.pending)) {
        fate.boot = world.between(std::chrono::seconds(1), std::chrono::seconds(8));
    }
    if (world.chance(faults.provider_error)) {
        static constexpr std::array kinds{ErrorClass::throttled, ErrorClass::transient, ErrorClass::unknown_outcome,
                                          ErrorClass::address_in_use};
        fate.instead = kinds.at(world.random().below(verb == Verb::create ? 4 : 3));
        parts_.cloud.troubled.insert(target.resource);
    }
    if (verb == Verb::create && world.chance(faults.permanent)) {
        fate.instead = ErrorClass::permanent;
        parts_.cloud.refused.insert(target.resource);
    }
    if (verb != Verb::observe && world.chance(faults.lost_answer)) {
        fate.lost = true;
        fate.answer_after = budget;
        parts_.cloud.troubled.insert(target.resource);
    }
    if (verb != Verb::observe && world.chance(faults.late_effect)) {
        fate.lost = true;
        fate.answer_after = budget;
        fate.effect_after = budget + world.between({}, std::chrono::seconds(30));
        parts_.cloud.troubled.insert(target.resource);
        parts_.cloud.late.insert(target.resource);
    }
    return fate;
}

// The effect is the world's: it happens even if the process dies meanwhile. The answer is the process's.
Task<ProviderAnswer> CloudPort::call(Verb verb, Target target, Spec spec, Duration budget) {
    World& world = parts_.world;
    const std::string label = parts_.label(target, verb);
    if (parts_.mutant == Mutant::retry_without_token) target.token += fmt::format("/{}", world.random().next());
    if (parts_.crash(label, CrashPoint::before_call)) co_await forever();
    const Fate fate = fate_of(label, verb, target, budget);
    if (fate.instead) {
        co_await world.wait(fate.answer_after, parts_.owner);
        co_return error(*fate.instead, "the simulated provider refused");
    }
    const auto answer = std::make_shared<std::optional<ProviderAnswer>>();
    world.at(fate.effect_after, kWorld, [cloud = &parts_.cloud, verb, target, spec, fate, answer] {
        for (int times = fate.twice ? 2 : 1; times > 0; --times) {
            switch (verb) {
                case Verb::observe: *answer = cloud->observe(target); break;
                case Verb::create: *answer = cloud->create(target, spec, fate.boot); break;
                case Verb::update: *answer = cloud->update(target, spec); break;
                case Verb::remove: *answer = cloud->remove(target, fate.boot); break;
            }
        }
    });
    // A crash of the process with the call on its way: the effect has happened, the answer finds nobody.
    co_await world.wait(fate.effect_after, parts_.owner);
    if (parts_.crash(label, CrashPoint::after_call)) co_await forever();
    if (fate.answer_after > fate.effect_after)
        co_await world.wait(fate.answer_after - fate.effect_after, parts_.owner);
    if (fate.lost || !*answer) co_return error(ErrorClass::unknown_outcome, "no answer came in time");
    co_return **answer;
}

Task<ProviderAnswer> CloudPort::observe(Target target, Spec spec, Duration budget) {
    return call(Verb::observe, std::move(target), std::move(spec), budget);
}
Task<ProviderAnswer> CloudPort::create(Target target, Spec spec, Duration budget) {
    return call(Verb::create, std::move(target), std::move(spec), budget);
}
Task<ProviderAnswer> CloudPort::update(Target target, Spec spec, Duration budget) {
    return call(Verb::update, std::move(target), std::move(spec), budget);
}
Task<ProviderAnswer> CloudPort::remove(Target target, Spec spec, Duration budget) {
    return call(Verb::remove, std::move(target), std::move(spec), budget);
}

Task<std::expected<InventoryPage, ProviderError>> CloudPort::inventory(std::string, Duration) {
    co_await parts_.world.wait(std::chrono::milliseconds(5), parts_.owner);
    co_return parts_.cloud.inventory();
}

}  // namespace slipway::sim
