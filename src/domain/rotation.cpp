#include "domain/rotation.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace slipway {
namespace {

constexpr std::string_view kNumber = "rotation";
constexpr std::string_view kKeepFormer = "keep_former";
constexpr std::string_view kFormerUntil = "former_until";
constexpr std::array<std::string_view, 2> kSecrets = {"password", "password_alt"};
constexpr std::size_t kPasswordLength = 32;  // alphanumeric: about 190 bits

void put(const Rotation& rotation, Resource& resource) {
    resource.own_parameters[kNumber] = rotation.number;
    resource.own_parameters[kKeepFormer] = rotation.keep_former;
    resource.own_parameters[kFormerUntil] = to_micros(rotation.former_until);
}

// It is as told by its own parameters; what it was before is kept for the case that this fails.
std::expected<RotationDraft, Refusal> change(Resource resource, const RotationTerms& terms, std::string type,
                                             std::string message, Random& random) {
    Operation operation =
        draft_operation(OperationKind::update, resource, terms.cause, terms.now, terms.time_limit, random);
    FormerPlan next{resource.plan, overlaid(resource.parameters, resource.own_parameters)};
    auto stepped = step(resource, {terms.now, resource_event::UpdateRequested{operation.id, std::move(next)}});
    if (!stepped) return std::unexpected(std::move(stepped.error()));
    EventDraft event = draft_event(resource, terms.cause, terms.now, std::move(type), std::move(message));
    event.operation = operation.id;
    return RotationDraft{std::move(stepped->resource), std::move(operation), std::move(event)};
}

}  // namespace

Rotation rotation_in(const json::object& parameters) {
    return {std::max<std::int64_t>(json::get_int(parameters, kNumber), 0), json::get_bool(parameters, kKeepFormer),
            from_micros(json::get_int(parameters, kFormerUntil))};
}

std::string_view current_secret(const Rotation& rotation) {
    return kSecrets.at(static_cast<std::size_t>(rotation.number % 2));
}
std::string_view former_secret(const Rotation& rotation) {
    return kSecrets.at(static_cast<std::size_t>((rotation.number + 1) % 2));
}

Rotation shown_rotation(const Resource& resource) {
    return rotation_in(resource.former ? resource.former->parameters : resource.parameters);
}

bool is_rotating(const Resource& resource) {
    return resource.former && rotation_in(resource.former->parameters) != rotation_in(resource.parameters);
}

std::string login_of(const Resource& resource) {
    for (const auto& [from, key] : {std::pair(&resource.handle, "login"), std::pair(&resource.handle, "user"),
                                    std::pair(&resource.parameters, "user")}) {
        if (std::string found = json::get_string(*from, key); !found.empty()) return found;
    }
    return {};
}

std::string database_name_of(const Resource& database) {
    std::string found = json::get_string(database.handle, "database");
    if (found.empty()) found = json::get_string(database.parameters, "database");
    return found.empty() ? database.external_name : found;
}

std::optional<Refusal> never_rotated(const Resource& resource) {
    if (resource.kind != Kind::database) {
        return Refusal{fmt::format("only passwords of databases are rotated: {} is a {} ({})", resource.name,
                                   to_string(resource.kind), resource.engine)};
    }
    if (!resource.secrets.contains(std::string(kSecrets[0]))) return Refusal{resource.name + " has no password"};
    if (resource.pooled) return Refusal{"it waits in a pool: nobody owns it yet"};
    return std::nullopt;
}

std::expected<RotationDraft, Refusal> draft_rotation(const Resource& resource, const RotationTerms& terms,
                                                     Random& random, Sealer& sealer) {
    if (std::optional<Refusal> never = never_rotated(resource)) return std::unexpected(std::move(*never));
    Rotation rotation = rotation_in(resource.parameters);
    if (rotation.keep_former && !is_rotating(resource)) {
        return std::unexpected(
            Refusal{fmt::format("the last rotation is not confirmed: confirm it, or wait until {}",
                                format_time(rotation.former_until))});
    }
    rotation = {rotation.number + 1, true, terms.now + terms.grace};
    Resource next = resource;
    put(rotation, next);
    const std::string secret(current_secret(rotation));
    next.secrets[secret] =
        sealer.seal(Secret(random.alphanumeric(kPasswordLength)), secret_context(next.id, secret));
    return change(std::move(next), terms, "resource.rotation_requested",
                  fmt::format("{} gets a new password; the former one stays good until the new one is confirmed, "
                              "or until {}",
                              resource.name, format_time(rotation.former_until)),
                  random);
}

std::expected<RotationDraft, Refusal> draft_confirmation(const Resource& resource, const RotationTerms& terms,
                                                         std::string_view why, Random& random) {
    Rotation rotation = rotation_in(resource.parameters);
    rotation.keep_former = false;
    Resource next = resource;
    put(rotation, next);
    return change(std::move(next), terms, "resource.rotation_confirmed",
                  fmt::format("{}: {}; the former one ends", resource.name, why), random);
}

void forget_rotations(Resource& resource) {
    for (const std::string_view key : {kNumber, kKeepFormer, kFormerUntil}) resource.own_parameters.erase(key);
}

}  // namespace slipway
