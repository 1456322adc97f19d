#include "providers/machines/consoles.h"

#include <fmt/format.h>

namespace slipway::machines {
namespace {

// Absent, foreign: it is not there yet, or not any more.
Error error_of(const agent::Failure& failure) {
    return {ErrorCode::unavailable, "its console cannot be reached", failure.message, {}};
}

}  // namespace

agent::Identity HelperConsoles::identity_of(const Resource& resource) const {
    return {installation_.str(), resource.id.str(), resource.generation};
}

Task<Result<ConsoleOutput>> HelperConsoles::read(Resource resource, ConsoleFrom from, Duration budget) {
    agent::ConsoleWish wish{std::move(from.after), from.tail};
    agent::Answer<agent::ConsolePart> part =
        co_await agent_.read_console(resource.external_name, identity_of(resource), std::move(wish), budget);
    if (part) co_return ConsoleOutput{std::move(part->bytes), std::move(part->next), part->lost, part->more};
    // One that is not made yet has printed nothing.
    if (part.error().code == agent::FailureCode::absent) co_return ConsoleOutput{};
    co_return fail(error_of(part.error()));
}

Task<Status> HelperConsoles::type(Resource resource, Secret input, Duration budget) {
    const agent::Answer<agent::Typed> typed =
        co_await agent_.type_at_console(resource.external_name, identity_of(resource), std::move(input), budget);
    const bool absent = !typed && typed.error().code == agent::FailureCode::absent;
    if (!typed && !absent) {
        // What the host forbids does not come right by itself: why is for whoever asks.
        if (typed.error().code != agent::FailureCode::unsupported) co_return fail(error_of(typed.error()));
        co_return fail(ErrorCode::unavailable, typed.error().message);
    }
    switch (typed.value_or(agent::Typed::off)) {
        case agent::Typed::taken: co_return Status();
        case agent::Typed::off:
            co_return fail(ErrorCode::conflict,
                           fmt::format("{} does not run: nobody reads what is typed", resource.name));
        case agent::Typed::unread:
            co_return fail(ErrorCode::conflict,
                           fmt::format("{} does not read what was typed before, or somebody else is attached to "
                                       "its console on the host",
                                       resource.name));
    }
    co_return Status();
}

}  // namespace slipway::machines
