// The stable words of every enumeration: they stand in stored rows, events and answers.
#include <array>
#include <utility>

#include "domain/access.h"
#include "domain/operation.h"
#include "domain/provider_types.h"
#include "domain/resource.h"

namespace slipway {
namespace {

template <class Enum, std::size_t N>
std::optional<Enum> find_word(const std::array<Enum, N>& all, std::string_view text) {
    for (const Enum value : all) {
        if (to_string(value) == text) return value;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(Presence presence) {
    switch (presence) {
        case Presence::absent: return "absent";
        case Presence::pending: return "pending";
        case Presence::running: return "running";
        case Presence::stopped: return "stopped";
        case Presence::deleting: return "deleting";
        case Presence::failed: return "failed";
        case Presence::foreign: return "foreign";
    }
    return "unknown";
}

std::string_view to_string(ErrorClass error) {
    switch (error) {
        case ErrorClass::throttled: return "throttled";
        case ErrorClass::transient: return "transient";
        case ErrorClass::permanent: return "permanent";
        case ErrorClass::unknown_outcome: return "unknown_outcome";
        case ErrorClass::conflict: return "conflict";
        case ErrorClass::address_in_use: return "address_in_use";
    }
    return "unknown";
}

std::string_view to_string(Verb verb) {
    switch (verb) {
        case Verb::observe: return "observe";
        case Verb::create: return "create";
        case Verb::update: return "update";
        case Verb::remove: return "remove";
    }
    return "unknown";
}

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::cache: return "cache";
        case Kind::database_server: return "database-server";
        case Kind::database: return "database";
        case Kind::machine: return "machine";
        case Kind::cluster: return "cluster";
        case Kind::backup: return "backup";
    }
    return "unknown";
}

std::optional<Kind> parse_kind(std::string_view text) {
    return find_word(
        std::array{Kind::cache, Kind::database_server, Kind::database, Kind::machine, Kind::cluster, Kind::backup},
        text);
}

std::string_view to_string(Health health) {
    switch (health) {
        case Health::unknown: return "unknown";
        case Health::healthy: return "healthy";
        case Health::degraded: return "degraded";
        case Health::unreachable: return "unreachable";
    }
    return "unknown";
}

std::string_view to_string(OperationKind kind) {
    switch (kind) {
        case OperationKind::provision: return "provision";
        case OperationKind::deprovision: return "deprovision";
        case OperationKind::update: return "update";
        case OperationKind::repair: return "repair";
        case OperationKind::claim: return "claim";
    }
    return "unknown";
}

std::optional<OperationKind> parse_operation_kind(std::string_view text) {
    return find_word(std::array{OperationKind::provision, OperationKind::deprovision, OperationKind::update,
                                OperationKind::repair, OperationKind::claim},
                     text);
}

std::string_view to_string(StepKind kind) {
    switch (kind) {
        case StepKind::create: return "create";
        case StepKind::verify: return "verify";
        case StepKind::update: return "update";
        case StepKind::change: return "change";
        case StepKind::restart: return "restart";
        case StepKind::remove: return "remove";
    }
    return "unknown";
}

std::optional<StepKind> parse_step_kind(std::string_view text) {
    return find_word(std::array{StepKind::create, StepKind::verify, StepKind::update, StepKind::change,
                                StepKind::restart, StepKind::remove},
                     text);
}

std::string_view to_string(StepStatus status) {
    switch (status) {
        case StepStatus::pending: return "pending";
        case StepStatus::intended: return "intended";
        case StepStatus::done: return "done";
        case StepStatus::undone: return "undone";
    }
    return "unknown";
}

std::optional<StepStatus> parse_step_status(std::string_view text) {
    return find_word(std::array{StepStatus::pending, StepStatus::intended, StepStatus::done, StepStatus::undone},
                     text);
}

std::string_view to_string(Role role) {
    switch (role) {
        case Role::reader: return "reader";
        case Role::user: return "user";
        case Role::administrator: return "administrator";
    }
    return "unknown";
}

std::optional<Role> parse_role(std::string_view text) {
    return find_word(std::array{Role::reader, Role::user, Role::administrator}, text);
}

}  // namespace slipway
