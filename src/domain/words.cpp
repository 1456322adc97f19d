#include "domain/words.h"

#include <fmt/format.h>

namespace slipway {

std::string_view noun_of(OperationKind kind) {
    switch (kind) {
        case OperationKind::provision: return "the creation";
        case OperationKind::deprovision: return "the removal";
        case OperationKind::update: return "the change";
        case OperationKind::repair: return "the repair";
        case OperationKind::claim: return "the handing over";
    }
    return "";
}

std::string_view noun_of(Kind kind) {
    switch (kind) {
        case Kind::cache: return "engine";
        case Kind::database_server: return "database server";
        case Kind::database: return "database";
        case Kind::machine: return "machine";
        case Kind::cluster: return "cluster";
        case Kind::backup: return "backup";
    }
    return "";
}

std::string product_of(const Resource& resource) {
    if (resource.kind == Kind::machine) return fmt::format("machine ({})", resource.engine);
    return resource.engine;
}

std::string_view verb_of(StepKind kind) {
    switch (kind) {
        case StepKind::create: return "create it";
        case StepKind::verify: return "check that it answers";
        case StepKind::update: return "give it its settings";
        case StepKind::change: return "change its settings";
        case StepKind::restart: return "bring it back";
        case StepKind::remove: return "remove it";
    }
    return "";
}

std::string in_words(Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds < 1.0) return fmt::format("{:.0f} ms", seconds * 1000.0);
    if (seconds < 120.0) return fmt::format("{:.1f} s", seconds);
    return fmt::format("{:.0f} min", seconds / 60.0);
}

}  // namespace slipway
